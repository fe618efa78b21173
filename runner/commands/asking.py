"""Questions to the user at the terminal: those of `init`, and whether something may be deleted."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import typer

from .exit_codes import INTERRUPTED
from .live_question import is_terminal, says_yes
from .output import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..configuration.start import Start


def may_overwrite(existing: Sequence[Path], *, force: bool, asks: bool) -> None:
    """Ask whether files may be overwritten. Raises SetupError if they may not."""
    from ...definitions import Problem, SetupError, listed

    if force or not existing:
        return
    names = listed([str(path) for path in existing], "and")
    if not asks:
        advice = "exists already; --force overwrites it, and --config names another file"
        raise SetupError.of([Problem(str(path), advice) for path in existing])
    if not says_yes(f"Overwrite {names}?"):
        raise SetupError.of([Problem("", "you did not say yes, so nothing was written")])


def is_confirmed(question: str, *, yes: bool) -> bool:
    """Return whether something may be deleted. Only a person in a terminal is asked, and not if they said yes before.

    Without a terminal, the arguments have to say exactly what is meant, so they are the answer.
    """
    return yes or not is_terminal() or says_yes(question)


def ask_for_missing(start: Start, *, asks: bool) -> None:
    """Ask for the settings that are required and not known. Raises SetupError if nobody can answer."""
    from ...definitions import SetupError

    missing = start.missing()
    if missing and not asks:
        raise SetupError.of([start.how_to_give(key) for key in missing])
    for key in missing:
        field = start.definition.settings[key]
        if field.description:
            say(field.description, error=True)
        while True:
            answer = _answer(field.label, is_secret=field.type == "password")
            fault = start.answer(key, answer)
            if fault is None:
                break
            say(fault, error=True)


def _answer(label: str, *, is_secret: bool) -> str:
    """Return what the user types. Raises SetupError at the end of the input; Ctrl-C ends the command."""
    from ...definitions import Problem, SetupError

    prompt = f"{label}: "
    try:
        if is_secret:
            return getpass.getpass(f"{label} (hidden while you type): ", stream=sys.stderr).strip()
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
    except EOFError:
        line = ""
    except KeyboardInterrupt:
        say("", error=True)
        raise typer.Exit(INTERRUPTED) from None
    if not line:
        say("", error=True)
        raise SetupError.of([Problem(label, "was not given, so nothing was written")])
    return line.strip()
