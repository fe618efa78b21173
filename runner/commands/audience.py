"""The commands `audience`: sync one, and look after those that were synced."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..audience.limits import MOST_REMOVED_PERCENT
from .audience_options import (
    ColumnOption,
    DatabaseOption,
    FormatOption,
    KeyOption,
    MaxRemovedOption,
    MembersArgument,
    NameOption,
    QueryOption,
    TraitOption,
    Wanted,
)
from .exit_codes import exits
from .options import (
    AccountOption,
    BaseUrlOption,
    BatchSizeOption,
    ConcurrencyOption,
    ConfigOption,
    DestinationOption,
    JsonOption,
    LiveOption,
    LogOption,
    MetricsPortOption,
    OutboxOption,
    RateOption,
    TracesOption,
    WaitOption,
    YesOption,
    observer_options,
)
from .parsing import Command, group

audience = group("audience", "Sync audiences and computed traits, as Engage does.")

AudienceArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the audience or computed trait.")]


@audience.command("sync", cls=Command)
@exits
def sync_audience(
    members: MembersArgument = None,
    *,
    name: NameOption = None,
    trait: TraitOption = None,
    key: KeyOption = None,
    column: ColumnOption = None,
    list_format: FormatOption = None,
    query: QueryOption = None,
    database: DatabaseOption = None,
    max_removed: MaxRemovedOption = MOST_REMOVED_PERCENT,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    batch_size: BatchSizeOption = None,
    concurrency: ConcurrencyOption = None,
    rate: RateOption = None,
    outbox: OutboxOption = None,
    wait: WaitOption = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the counts of the run to this file, as JSON.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print who would enter and leave, and change nothing.")
    ] = False,
    metrics_port: MetricsPortOption = None,
    as_json: JsonOption = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Send who entered an audience and who left it since the last sync.

    The first sync sends an Identify call for every member, later ones only for members who changed. The outbox
    remembers what was sent. If a sync is interrupted, run the same command again: nothing is sent twice. A list that is
    empty or cut off, or that names nobody, is refused, and changes nothing.

    Exit codes: as those of deliver; 1 also if some members' events were rejected; 2 also if the list is refused.
    """
    from .configured import configured
    from .syncing import sync

    configuration = configured(
        config,
        destination=destination,
        account=account,
        base_url=base_url,
        live=live or None,
        batch_size=batch_size,
        outbox=outbox,
        concurrency=concurrency,
        rate=rate,
        wait=wait,
    )
    wanted = Wanted(members, name, trait, key, column, list_format, query, database, max_removed)
    observing = observer_options(log_format, metrics_port=metrics_port, traces=traces)
    return sync(configuration, wanted, observing, report_file=report, dry_run=dry_run, as_json=as_json)


@audience.command("preview", cls=Command)
@exits
def preview_audience(
    members: MembersArgument = None,
    *,
    name: NameOption = None,
    trait: TraitOption = None,
    key: KeyOption = None,
    column: ColumnOption = None,
    list_format: FormatOption = None,
    query: QueryOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the first event of each kind that a sync would send, and its request."""
    from .audience_preview import preview
    from .configured import configured

    configuration = configured(config, destination=destination, account=account, base_url=base_url, outbox=outbox)
    # Nothing is removed, so the list may be of any length.
    wanted = Wanted(members, name, trait, key, column, list_format, query, database, max_removed=100)
    return preview(configuration, wanted, as_json=as_json)


@audience.command("list", cls=Command)
@exits
def list_audiences(*, config: ConfigOption = None, outbox: OutboxOption = None, as_json: JsonOption = False) -> int:
    """List the audiences and computed traits that were synced."""
    from .audience_state import print_list
    from .configured import configured

    return print_list(configured(config, outbox=outbox), as_json=as_json)


@audience.command("show", cls=Command)
@exits
def show_audience(
    name: AudienceArgument,
    *,
    config: ConfigOption = None,
    account: AccountOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show an audience: its trait, how many members it has, and its latest sync."""
    from .audience_state import print_one
    from .configured import configured

    return print_one(configured(config, account=account, outbox=outbox), name, as_json=as_json)


@audience.command("rename", cls=Command)
@exits
def rename_audience(
    name: AudienceArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="New name.")],
    *,
    config: ConfigOption = None,
    account: AccountOption = None,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
) -> int:
    """Rename an audience. Its trait stays the same, as in Engage, and nothing is sent."""
    from .audience_state import rename
    from .configured import configured

    return rename(configured(config, account=account, outbox=outbox), name, new_name, as_json=as_json)


@audience.command("remove", cls=Command)
@exits
def remove_audience(
    name: AudienceArgument,
    *,
    notify: Annotated[bool, typer.Option("--notify", help="Send first that all members left.")] = False,
    yes: YesOption = False,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    outbox: OutboxOption = None,
    as_json: JsonOption = False,
    log_format: LogOption = None,
) -> int:
    """Remove an audience from the outbox, and forget its members.

    Without --notify nothing is sent, so the destination does not learn of it. You cannot undo this, so in a terminal it
    asks first.
    """
    from .audience_removal import remove, remove_and_notify
    from .configured import configured

    configuration = configured(
        config, destination=destination, account=account, base_url=base_url, live=live or None, outbox=outbox
    )
    if notify:
        return remove_and_notify(configuration, name, observer_options(log_format), yes=yes, as_json=as_json)
    return remove(configuration, name, yes=yes, as_json=as_json)
