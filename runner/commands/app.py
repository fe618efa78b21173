"""The command line: the root that finds the commands, and `main`."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_command

from .parsing import CONTEXT_SETTINGS, Command, Group

COMMANDS = (
    *("init", "deliver", "serve", "work", "status", "page", "preview", "bill", "snapshot", "check", "doctor"),
    *("destinations", "config-schema", "new", "docs", "sandbox", "audience", "dead-letters", "outbox"),
)
"""The names of the commands. Each is in a file of that name."""


class Program(Group):
    """The root. It imports a command when it is asked for, so none waits for the others."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - no command depends on how it is called
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None if there is none of this name."""
        # A name that is none is compared with all the others.
        for name in (cmd_name,) if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _imported(name)
        return super().get_command(ctx, cmd_name)


def _imported(name: str) -> Any:
    """Import a command, or a group of commands."""
    found = getattr(import_module(f".{(key := name.replace('-', '_'))}", __package__), key)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(cls=Command)(found)
        found = alone
    return get_command(found)


app = typer.Typer(
    name="kable-destination",
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT_SETTINGS,
    # Plain help: markup would swallow text in brackets, such as a default.
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; the entry point of the console script."""
    app()


@app.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Send Segment events to Kable, or to any other installed destination.

    Settings come from --config and from the environment: KABLE_API_KEY, KABLE_CLIENT_ID, KABLE_CLIENT_ID_FIELD,
    KABLE_PROPERTIES_MAPPINGS (as JSON), KABLE_BASE_URL, KABLE_LIVE, KABLE_BATCH_SIZE, KABLE_CONCURRENCY.

    Exit codes: 0 success; 1 some events were not delivered; 2 wrong usage or configuration; 3 credentials refused.
    """
    if show_version:
        from ..version import version

        typer.echo(version())
        raise typer.Exit
