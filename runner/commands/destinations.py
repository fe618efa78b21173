"""The command `destinations`."""

from __future__ import annotations

from .exit_codes import OK, exits
from .options import JsonOption
from .output import echo


@exits
def destinations(*, as_json: JsonOption = False) -> int:
    """List the installed destinations.

    Any of them, or the path of a manifest (.json), may follow --destination.
    """
    from ..configuration.plugins import described_plugins

    found = list(described_plugins())
    if as_json:
        from dataclasses import asdict

        from .json_output import print_output
        from .json_outputs.destinations import DestinationOutput, DestinationsOutput

        print_output(DestinationsOutput(destinations=[DestinationOutput(**asdict(each)) for each in found]))
        return OK
    for each in found:
        package = "" if each.package is None else f" ({each.package} {each.package_version or ''})".replace(" )", ")")
        echo(f"{each.name}: {each.title or 'cannot be used'}{package}")
        if each.fault or each.description:
            echo(f"    {each.fault or each.description}")
    if not found:
        echo("no destination is installed")
    return OK
