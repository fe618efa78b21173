"""The command `deliver`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import FAILED, OK, exits
from .options import (
    AccountOption,
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    LiveOption,
    LogOption,
    OutboxOption,
    TracesOption,
)
from .output import StandardOutput, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...definitions import AnswerError, Destination
    from ..configuration.configuration import Configuration
    from ..configuration.delivery_options import DeliveryOptions
    from ..delivery.dead_letter_file import DeadLetterFile, UnsentFile
    from ..delivery.notices import Observer
    from ..delivery.run_report import RunReport
    from ..observability.options import ObserverOptions
    from ..queues.contract import DeadLetter

DEFAULT_DEAD_LETTERS = Path("dead-letters.ndjson")
"""Where dead letters go if there is no outbox."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The paths of one run: events (`-` is standard input), and where dead letters and the report go."""

    events: list[str]
    dead_letters: Path | None
    report: Path | None


@exits
def deliver(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="NDJSON, JSON arrays or batches of an SDK; plain, gzip or zstd. - is standard input. "
            "Without files, sends what is queued.",
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
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
        typer.Option("--concurrency", min=1, max=64, metavar="COUNT", help="Maximum requests in flight. [default: 16]"),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.001, metavar="COUNT", help="Maximum requests per second. [default: no limit]"),
    ] = None,
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
    now: Annotated[
        bool, typer.Option("--now", help="Send at once what waits for a retry, whatever the server asked for.")
    ] = False,
    allow_old: Annotated[
        bool, typer.Option("--allow-old", help="Also send events that are older than the outbox remembers IDs.")
    ] = False,
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
    from ..observability.options import ObserverOptions
    from .configured import configured

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
    return _deliver(
        configuration,
        _Files(files or [], dead_letters, report),
        ObserverOptions(log_format, metrics_port, traces),
        dry_run=dry_run,
        now=now,
    )


def _warn_of_mistakes(destination: Destination) -> None:
    """Warn of settings and subscriptions that hardly match anything: `check` says the same before a run."""
    for mistake in (*destination.setting_mistakes(), *destination.probable_mistakes()):
        say(f"warning: {mistake}", error=True)


def _deliver(
    configuration: Configuration, files: _Files, observing: ObserverOptions, *, dry_run: bool, now: bool
) -> int:
    from ...definitions import Problem, SetupError
    from ..configuration.targets import shown_target
    from ..delivery.run_report import RunReport
    from ..event_loop import run_in_loop
    from ..outbox import outbox_name, outbox_path
    from ..planners.opening import fork_planner_server
    from ..session import open_session, print_requests
    from ..sources.paths import input_bytes, sources_of
    from .live_question import live_intent
    from .output_files import STANDARD_INPUT, check_outputs, permission_warnings
    from .report_file import check_report
    from .run_outcome import exit_code
    from .watching import watching

    destination = configuration.set_up()
    _warn_of_mistakes(destination)
    options, report = configuration.delivery, RunReport()
    sources = sources_of(files.events, _scope(destination, options))
    if not sources and (dry_run or not options.outbox):
        raise SetupError.of([Problem("FILES", "what should be delivered? A file, or - for standard input")])
    outbox = outbox_path(options)
    inputs = [*files.events, configuration.path, configuration.manifest]
    outputs = {"--report": files.report, "--dead-letters": _letters_path(files, options, dry_run=dry_run)}
    check_outputs(outputs, None if dry_run else outbox, inputs)
    check_report(files.report)
    for warning in permission_warnings([None if outbox is None else Path(outbox), outputs["--dead-letters"]]):
        say(f"warning: {warning}", error=True)

    intent = None
    if not dry_run:
        # Whoever types the events cannot answer, too.
        intent = live_intent(configuration, destination, may_ask=STANDARD_INPUT not in files.events)
        say(f"delivering to {shown_target(destination)}")

    # Here, since there are no threads yet.
    planner_server = None if dry_run else fork_planner_server(destination, options, input_bytes(files.events))

    async def run(observers: list[Observer], write: Callable[[DeadLetter, str | None], None]) -> AnswerError | None:
        session = open_session(
            destination,
            options,
            observers=observers,
            report=report,
            write_dead_letter=write,
            # Without events to keep, an outbox that is missing is more likely a wrong folder than a wish.
            create=bool(sources),
            intent=intent,
            recipe=configuration.recipe(),
            planner_server=planner_server,
        )
        async with session as opened:
            if now:
                await opened.make_due()
            return await opened.run(sources)

    with _dead_letter_file(files, options, destination, dry_run=dry_run) as letters:
        write = letters.write if letters is not None else _ignore
        if dry_run:
            printing = print_requests(destination, options, sources, report, StandardOutput(), write_dead_letter=write)
            run_in_loop(printing)
            ended = None
        else:
            with watching(configuration, destination, observing, report) as observers:
                ended = run_in_loop(run(observers, write))
        written = _print_outcome(
            ended,
            report,
            outbox=outbox_name(options) if options.outbox else None,
            destination=destination,
            letters=letters,
            report_file=files.report,
            dry_run=dry_run,
        )
    return exit_code(ended, report) or (OK if written else FAILED)


def _scope(destination: Destination, options: DeliveryOptions) -> str:
    """Return what distinguishes the checkpoints of files.

    With `--allow-old` a file is read again that was read without it: events may have been skipped. What was sent is
    known by its ID. Events without an ID would be sent twice, so there the file counts as read.
    """
    has_ids = all(action.idempotency_field is not None for action in destination.definition.actions.values())
    return f"{destination.fingerprint} old" if options.allow_old and has_ids else destination.fingerprint


def _ignore(_letter: DeadLetter, _reason: str | None) -> None:
    """Write a dead letter nowhere: the outbox has it."""


def _dead_letter_file(
    files: _Files, options: DeliveryOptions, destination: Destination, *, dry_run: bool
) -> contextlib.AbstractContextManager[DeadLetterFile | UnsentFile | None]:
    """Open the file of dead letters; without one, be ready to keep what nothing else keeps. Raises SetupError."""
    from ...definitions import SetupError
    from ..delivery.dead_letter_file import DeadLetterFile, UnsentFile
    from .report_file import unwritable

    path = _letters_path(files, options, dry_run=dry_run)
    if path is None:
        return contextlib.nullcontext() if dry_run else UnsentFile(DEFAULT_DEAD_LETTERS, destination.redactor)
    try:
        return DeadLetterFile(path, destination.redactor)
    except OSError as error:
        raise SetupError.of([unwritable(path, error)]) from None


def _letters_path(files: _Files, options: DeliveryOptions, *, dry_run: bool) -> Path | None:
    if files.dead_letters is None and (dry_run or options.outbox):
        return None
    return files.dead_letters or DEFAULT_DEAD_LETTERS


def _print_outcome(
    ended: AnswerError | None,
    report: RunReport,
    *,
    outbox: str | None,
    destination: Destination,
    letters: DeadLetterFile | UnsentFile | None,
    report_file: Path | None,
    dry_run: bool,
) -> bool:
    """Write the report and print how the run went. Return whether every dead letter could be written.

    What cannot be shown changes nothing: the delivery itself is done.
    """
    from .report_file import write_report
    from .run_outcome import kept_in_outbox, not_accepted, warnings, why_stopped

    redactor = destination.redactor
    failures = [*filter(None, (None if letters is None else letters.failure, write_report(report_file, report)))]
    if ended is not None:
        say(why_stopped(ended, report, redactor), error=True)
    for source in report.unread_sources:
        say(f"error: {redactor.text(str(source.error))}", error=True)
    out = partial(say, error=dry_run)
    for warning in warnings(report, destination.definition.name):
        say(f"warning: {warning}", error=True)
    out(report.summary(dry_run=dry_run))
    if letters is not None and letters.count > report.unaccepted:
        out(f"dead letters: {letters.path}")
    if letters is not None and report.unaccepted:
        say(f"warning: {not_accepted(report, letters.path)}", error=True)
    for line in kept_in_outbox(report, outbox) if outbox and not dry_run else ():
        out(line)
    if not dry_run and report.last_errors:
        out(redactor.text(report.last_errors))
    for failure in failures:
        say(f"error: {failure}", error=True)
    return letters is None or letters.failure is None
