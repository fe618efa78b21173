"""The command `deliver`: from a configuration and inputs to an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ...definitions import AnswerError, ConfigurationError, CredentialsError, Problem, SetupError
from ..delivery.backpressure import Backlog
from ..delivery.clock import SystemClock
from ..delivery.dead_letter_file import LetterFile
from ..delivery.delivery import Delivery, InterruptionError, Rules
from ..delivery.dry_run import DryRun
from ..delivery.intake import Intake, SourceError
from ..delivery.retry_policy import SECONDS_AN_HOUR, Patience
from ..delivery.room import Room
from ..delivery.run_report import Tally
from ..observability.observers import instruments
from ..queues.memory import MemoryQueue
from ..queues.sqlite import Outbox, OutboxError
from ..sources.files import Source
from ..transports.http import HttpTransport
from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, INTERRUPTED, OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Destination, Redactor
    from ..configuration.configuration import Configuration, DeliveryOptions
    from ..delivery.notices import Hook, Occurrence
    from ..observability.observers import Watching
    from ..queues.contract import Queue

DEFAULT_LETTERS = Path("dead-letters.ndjson")
"""Where dead letters go when there is no outbox."""

_OBJECTS_BEFORE_A_LOOK = 200_000
_SECONDS_A_TURN = 0.0005


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one call of the command names: paths (`-` is standard input), and where to write."""

    files: list[str]
    dead_letters: Path | None = None
    report: Path | None = None
    dry_run: bool = False

    def sources(self) -> list[Source]:
        """Give the sources. Raises SetupError for paths that cannot be opened, all of them at once."""
        sources = [Source(path) for path in self.files]
        problems = []
        for source in sources:
            if not source.is_standard_input:
                try:
                    with Path(source.path).open("rb"):
                        pass
                except OSError as error:
                    problems.append(Problem(source.path, f"cannot be read: {error.strerror}"))
        if self.files.count("-") > 1:
            problems.append(Problem("-", "standard input can be read only once"))
        if problems:
            raise SetupError.of(problems)
        return sources


def deliver(configuration: Configuration, inputs: Inputs, watching: Watching) -> int:
    """Run a delivery, tell how it went, and give the exit code. Raises SetupError."""
    destination = configuration.set_up()
    sources = inputs.sources()
    if not sources and (inputs.dry_run or configuration.delivery.outbox_path is None):
        raise SetupError.of([Problem("FILES", "what should be delivered? A file, or - for standard input")])
    _check_writable(inputs.report)
    tally = Tally()
    with _suited_interpreter(), _letters(inputs, configuration.delivery, destination) as letters:
        if inputs.dry_run:
            ended = asyncio.run(_print(destination, configuration.delivery, sources, tally, letters))
        else:
            with instruments(watching, destination.redactor) as hooks, _progress(tally) as tick:
                told = [*hooks, tick, *([] if watching.log_format else [_warn])]
                ended = asyncio.run(_send(destination, configuration.delivery, sources, tally, letters, hooks=told))
    stopped = None if ended is None else why(ended, tally, destination.redactor)
    is_all_written = _tell(stopped, tally, configuration.delivery, inputs, letters)
    return exit_code(ended, tally) or (OK if is_all_written else FAILED)


@contextlib.contextmanager
def _suited_interpreter() -> Iterator[None]:
    """Let Python look for cycles less often, since events make none, and let its threads take turns sooner.

    One thread reads and one writes to the outbox, both for moments only, and each would wait 5 ms for its turn.
    """
    thresholds, seconds = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_A_LOOK, *thresholds[1:])
    sys.setswitchinterval(_SECONDS_A_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(seconds)
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def _send(
    destination: Destination,
    options: DeliveryOptions,
    sources: list[Source],
    tally: Tally,
    letters: LetterFile | None,
    *,
    hooks: list[Hook],
) -> AnswerError | None:
    clock = SystemClock()
    rules = rules_of(options)
    async with open_queue(options, clock, letters) as queue, transport(destination, options) as http:
        delivery = Delivery(destination, queue, http, rules, tally=tally, clock=clock, hooks=hooks)
        stop_on_signals(delivery)
        ended = await delivery.run(sources)
        await note_next_due(queue, delivery, tally)
        return ended


async def note_next_due(queue: Queue, delivery: Delivery, tally: Tally) -> None:
    """Note when the next of what is left must be tried again."""
    waiting = await queue.waiting(delivery.lanes)
    if waiting.next_due is not None:
        tally.next_due = datetime.fromtimestamp(waiting.next_due, UTC)


async def _print(
    destination: Destination, options: DeliveryOptions, sources: list[Source], tally: Tally, letters: LetterFile | None
) -> AnswerError | None:
    """Print the requests that a run would send."""
    clock = SystemClock()
    queue = DryRun(sys.stdout.buffer, destination, tally, clock, letters)
    backlog = Backlog(queue, [], clock)
    backlog.open()
    intake = Intake(
        destination,
        queue,
        account="",
        tally=tally,
        clock=clock,
        tell=lambda _: None,
        backlog=backlog,
        room=Room(lambda _: None),
        batch_size=options.batch_size,
    )
    try:
        await intake.run(sources)
    except SourceError as error:
        return ConfigurationError(str(error))
    tally.settle(await queue.fate())
    return None


def rules_of(options: DeliveryOptions) -> Rules:
    """Give the rules of a run."""
    if options.outbox_path is None:
        patience = Patience(seconds=None, attempts=options.attempts)
    else:
        patience = Patience(seconds=options.give_up_hours * SECONDS_AN_HOUR)
    return Rules(
        patience,
        batch_size=options.batch_size,
        concurrency=options.concurrency,
        rate=options.rate,
        longest_wait=options.wait,
        grace=options.grace,
    )


def open_queue(options: DeliveryOptions, clock: SystemClock, letters: LetterFile | None) -> Outbox | MemoryQueue:
    """Open the queue of a run. Raises SetupError."""
    if options.outbox_path is None:
        return MemoryQueue(clock, letters)
    limit = None if options.outbox_megabytes is None else options.outbox_megabytes * 1_000_000
    try:
        return Outbox(options.outbox_path, clock, letters=letters, limit_bytes=limit)
    except OutboxError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def transport(destination: Destination, options: DeliveryOptions) -> HttpTransport:
    """Make the transport of a run. Proxies of the environment are for the outside, never for this machine."""
    return HttpTransport(
        connections=options.concurrency * max(1, len(destination.definition.actions)),
        timeout=options.timeout,
        trust_environment=destination.request.url("/").scheme == "https",
    )


def stop_on_signals(delivery: Delivery) -> None:
    """Let SIGTERM and Ctrl-C end a run in order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not every platform and thread can; there Ctrl-C simply ends the program.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, delivery.interrupt)


def _letters(
    inputs: Inputs, options: DeliveryOptions, destination: Destination
) -> contextlib.AbstractContextManager[LetterFile | None]:
    if inputs.dead_letters is None and (inputs.dry_run or options.outbox_path is not None):
        return contextlib.nullcontext()
    path = inputs.dead_letters or DEFAULT_LETTERS
    try:
        return LetterFile(path, destination.redactor)
    except OSError as error:
        raise SetupError.of([Problem(str(path), f"cannot be written: {error.strerror}")]) from None


def _check_writable(report: Path | None) -> None:
    if report is None:
        return
    try:
        with report.open("ab"):
            pass
    except OSError as error:
        raise SetupError.of([Problem(str(report), f"cannot be written: {error.strerror}")]) from None


@contextlib.contextmanager
def _progress(tally: Tally) -> Iterator[Hook]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None)

        def tick(_: Occurrence) -> None:
            progress.update(task, description=f"{tally.read:,} read, {tally.sent:,} delivered, {tally.dead:,} dead")

        yield tick


def _warn(occurrence: Occurrence) -> None:
    """Tell a person at once what may take long; a log, where there is one, tells it too."""
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
    print(f"warning: {message}", file=sys.stderr)  # noqa: T201 - for the person at the terminal


def _tell(
    stopped: str | None, tally: Tally, options: DeliveryOptions, inputs: Inputs, letters: LetterFile | None
) -> bool:
    """Write the report, and tell a person how it went; tell whether all could be written."""
    aside: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}
    if stopped is not None:
        Console(stderr=True, **aside).print(stopped)
    told = [None if letters is None else letters.failure, _write_report(inputs.report, tally)]
    failures = [failure for failure in told if failure is not None]
    out = Console(stderr=inputs.dry_run, **aside)
    out.print(tally.summary())
    if letters is not None and letters.count:
        out.print(f"dead letters: {letters.path}")
    if options.outbox_path is not None and not inputs.dry_run:
        for line in about_the_outbox(tally, options.outbox_path):
            out.print(line)
    for failure in failures:
        Console(stderr=True, **aside).print(f"error: {failure}")
    return not failures


def _write_report(path: Path | None, tally: Tally) -> str | None:
    """Write the report, where one is asked for; tell why it cannot be written. What went before is done anyhow."""
    if path is None:
        return None
    try:
        path.write_bytes(orjson.dumps(tally.report(), option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return None


def about_the_outbox(tally: Tally, path: Path) -> Iterator[str]:
    """Tell what an outbox keeps after a run, and what to do about it."""
    if tally.dead or tally.earlier_dead:
        yield f"dead letters are kept in {path}: kable-destination dead-letters list"
    if tally.next_due is not None:
        yield f"what is unsent is kept in {path}, the next of it until {tally.next_due:%Y-%m-%dT%H:%M:%SZ}: run again"


def why(ended: AnswerError, tally: Tally, redactor: Redactor) -> str:
    """Tell in one line why a run ended early and how far it came."""
    partly = "" if tally.read_to_the_end else "; the input was not read to its end"
    return f"stopped: {redactor.text(str(ended))}; {tally.unsent:,} events unsent{partly}"


def exit_code(ended: AnswerError | None, tally: Tally) -> int:
    """Give the exit code of a run."""
    if ended is not None:
        codes: dict[type[AnswerError], int] = {
            CredentialsError: CREDENTIALS,
            ConfigurationError: CONFIGURATION,
            InterruptionError: INTERRUPTED,
        }
        return codes.get(type(ended), FAILED)
    return FAILED if tally.dead or tally.earlier_dead or tally.next_due is not None else OK
