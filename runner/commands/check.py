"""The command `check`."""

from __future__ import annotations

from typing import Annotated

import typer

from .exit_codes import exits
from .options import AccountOption, BaseUrlOption, ConfigOption, DestinationOption


@exits
def check(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    credentials: Annotated[
        bool, typer.Option("--credentials", help="Also ask the destination whether it accepts the credentials.")
    ] = False,
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            metavar="FILE",
            help="Also count what your own events would become: how many each subscription matches, how many fill each "
            "field, and which mapped properties never occur. Exits 1 if a required field is never filled, or if "
            "nothing matches. - is standard input.",
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", hidden=True)] = False,
) -> int:
    """Check the configuration.

    Lists all problems of settings, subscriptions and mappings at once, and shows where events would be sent. Probable
    mistakes, such as the findings of the definition lint (docs/lint.md), are warnings. Warnings do not change the exit
    code. A setting that hardly ever matches an event is an error here; `deliver` only warns of it.
    """
    from ...definitions import Problem, SetupError
    from .checking import run_check
    from .configured import configured

    if live:
        raise SetupError.of([Problem("--live", "is called --credentials now; nothing was sent")])
    configuration = configured(config, destination=destination, account=account, base_url=base_url)
    return run_check(configuration, events=events, credentials=credentials)
