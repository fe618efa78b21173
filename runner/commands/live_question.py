"""The question whether real customers may be billed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from .exit_codes import INTERRUPTED
from .output import say

if TYPE_CHECKING:
    from ...definitions import Destination
    from ..configuration.configuration import Configuration
    from ..intent import LiveIntent


def live_intent(configuration: Configuration, destination: Destination, *, may_ask: bool) -> LiveIntent:
    """Return what says that billing real customers is meant, and ask if nothing does.

    Only a person in a terminal is asked. Raises LiveIntentError if nothing says so, or if the answer is no.
    """
    import asyncio

    from ...definitions import Problem
    from ..intent import LiveIntent, LiveIntentError, lacks_intent, live_question

    intent = LiveIntent(advice=configuration.live_advice)
    if not destination.is_live or not asyncio.run(lacks_intent(destination, configuration.delivery)):
        return intent
    if not (may_ask and is_terminal()):
        raise intent.refusal(destination)
    if not says_yes(live_question(destination)):
        raise LiveIntentError.of([Problem("", "you did not say yes, so nothing was sent")])
    return LiveIntent(is_confirmed=True, advice=intent.advice)


def is_terminal() -> bool:
    """Return whether a person can be asked."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def says_yes(question: str, *, default: bool = False) -> bool:
    """Ask a question in the terminal, and return whether the answer is yes. Ctrl-C ends the command."""
    sys.stderr.write(f"{question} [{'Y/n' if default else 'y/N'}] ")
    sys.stderr.flush()
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        say("", error=True)
        raise typer.Exit(INTERRUPTED) from None
    if not answer:
        # The end of the input is not an answer.
        say("", error=True)
        return False
    return answer.strip().casefold() in {"y", "yes"} or (default and not answer.strip())
