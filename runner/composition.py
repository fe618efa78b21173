"""The parts of a run, opened from the options: sources, queue, transport, dead letters, signals."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..definitions import AnswerError, ConfigurationError, Problem, RetryableError, SetupError
from .delivery.backpressure import Backlog
from .delivery.clock import SystemClock
from .delivery.dead_letter_file import LetterFile
from .delivery.delivery import Delivery, Rules
from .delivery.dry_run import DryRun
from .delivery.intake import Intake, SourceError
from .delivery.replay import LETTERS_AT_ONCE, plan_replays
from .delivery.retry_policy import SECONDS_AN_HOUR, Patience
from .delivery.room import Room
from .inspection import inspection
from .queues.contract import QueueFullError
from .queues.memory import MemoryQueue
from .queues.sqlite import Outbox, OutboxError
from .sources.files import Source
from .transports.http import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..definitions import Destination
    from .configuration.configuration import Configuration
    from .configuration.delivery_options import DeliveryOptions
    from .delivery.notices import Hook
    from .delivery.run_report import Tally
    from .queues.contract import Queue

DEFAULT_LETTERS = Path("dead-letters.ndjson")
"""The file of dead letters if there is no outbox."""

_OBJECTS_PER_COLLECTION = 200_000
_SWITCH_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class Inputs:
    """The paths of one run: events (`-` is standard input), and where dead letters and the report go."""

    files: list[str]
    dead_letters: Path | None = None
    report: Path | None = None
    dry_run: bool = False

    def sources(self) -> list[Source]:
        """Return the sources. Raises SetupError for all paths that cannot be opened, at once."""
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

    def letter_file(
        self, options: DeliveryOptions, destination: Destination
    ) -> contextlib.AbstractContextManager[LetterFile | None]:
        """Open the file of dead letters, if one is written. Raises SetupError."""
        if self.dead_letters is None and (self.dry_run or options.outbox_path is not None):
            return contextlib.nullcontext()
        path = self.dead_letters or DEFAULT_LETTERS
        try:
            return LetterFile(path, destination.redactor)
        except OSError as error:
            raise _cannot_write(path, error) from None

    def check_report(self) -> None:
        """Raise SetupError if the report cannot be written, before anything is sent."""
        if self.report is None:
            return
        try:
            with self.report.open("ab"):
                pass
        except OSError as error:
            raise _cannot_write(self.report, error) from None


@contextlib.contextmanager
def tuned_interpreter() -> Iterator[None]:
    """Collect garbage less often, because events make no cycles, and let threads take turns sooner.

    One thread reads and one writes to the outbox, both for moments only, and each would wait 5 ms for its turn.
    """
    thresholds, seconds = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION, *thresholds[1:])
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(seconds)
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def send(
    destination: Destination,
    options: DeliveryOptions,
    sources: list[Source],
    tally: Tally,
    letters: LetterFile | None,
    *,
    hooks: list[Hook],
) -> AnswerError | None:
    """Send the events of the sources, and return the reason if the run ended early."""
    clock = SystemClock()
    rules = _rules(options)
    async with _queue(options, clock, letters) as queue, _transport(destination, options) as http:
        delivery = Delivery(destination, queue, http, rules, tally=tally, clock=clock, hooks=hooks)
        _stop_on_signals(delivery)
        ended = await delivery.run(sources)
        await _note_next_due(queue, delivery, tally)
        return ended


async def print_requests(
    destination: Destination,
    options: DeliveryOptions,
    sources: list[Source],
    tally: Tally,
    letters: LetterFile | None,
    *,
    output: IO[bytes],
) -> AnswerError | None:
    """Write the requests that a run would send, and return the reason if the sources could not be read."""
    clock = SystemClock()
    queue = DryRun(output, destination, tally, clock, letters)
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


async def replay(
    configuration: Configuration, destination: Destination, numbers: list[int], tally: Tally, hooks: list[Hook]
) -> tuple[AnswerError | None, Counter[str]]:
    """Queue dead letters, some at a time, then send all that is queued. Raises SetupError."""
    options = configuration.delivery
    clock = SystemClock()
    results: Counter[str] = Counter()
    queue = _queue(options, clock, None)
    if not isinstance(queue, Outbox):
        raise SetupError.of([Problem("outbox", "is turned off")])
    async with queue, _transport(destination, options) as http:
        delivery = Delivery(destination, queue, http, _rules(options), tally=tally, clock=clock, hooks=hooks)
        _stop_on_signals(delivery)
        for start in range(0, len(numbers), LETTERS_AT_ONCE):
            with inspection(configuration) as opened:
                letters = list(opened.letters(numbers[start : start + LETTERS_AT_ONCE]))
            replays = plan_replays(destination, delivery.account, letters, batch_size=options.batch_size)
            results.update(replays.staying)
            try:
                results.update(await queue.replay(replays.batches))
            except QueueFullError as error:
                stay = f"the dead letters that are left stay, so {error.advice} and run again"
                raise SetupError.of([Problem("outbox", f"takes nothing more: {error}; {stay}")]) from None
        ended = await delivery.run([])
        await _note_next_due(queue, delivery, tally)
    return ended, results


def check_credentials(destination: Destination, options: DeliveryOptions) -> AnswerError | None:
    """Ask the destination whether it accepts the credentials. Return None if it does, or cannot be asked."""
    request = destination.authentication_request()
    if request is None:
        return None

    async def ask() -> AnswerError | None:
        async with _transport(destination, options) as http:
            try:
                return destination.read_authentication(await http.send(request))
            except RetryableError as error:
                return error

    return asyncio.run(ask())


def _rules(options: DeliveryOptions) -> Rules:
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


def _queue(options: DeliveryOptions, clock: SystemClock, letters: LetterFile | None) -> Outbox | MemoryQueue:
    if options.outbox_path is None:
        return MemoryQueue(clock, letters)
    limit = None if options.outbox_megabytes is None else options.outbox_megabytes * 1_000_000
    try:
        return Outbox(options.outbox_path, clock, letters=letters, limit_bytes=limit)
    except OutboxError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def _transport(destination: Destination, options: DeliveryOptions) -> HttpTransport:
    return HttpTransport(
        connections=options.concurrency * max(1, len(destination.definition.actions)),
        timeout=options.timeout,
        # Proxies of the environment are for the outside, never for this machine.
        trust_environment=destination.request.url("/").scheme == "https",
    )


def _stop_on_signals(delivery: Delivery) -> None:
    """Let SIGTERM and Ctrl-C end a run in order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not every platform and thread can; there Ctrl-C simply ends the program.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, delivery.interrupt)


async def _note_next_due(queue: Queue, delivery: Delivery, tally: Tally) -> None:
    waiting = await queue.waiting(delivery.lanes)
    if waiting.next_due is not None:
        tally.next_due = datetime.fromtimestamp(waiting.next_due, UTC)


def _cannot_write(path: Path, error: OSError) -> SetupError:
    return SetupError.of([Problem(str(path), f"cannot be written: {error.strerror}")])
