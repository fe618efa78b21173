"""The command `deliver`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import exits
from .options import (
    AccountOption,
    BaseUrlOption,
    BatchSizeOption,
    ConcurrencyOption,
    ConfigOption,
    DestinationOption,
    FromOption,
    JsonOption,
    LiveOption,
    LogOption,
    MetricsPortOption,
    OutboxOption,
    RateOption,
    TracesOption,
    WaitOption,
    observer_options,
)


@exits
def deliver(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="NDJSON, JSON arrays or batches of an SDK; plain, gzip or zstd. A folder, or a pattern in quotes "
            "such as 'logs/**/*.gz', names many files. - is standard input. Without files, sends what is queued.",
        ),
    ] = None,
    *,
    from_topic: FromOption = None,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    batch_size: BatchSizeOption = None,
    concurrency: ConcurrencyOption = None,
    rate: RateOption = None,
    planners: Annotated[
        int | None,
        typer.Option(
            "--planners",
            min=0,
            max=64,
            metavar="COUNT",
            help="Processes that map events while this one accepts and sends; 0 for none. "
            "[default: the spare cores, at most 4]",
        ),
    ] = None,
    outbox: OutboxOption = None,
    no_outbox: Annotated[
        bool,
        typer.Option(
            "--no-outbox", help="Keep nothing on disk: an event that this run cannot send becomes a dead letter."
        ),
    ] = False,
    wait: WaitOption = None,
    give_up_hours: Annotated[
        float | None,
        typer.Option(
            "--give-up-after",
            min=0.001,
            metavar="HOURS",
            help="Hours after which an unsent event becomes a dead letter, with an outbox. [default: 72]",
        ),
    ] = None,
    attempts: Annotated[
        int | None,
        typer.Option(
            "--attempts", min=1, max=20, metavar="COUNT", help="Attempts per request, without an outbox. [default: 4]"
        ),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(
            "--dead-letters",
            metavar="FILE",
            help="Also append dead letters to this file, as JSON. [default: dead-letters.ndjson without an outbox]",
        ),
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(
            "--columns",
            metavar="FILE",
            help="TOML file that says which columns of Parquet and CSV files become which parts of an event.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only events of this day or time, or later (2026-03-01)."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only events from before this day or time.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the counts of the run to this file, as JSON.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests instead of sending them.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Send at once what waits for a retry, whatever the server asked for.")
    ] = False,
    allow_old: Annotated[
        bool, typer.Option("--allow-old", help="Also send events that are older than the outbox remembers IDs.")
    ] = False,
    metrics_port: MetricsPortOption = None,
    as_json: JsonOption = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Deliver events from files, standard input or Kafka.

    Events are stored in the outbox before they are sent, so they survive a crash. If a run is interrupted, run the same
    command again: it continues where it stopped and sends nothing twice. Of a topic, it delivers what is there at the
    beginning, or the range that the address names (`from`, `to`); `work --from` reads on for ever.
    """
    from ..sources.period import read_period
    from ..sources.tables.columns import read_columns
    from .configured import configured
    from .delivering import Files, deliver_events

    configuration = configured(
        config,
        destination=destination,
        account=account,
        base_url=base_url,
        live=live or None,
        batch_size=batch_size,
        outbox=False if no_outbox else outbox,
        concurrency=concurrency,
        planners=planners,
        rate=rate,
        wait=wait,
        give_up_hours=give_up_hours,
        attempts=attempts,
        allow_old=allow_old or None,
    )
    return deliver_events(
        configuration,
        Files(
            files or [],
            dead_letters,
            report,
            from_topic,
            read_period(since, until),
            None if columns is None else read_columns(columns),
        ),
        observer_options(log_format, metrics_port=metrics_port, traces=traces),
        dry_run=dry_run,
        now=now,
        as_json=as_json,
    )
