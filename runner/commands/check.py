"""The command `check`."""

from __future__ import annotations

from typing import Annotated

import typer

from .exit_codes import exits
from .options import AccountOption, BaseUrlOption, ConfigOption, DestinationOption, JsonOption


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
    as_json: JsonOption = False,
    live: Annotated[bool, typer.Option("--live", hidden=True)] = False,
) -> int:
    """Check the configuration.

    Lists all problems of settings, subscriptions and mappings at once, and shows where events would be sent. Probable
    mistakes, such as the findings of the definition lint (docs/lint.md), are warnings. Warnings do not change the exit
    code. A setting that hardly ever matches an event is an error here; `deliver` only warns of it.
    """
    from ...definitions import Problem, SetupError
    from .check_output import check_output, print_checked
    from .checking import Checked, checked
    from .configured import configured
    from .json_output import print_output

    if live:
        raise SetupError.of([Problem("--live", "is called --credentials now; nothing was sent")])
    try:
        configuration = configured(config, destination=destination, account=account, base_url=base_url)
        found = checked(configuration, events=events, credentials=credentials)
    except SetupError as error:
        if not as_json:
            raise
        found = Checked(problems=[*error.problems] or [Problem("", error.message)])
    if as_json:
        print_output(check_output(found))
    else:
        print_checked(found)
    return found.code
