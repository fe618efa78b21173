"""The command `bill`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import AccountOption, BaseUrlOption, ConfigOption, DestinationOption, JsonOption
from .output import echo_lines


@exits
def bill(
    events: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENTS...", help="Files with events, as for `deliver`; - is standard input.", show_default=False
        ),
    ],
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="NUMBER", min=0, help="Show so many customers; 0 shows all.")
    ] = 20,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write the bill as a page with charts, in one file."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show what would be billed for some events. Nothing is sent, and nothing is kept.

    Counts usage events and sums each dimension, in all and per customer, those with most events first. A dimension is
    a number that a usage event carries. An event whose ID occurs again counts once. Sums are exact.

    Exits 1 if some events would be dead letters, or if there is nothing to bill.
    """
    import asyncio

    from ..billing.reading import bill_of
    from ..outbox import kept_id_days
    from ..sources.paths import sources_of
    from .billing import bill_lines, bill_output, oldest_day, write_bill_page
    from .configured import configured
    from .json_output import print_output
    from .output_files import check_outputs

    configuration = configured(config, destination=destination, account=account, base_url=base_url)
    ready = configuration.set_up()
    sources = sources_of(events)
    check_outputs({"--html": html}, None, [*events, config])
    options = configuration.delivery
    found = asyncio.run(
        bill_of(
            ready,
            sources,
            oldest=None if options.allow_old else oldest_day(kept_id_days(options)),
            counts_nobodies=options.on_missing_client_id == "count",
        )
    )
    names = [source.name for source in sources]
    output = bill_output(ready, names, found, limit)
    if html is not None:
        # Jinja takes as long to import as all the rest, and only this needs it.
        from ..billing.page import bill_page

        write_bill_page(html, bill_page(found, ready, names, limit))
    if as_json:
        print_output(output)
    else:
        echo_lines(bill_lines(output, limit))
    return FAILED if found.rejected or not found.bill.events else OK
