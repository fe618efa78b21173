"""The command line: the root that collects the commands, and `main`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..version import version
from .check import check
from .config_schema import config_schema
from .dead_letters import dead_letters
from .deliver import deliver
from .destinations import destinations
from .docs import docs
from .doctor import doctor
from .init import init
from .new import new
from .options import CONTEXT_SETTINGS
from .preview import preview
from .sandbox import sandbox
from .snapshot import snapshot
from .status import status

app = typer.Typer(
    name="kable-destination",
    no_args_is_help=True,
    add_completion=False,
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
        typer.echo(version())
        raise typer.Exit


for command in (
    *(init, deliver, status, preview, snapshot, check, doctor),
    *(destinations, config_schema, new, docs, sandbox),
):
    app.command()(command)
app.add_typer(dead_letters)
