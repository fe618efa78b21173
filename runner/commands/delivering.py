"""A run of `deliver`, from its sources to its outcome."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .exit_codes import FAILED, OK
from .output import StandardOutput, inform, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...definitions import AnswerError, Destination
    from ..configuration.configuration import Configuration
    from ..configuration.delivery_options import DeliveryOptions
    from ..delivery.dead_letter_file import DeadLetterFile, UnsentFile
    from ..delivery.notices import Observer
    from ..observability.options import ObserverOptions
    from ..queues.contract import DeadLetter
    from ..sources.contract import Source
    from ..sources.period import Period
    from ..sources.tables.columns import Columns
    from .topics import Topic

DEFAULT_DEAD_LETTERS = Path("dead-letters.ndjson")
"""Where dead letters go if there is no outbox."""


@dataclass(frozen=True, slots=True)
class Files:
    """The paths of one run: events (`-` is standard input), where dead letters and the report go; and a topic.

    With a `period`, only its events are delivered. With `columns`, files may be tables.
    """

    events: list[str]
    dead_letters: Path | None
    report: Path | None
    topic: str | None = None
    period: Period | None = None
    columns: Columns | None = None


def warn_of_mistakes(destination: Destination) -> None:
    """Warn of settings and subscriptions that hardly match anything: `check` says the same before a run."""
    for mistake in (*destination.setting_mistakes(), *destination.probable_mistakes()):
        say(f"warning: {mistake}", error=True)


def deliver_events(
    configuration: Configuration,
    files: Files,
    observing: ObserverOptions,
    *,
    dry_run: bool,
    now: bool,
    as_json: bool,
) -> int:
    """Deliver files, or what is queued, and return the exit code. Raises SetupError before anything is accepted."""
    from ...definitions import Problem, SetupError
    from ..configuration.targets import shown_target
    from ..delivery.run_report import RunReport
    from ..event_loop import run_in_loop
    from ..outbox import outbox_name
    from ..planners.opening import fork_planner_server
    from ..session import open_session, print_requests
    from ..sources.paths import input_bytes
    from .live_question import live_intent
    from .outcome_output import Outcome, print_outcome
    from .output_files import STANDARD_INPUT
    from .progress import Reading
    from .run_outcome import exit_code
    from .watching import watching

    if as_json and dry_run:
        raise SetupError.of([Problem("--json", "has no place beside the requests that --dry-run prints; use --report")])
    destination = configuration.set_up()
    warn_of_mistakes(destination)
    options, report = configuration.delivery, RunReport()
    sources, topic = _sources(files, configuration, destination, dry_run=dry_run)
    _check_files(configuration, files, dry_run=dry_run)
    intent = None
    if not dry_run:
        # A user who types the events cannot answer, too.
        intent = live_intent(configuration, destination, may_ask=STANDARD_INPUT not in files.events)
        inform(f"delivering to {shown_target(destination)}", error=as_json)

    # Nobody knows how many bytes a topic has.
    reading = Reading(sources, None if topic is not None else input_bytes(files.events))
    # Here, since there are no threads yet.
    planner_server = None if dry_run else fork_planner_server(destination, options, reading.total)

    async def run(observers: list[Observer], write: Callable[[DeadLetter, str | None], None]) -> AnswerError | None:
        if topic is not None:
            topic.observe(observers)
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
            with watching(configuration, destination, observing, report, reading) as observers:
                ended = run_in_loop(run(observers, write))
        outcome = Outcome(
            ended,
            report,
            outbox=outbox_name(options) if options.outbox else None,
            letters=letters,
            report_file=files.report,
            dry_run=dry_run,
        )
        written = print_outcome(outcome, destination, as_json=as_json)
    return exit_code(ended, report) or (OK if written else FAILED)


def _sources(
    files: Files, configuration: Configuration, destination: Destination, *, dry_run: bool
) -> tuple[list[Source], Topic | None]:
    """Return everything that is read, and the topic if one was named. Raises SetupError if there is nothing to do."""
    from ...definitions import Problem, SetupError
    from ..configuration.service_options import DEFAULT_ACCOUNT
    from ..delivery.delivery import account_of
    from ..sources.paths import sources_of
    from ..sources.source_options import SourceOptions
    from .topics import PLACE, Topic

    options = configuration.delivery
    own = tuple(_written_files(configuration, files, dry_run=dry_run))
    wanted = SourceOptions(_scope(destination, options), own, files.period, files.columns)
    sources = sources_of(files.events, options=wanted)
    if not sources and (files.period is not None or files.columns is not None):
        raise SetupError.of([Problem("FILES", "--since, --until and --columns need files, a folder or a bucket")])
    if files.topic is None:
        if not sources and (dry_run or not options.outbox):
            raise SetupError.of([Problem("FILES", "what should be delivered? A file, or - for standard input")])
        return sources, None
    if not (dry_run or options.outbox):
        raise SetupError.of([Problem(PLACE, "needs an outbox, which keeps how far each partition is accepted")])
    topic = Topic(files.topic, configuration.kafka, configuration.variables)
    of_topic = topic.source(
        account_of(destination),
        is_bounded=True,
        name=configuration.account_name or DEFAULT_ACCOUNT,
        names=[DEFAULT_ACCOUNT, *configuration.account_names],
    )
    return [*sources, of_topic], topic


def _check_files(configuration: Configuration, files: Files, *, dry_run: bool) -> None:
    """Warn of files that others may read. Raises SetupError if one cannot be written, or would be overwritten."""
    from ..outbox import outbox_path
    from ..sources.objects.addresses import is_address
    from .output_files import check_outputs, permission_warnings
    from .report_file import check_report

    outbox = outbox_path(configuration.delivery)
    inputs = [*(path for path in files.events if not is_address(path)), configuration.path, configuration.manifest]
    letters = _letters_path(files, configuration.delivery, dry_run=dry_run)
    check_outputs({"--report": files.report, "--dead-letters": letters}, None if dry_run else outbox, inputs)
    check_report(files.report)
    for warning in permission_warnings([None if outbox is None else Path(outbox), letters]):
        say(f"warning: {warning}", error=True)


def _written_files(configuration: Configuration, files: Files, *, dry_run: bool) -> list[str]:
    """Return the files that the run may write: if they are in a folder that is read, they are left out."""
    from ..outbox import outbox_path
    from .output_files import OUTBOX_SUFFIXES

    outbox = outbox_path(configuration.delivery)
    kept = [] if outbox is None else [f"{outbox}{suffix}" for suffix in OUTBOX_SUFFIXES]
    written = (files.report, _letters_path(files, configuration.delivery, dry_run=dry_run), DEFAULT_DEAD_LETTERS)
    return [*kept, *(str(path) for path in written if path is not None)]


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
    files: Files, options: DeliveryOptions, destination: Destination, *, dry_run: bool
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


def _letters_path(files: Files, options: DeliveryOptions, *, dry_run: bool) -> Path | None:
    if files.dead_letters is None and (dry_run or options.outbox):
        return None
    return files.dead_letters or DEFAULT_DEAD_LETTERS
