"""The command `docs`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import DestinationOption, JsonOption

_DEFAULT_FOLDER = Path("docs")


class PageFormat(StrEnum):
    """The format of the page about a destination."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


class Reference(StrEnum):
    """A page about the program instead of a destination."""

    CLI = "cli"
    CONFIGURATION = "configuration"


@exits
def docs(
    context: typer.Context,
    *,
    destination: DestinationOption = None,
    page_format: Annotated[PageFormat, typer.Option("--format", help="Format of the page.")] = PageFormat.MARKDOWN,
    reference: Annotated[
        Reference | None,
        typer.Option("--reference", help="Make the reference of the command line or of the configuration instead."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write files to this folder, do not print.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing. Print what is out of date in the folder, and exit with 1. [default: docs]"
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Generate the page about a destination.

    It is made from the definition. In a folder, the page of kable comes with the references of the command line and of
    the configuration, and with JSON Schemas.
    """
    from ...definitions import Problem, SetupError
    from ..pages import Wanted, changes, pages_of, write_page
    from .json_output import print_output, schemas
    from .json_outputs.writing import DocsOutput
    from .output_files import check_outputs

    if as_json and folder is None and not check:
        raise SetupError.of([Problem("--json", "reports what --output writes or --check finds; add one of them")])
    wanted = Wanted(destination, page_format.value, None if reference is None else reference.value)
    pages = pages_of(wanted, lambda: _command_line_reference(context), schemas)
    if check:
        there = folder or _DEFAULT_FOLDER
        stale = {name: text for name, make in pages.items() if (text := changes(there / name, make()))}
        if as_json:
            print_output(DocsOutput(folder=str(there), written=[], stale=[*stale]))
        else:
            typer.echo("".join(stale.values()), nl=False)
        return FAILED if stale else OK
    if folder is not None and destination is not None and destination.endswith(".json"):
        for name in pages:
            check_outputs({"--output": folder / name}, None, [destination])
    for name, make in pages.items():
        if folder is None:
            typer.echo(make(), nl=False)
            break
        write_page(folder / name, make())
    if as_json:
        print_output(DocsOutput(folder=str(folder), written=[*pages], stale=[]))
    return OK


def _command_line_reference(context: typer.Context) -> str:
    """Return the page of every command, argument and option, as `typer utils docs` writes it."""
    from typer.cli import get_docs_for_click

    from ...definitions.documentation import NOTICE

    program = context.find_root().command
    # Another context than that of this run: defaults and usage are those of the program, not of what was called.
    own = typer.Context(program, **program.context_settings)
    page = get_docs_for_click(obj=program, ctx=own, name="kable-destination", title="Command line")
    return f"<!-- {NOTICE} -->\n\n{page.strip()}\n"
