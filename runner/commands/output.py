"""How commands print: plain text that is never taken for markup and never steers a terminal, JSON, and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class PlainConsole:
    """Prints texts as they are: events and answers of servers may look like markup."""

    stderr: bool = False

    def print(self, text: str) -> None:
        """Print a text and end the line."""
        echo(text, err=self.stderr)


def plain_console(*, stderr: bool = False) -> PlainConsole:
    """Return a console that prints a text as it is, on standard output or standard error."""
    return PlainConsole(stderr)


def echo(text: str, *, err: bool = False) -> None:
    """Print a text, in which escapes replace what would steer a terminal."""
    from ...definitions import visible

    typer.echo(visible(text), err=err)


def print_json(value: Any) -> None:
    """Print a value as indented JSON, in which escapes replace what would steer a terminal."""
    import msgspec

    from ...definitions import visible_json

    typer.echo(visible_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def time_text(seconds: float) -> str:
    """Return a time (seconds since 1970) as text, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"
