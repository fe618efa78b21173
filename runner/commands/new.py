"""The command `new`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import OK, exits
from .options import JsonOption
from .output import inform


@exits
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the destination: small letters, digits and hyphens.")
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder to write. [default: NAME-destination]")
    ] = None,
    *,
    title: Annotated[
        str | None,
        typer.Option("--title", metavar="TEXT", help="Name for people to read. [default: derived from NAME]"),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Write a plugin package for a destination.

    The package is complete and its tests pass. Existing files are never overwritten. The command installs nothing and
    does not use the network.
    """
    from ..configuration.plugins import installed
    from ..new import PluginNames, write_plugin

    names = PluginNames.derive(name, title, taken=installed())
    target = folder if folder is not None else Path(names.distribution)
    write_plugin(names, target)
    if as_json:
        from .json_output import print_output
        from .json_outputs.writing import NewOutput

        shown = NewOutput(name=names.name, title=names.title, distribution=names.distribution, folder=str(target))
        print_output(shown)
        return OK
    inform(f"{names.title} is written. Next:\n")
    for step in (f"cd {shlex.quote(str(target))}", "pip install --editable '.[test]'", "make test"):
        inform(f"  {step}")
    return OK
