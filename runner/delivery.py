"""Delivery: events from sources, through the destination's planner, to its endpoint, and every one accounted for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..definitions import AnswerError, ConfigurationError, Result, RetryableError, StoppedError, UnreadableError
from .dead_letters import DeadLetters
from .reading import Reading
from .sending import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..definitions import Destination, Outcome, Plan, PlannedRequest
    from .clock import Clock
    from .dead_letters import Reason
    from .scanners import Chunk
    from .sources import Source
    from .tally import Tally

SECONDS_TO_DRAIN = 5.0
"""How long a run that must stop goes on reading, so that what it leaves unsent is counted and kept."""

_LINE_BITS = 40


class InterruptionError(StoppedError):
    """Somebody asked the run to stop."""


class Sends(Protocol):
    """What takes a planned request to its end: results for each event, or Interrupted when it was not sent."""

    async def send(self, planned: PlannedRequest) -> Sequence[Result]:
        """Send a request."""

    def stop(self) -> None:
        """Let nothing wait for another attempt any more."""


@dataclass(slots=True)
class Stop:
    """Why a run ended early; `first_unsent` is where each source has its first event that was not sent."""

    error: AnswerError
    first_unsent: dict[str, int] = field(default_factory=dict)
    read_to_the_end: bool = True


class Delivery:
    """One run. What it takes ends as delivered, as a dead letter, or as unsent, and is counted as such.

    `letters` may be None: a dry run keeps none. `progress` is called after each chunk and after each answer.
    """

    def __init__(
        self,
        destination: Destination,
        sender: Sends,
        *,
        tally: Tally,
        clock: Clock,
        letters: DeadLetters | None,
        batch_size: int | None = None,
        concurrency: int = 1,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._planner = destination.planner(max_events=batch_size)
        self._sender = sender
        self._tally = tally
        self._clock = clock
        self._letters = letters
        self._slots = asyncio.Semaphore(concurrency)
        self._progress = progress
        self._sources: list[Source] = []
        self._seen: set[str] = set()
        self._stop: Stop | None = None
        self._stopped = asyncio.Event()
        self._drain_until = 0.0

    async def run(self, sources: Sequence[Source]) -> Stop | None:
        """Deliver the events of some sources; give the reason when that ended early."""
        began = self._clock.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for source in sources:
                await self._take_source(source, tasks)
            await self._take_plan(self._planner.flush(), tasks)
        self._tally.seconds += self._clock.monotonic() - began
        return self._stop

    def stop(self, error: AnswerError, *, drain_seconds: float = SECONDS_TO_DRAIN) -> None:
        """Send nothing more; go on reading for a while, so that what is left unsent is counted and kept."""
        if self._stop is None:
            self._stop = Stop(error)
            self._drain_until = self._clock.monotonic() + drain_seconds
            self._stopped.set()
            self._sender.stop()

    async def _take_source(self, source: Source, tasks: asyncio.TaskGroup) -> None:
        number = len(self._sources)
        self._sources.append(source)
        reading = Reading(source)
        while (chunk := await self._next_chunk(reading, source)) is not None:
            self._tally.read += len(chunk.texts) + len(chunk.unreadable)
            for text in chunk.unreadable:
                self._unreadable(source, text.line, text.message, text.text)
            indexes = [(number << _LINE_BITS) | line for line in chunk.lines]
            await self._take_plan(self._planner.feed_texts(chunk.texts, indexes), tasks)
            self._progress()

    async def _next_chunk(self, reading: Reading, source: Source) -> Chunk | None:
        getting = asyncio.ensure_future(reading.get())
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({getting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                patience = max(0.0, self._drain_until - self._clock.monotonic())
                await asyncio.wait({getting}, timeout=patience)
            if getting.done():
                return getting.result()
        except OSError as error:
            self.stop(ConfigurationError(f"{source.name} cannot be read: {error.strerror or error}"))
            return None
        finally:
            getting.cancel()
            stopped.cancel()
        if self._stop is not None:
            self._stop.read_to_the_end = False
        return None

    async def _take_plan(self, plan: Plan, tasks: asyncio.TaskGroup) -> None:
        for outcome in plan.turned_down:
            self._take_outcome(outcome)
        for planned in plan.requests:
            await self._slots.acquire()
            if self._stop is None:
                tasks.create_task(self._deliver(planned))
            else:
                self._slots.release()
                self._leave_unsent(planned, self._stop)

    def _take_outcome(self, outcome: Outcome) -> None:
        if outcome.status == "skipped":
            self._tally.skipped[outcome.reason or "not_subscribed"] += 1
        elif outcome.status == "rejected":
            source, line = self._place(outcome.index)
            if isinstance(outcome.error, UnreadableError):
                self._unreadable(source, line, outcome.error.message, outcome.kept)
                return
            self._tally.undelivered("rejected")
            self._keep(partial(DeadLetters.rejected, source=source, line=line, outcome=outcome))

    def _unreadable(self, source: Source, line: int, message: str, text: bytes) -> None:
        self._tally.undelivered("unreadable")
        self._keep(partial(DeadLetters.unreadable, source=source, line=line, message=message, text=text))

    async def _deliver(self, planned: PlannedRequest) -> None:
        try:
            results = await self._sender.send(planned)
            self._settle(planned, results)
        except Interrupted:
            self._leave_unsent(planned, self._stop)
        finally:
            self._slots.release()
            self._progress()

    def _settle(self, planned: PlannedRequest, results: Sequence[Result]) -> None:
        for key, kept, result in zip(planned.idempotency_keys, planned.events.kept, results, strict=True):
            if result.error is None:
                self._tally.delivered += 1
                self._count_duplicate(key)
            elif isinstance(result.error, StoppedError):
                self.stop(result.error)
                self._undelivered("unsent", result.error, result, kept)
            elif isinstance(result.error, RetryableError):
                self._undelivered("exhausted", result.error, result, kept)
            else:
                self._undelivered("refused", result.error, result, kept)

    def _count_duplicate(self, key: str | None) -> None:
        if key is None:
            return
        if key in self._seen:
            self._tally.duplicates += 1
        self._seen.add(key)

    def _leave_unsent(self, planned: PlannedRequest, stop: Stop | None) -> None:
        error = AnswerError("not sent: this was a dry run") if stop is None else stop.error
        for index, subscription, kept in zip(planned.indexes, planned.subscriptions, planned.events.kept, strict=True):
            self._undelivered("unsent", error, Result(index, planned.action, subscription), kept)

    def _undelivered(self, reason: Reason, error: AnswerError, result: Result, kept: Any) -> None:
        self._tally.undelivered(reason)
        source, line = self._place(result.index)
        if reason == "unsent":
            if self._stop is not None:
                first = self._stop.first_unsent.get(source.name, line)
                self._stop.first_unsent[source.name] = min(first, line)
            if not source.is_standard_input:
                return
        self._keep(
            partial(
                DeadLetters.undelivered,
                reason=reason,
                error=error,
                source=source,
                line=line,
                kept=kept,
                action=result.action,
                subscription=result.subscription,
            )
        )

    def _keep(self, write: Callable[[DeadLetters], None]) -> None:
        if self._letters is None:
            return
        try:
            write(self._letters)
        except OSError as error:
            self.stop(ConfigurationError(f"{self._letters.path} cannot be written: {error.strerror or error}"))

    def _place(self, index: int) -> tuple[Source, int]:
        return self._sources[index >> _LINE_BITS], index & ((1 << _LINE_BITS) - 1)
