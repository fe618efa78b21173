"""The command `deliver`."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import (
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    LogOption,
    OutboxOption,
    TracesOption,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..composition import Inputs
    from ..configuration.configuration import Configuration
    from ..configuration.delivery_options import DeliveryOptions
    from ..delivery.dead_letter_file import LetterFile
    from ..delivery.notices import Hook, Occurrence
    from ..delivery.run_report import Tally
    from ..observability.options import ObserverOptions


@exits
def deliver(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="NDJSON or JSON arrays, plain or gzipped; - is standard input. Without files, sends what is queued.",
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            min=1,
            metavar="COUNT",
            help="Maximum events per request. [default: the limit of the destination]",
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=64, metavar="COUNT", help="Maximum requests in flight. [default: 4]"),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.001, metavar="COUNT", help="Maximum requests per second. [default: no limit]"),
    ] = None,
    outbox: OutboxOption = None,
    no_outbox: Annotated[
        bool,
        typer.Option(
            "--no-outbox", help="Keep nothing on disk: an event that this run cannot send becomes a dead letter."
        ),
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait",
            min=0,
            metavar="SECONDS",
            help="Seconds to keep retrying before exiting; anything unsent stays in the outbox. [default: 60]",
        ),
    ] = None,
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
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the counts of the run to this file, as JSON.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests instead of sending them.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Serve Prometheus metrics on this loopback port; 0 picks a free one. Needs the extra `metrics`.",
        ),
    ] = None,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Deliver events from files or standard input.

    Events are stored in the outbox before they are sent, so they survive a crash. If a run is interrupted, run the same
    command again: it continues where it stopped and sends nothing twice.
    """
    from ..composition import Inputs
    from ..configuration.configuration import Configuration
    from ..observability.options import ObserverOptions

    options = {
        "base_url": base_url,
        "batch_size": batch_size,
        "outbox": False if no_outbox else outbox,
        "concurrency": concurrency,
        "rate": rate,
        "wait": wait,
        "give_up_hours": give_up_hours,
        "attempts": attempts,
    }
    configuration = Configuration(config, environment=os.environ, destination=destination, delivery=options)
    return _deliver(
        configuration,
        Inputs(files or [], dead_letters, report, dry_run),
        ObserverOptions(log_format, metrics_port, traces),
    )


def _deliver(configuration: Configuration, inputs: Inputs, observing: ObserverOptions) -> int:
    import asyncio

    from ...definitions import Problem, SetupError
    from ..composition import print_requests, send, tuned_interpreter
    from ..delivery.run_report import Tally
    from ..observability.observers import open_observers
    from .run_outcome import exit_code, why_stopped

    destination = configuration.set_up()
    options = configuration.delivery
    sources = inputs.sources()
    if not sources and (inputs.dry_run or options.outbox_path is None):
        raise SetupError.of([Problem("FILES", "what should be delivered? A file, or - for standard input")])
    inputs.check_report()
    tally = Tally()
    with tuned_interpreter(), inputs.letter_file(options, destination) as letters:
        if inputs.dry_run:
            ended = asyncio.run(print_requests(destination, options, sources, tally, letters, output=sys.stdout.buffer))
        else:
            observers = open_observers(
                observing,
                destination=configuration.destination_name,
                redactor=destination.redactor,
                announce=_announce_metrics,
            )
            with observers as hooks, _progress(tally) as tick:
                notified = [*hooks, tick, *([] if observing.log_format else [_warn])]
                ended = asyncio.run(send(destination, options, sources, tally, letters, hooks=notified))
    stopped = None if ended is None else why_stopped(ended, tally, destination.redactor)
    is_all_written = _print_outcome(stopped, tally, options, inputs, letters)
    return exit_code(ended, tally) or (OK if is_all_written else FAILED)


def _announce_metrics(url: str) -> None:
    typer.echo(f"metrics: {url}", err=True)


@contextlib.contextmanager
def _progress(tally: Tally) -> Iterator[Hook]:
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None)

        def tick(_: Occurrence) -> None:
            progress.update(task, description=f"{tally.read:,} read, {tally.sent:,} delivered, {tally.dead:,} dead")

        yield tick


def _warn(occurrence: Occurrence) -> None:
    """Print at once what may take long. A log has these notices too, so it replaces the warnings."""
    if occurrence.kind == "full":
        message = f"the outbox takes nothing more: {occurrence.error}; waiting"
    elif occurrence.kind == "room":
        message = "the outbox takes more again"
    elif occurrence.kind == "parked":
        asked = f"the server asks to be left alone for {occurrence.asked:,.0f} s"
        message = (
            f"{asked}, which is not believed: {occurrence.events:,} events are parked for {occurrence.wait:,.0f} s"
        )
    else:
        return
    typer.echo(f"warning: {message}", err=True)


def _print_outcome(
    stopped: str | None, tally: Tally, options: DeliveryOptions, inputs: Inputs, letters: LetterFile | None
) -> bool:
    """Write the report and print how the run went. Return whether everything could be written."""
    from .output import plain_console
    from .run_outcome import kept_in_outbox

    errors = plain_console(stderr=True)
    if stopped is not None:
        errors.print(stopped)
    failures = [
        failure
        for failure in (None if letters is None else letters.failure, _write_report(inputs.report, tally))
        if failure is not None
    ]
    out = plain_console(stderr=inputs.dry_run)
    out.print(tally.summary())
    if letters is not None and letters.count:
        out.print(f"dead letters: {letters.path}")
    if options.outbox_path is not None and not inputs.dry_run:
        for line in kept_in_outbox(tally, options.outbox_path):
            out.print(line)
    for failure in failures:
        errors.print(f"error: {failure}")
    return not failures


def _write_report(path: Path | None, tally: Tally) -> str | None:
    """Write the report and return None, or the reason why it cannot be written: the delivery itself is done."""
    import orjson

    if path is None:
        return None
    try:
        path.write_bytes(orjson.dumps(tally.report(), option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return None
