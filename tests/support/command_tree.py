"""All commands of the command line, so that a test can walk them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer.main

from kable_destination.runner.commands.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator


def every_command() -> dict[str, Any]:
    """Return every command by its path, such as `dead-letters list`."""
    return dict(_commands(typer.main.get_command(app), ""))


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command
