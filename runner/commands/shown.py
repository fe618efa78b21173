"""What a command shows, by the options that every command has: --quiet, --verbose and --color."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping


class When(StrEnum):
    """When output has colours."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results, warnings and errors only: no summary, hints or progress.")
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Say where each setting comes from. Commands that send events also log as text, unless --log is set.",
    ),
]
ColorOption = Annotated[
    When,
    typer.Option("--color", help="Colours. auto: in a terminal, unless NO_COLOR is set, or if FORCE_COLOR is set."),
]


@dataclass(slots=True)
class Shown:
    """What this process shows. A process runs one command."""

    quiet: bool = False
    verbose: bool = False
    color: When = When.AUTO


shown = Shown()

_NARROWEST = 40
"""A terminal with fewer columns is taken for one with so many."""

_CODES = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


def set_shown(*, quiet: bool, verbose: bool, color: When) -> None:
    """Note the options. Raises SetupError if they exclude each other."""
    from ...definitions import Problem, SetupError

    shown.quiet, shown.verbose, shown.color = quiet, verbose, color
    if quiet and verbose:
        raise SetupError.of([Problem("", "--quiet and --verbose exclude each other; give one of them")])


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person sees a stream as it is written."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        # It is closed.
        return False


def has_color(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether what is written to a stream has colours.

    An option wins over the environment. NO_COLOR and FORCE_COLOR count if they are not empty (no-color.org).
    """
    if shown.color is not When.AUTO:
        return shown.color is When.ALWAYS
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal(stream) and environment.get("TERM") != "dumb"


def painted(text: str, color: str, *, error: bool = False) -> str:
    """Return a text in a colour, if standard output (or standard error) has colours."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m" if has_color(sys.stderr if error else sys.stdout) else text


def fitted(text: str, stream: TextIO | None, indent: int | None = None) -> str:
    """Return a text whose lines fit the terminal without splitting a word; as it is, if it is read by a program.

    A line that is too long continues after `indent` columns, by default 2 more than those that it begins with.
    """
    if not is_terminal(stream):
        return text
    width = max(_NARROWEST, shutil.get_terminal_size().columns)
    return "\n".join([_wrapped(line, width, indent) for line in text.split("\n")])


def _wrapped(line: str, width: int, indent: int | None) -> str:
    if len(line) <= width:
        return line
    own = len(line) - len(line.lstrip(" ")) + 2 if indent is None else min(indent, width // 2)
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * own,
        # What is longer than a line is a path or a URL, which nobody can use in pieces.
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
