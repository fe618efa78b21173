"""The intake: events from sources, through the planner, into the queue, and every one of them accounted for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...definitions import UnreadableError
from ..queues.contract import Acceptance, Letter, Places, Position, QueuedBatch, QueueFullError, Reread
from ..sources.reading import Reading
from .notices import Occurrence
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...definitions import Destination, Outcome, Plan, PlannedRequest
    from ..queues.contract import Queue, Reason
    from ..sources.event_splitting import Chunk, Unreadable
    from ..sources.files import Source
    from .backpressure import Backlog
    from .clock import Clock
    from .notices import Hook
    from .room import Room
    from .run_report import Tally

SECONDS_TO_DRAIN = 5.0
"""How long a run that must stop goes on reading, so that what it leaves unsent is counted and kept."""

_LINE_BITS = 40
_LINE_MASK = (1 << _LINE_BITS) - 1
_FIRST_WAIT_FOR_ROOM = 1.0
_LONGEST_WAIT_FOR_ROOM = 30.0
_SECONDS_FOR_THE_REST = 0.2
_SECONDS_OF_SILENCE = 1.0
_WRITER = "intake"


class SourceError(Exception):
    """A source cannot be read; the message names it."""


@dataclass(slots=True)
class _Read:
    """How far a source has been read, and the line at which it was taken up, where an earlier run had left off."""

    source: Source
    resumed_at: int | None = None
    next_line: int = 1
    size: int = 0
    digest: bytes = b""
    is_end: bool = False
    is_recorded: bool = False

    @property
    def is_behind(self) -> bool:
        """Whether it is read no further than an earlier run has read it."""
        return self.resumed_at is not None and self.next_line < self.resumed_at


class Intake:
    """Reads sources and puts what they hold. What was put is safe; what was not is read again the next time.

    `put` is called when there is something new in the queue.
    """

    def __init__(
        self,
        destination: Destination,
        queue: Queue,
        *,
        account: str,
        tally: Tally,
        clock: Clock,
        tell: Hook,
        backlog: Backlog,
        room: Room,
        batch_size: int | None = None,
        put: Callable[[], None] = lambda: None,
    ) -> None:
        self._planner = destination.planner(max_events=batch_size)
        self._fingerprint = destination.fingerprint
        self._account = account
        self._queue = queue
        self._tally = tally
        self._clock = clock
        self._tell = tell
        self._backlog = backlog
        self._room = room
        self._has_put = put
        self._reads: list[_Read] = []
        self._putting: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._drain_until = 0.0
        self._is_interrupted = False
        self._given_up = asyncio.Event()
        self.read_to_the_end = True

    async def run(self, sources: Sequence[Source]) -> None:
        """Take everything that some sources hold. Raises SourceError when one cannot be read."""
        try:
            for source in sources:
                if not self._is_interrupted:
                    await self._take(source)
        finally:
            await self._put(self._planner.flush(), ())
            await self._finish_putting()

    def stop(self, *, drain_seconds: float = SECONDS_TO_DRAIN) -> None:
        """Go on reading for a while only: nothing is sent, but what is left is counted and kept."""
        if not self._stopped.is_set():
            self._drain_until = self._clock.monotonic() + drain_seconds
            self._is_interrupted = drain_seconds == 0
            self._backlog.open()
            self._stopped.set()

    def give_up_waiting_for_room(self) -> None:
        """Wait no longer for room in a queue that is full."""
        self._given_up.set()

    async def _take(self, source: Source) -> None:
        try:
            start = await self._start(source)
            if start is None:
                return
            read = _Read(source, self._tally.resumed_at.get(source.name))
            self._reads.append(read)
            number = len(self._reads) - 1
            reading = Reading(source, start, signed=self._queue.is_durable and not source.is_standard_input)
            while (chunk := await self._next(reading)) is not None:
                await self._take_chunk(chunk, read, number)
            read.is_end = reading.is_whole
            self.read_to_the_end &= reading.is_whole
        except OSError as error:
            raise SourceError(f"{source.name} cannot be read: {error.strerror or error}") from None

    async def _start(self, source: Source) -> int | None:
        """Find the line to begin with; None when all of a source has been accepted before. Raises OSError."""
        if source.is_standard_input:
            return 1
        position = await self._queue.position(self._key(source))
        if position is None:
            return 1
        match = await asyncio.to_thread(source.compare, position.size, position.digest)
        if match == "other":
            return 1
        if match == "same" and position.is_end:
            self._tally.done_before.append(source.name)
            return None
        self._tally.resumed_at[source.name] = position.line
        return position.line

    def _key(self, source: Source) -> str:
        return f"{self._fingerprint} {Path(source.path).absolute()}"

    async def _next(self, reading: Reading) -> Chunk | None:
        """Get the next chunk; none after a stop, when its time is over."""
        if not self._stopped.is_set():
            await self._backlog.room()
        getting, stopped = asyncio.ensure_future(reading.get()), asyncio.ensure_future(self._stopped.wait())
        try:
            await self._or_flush(reading, getting, stopped)
            left = self._drain_until - self._clock.monotonic()
            if self._stopped.is_set() and left <= 0:
                reading.stop()
            if not getting.done():
                await asyncio.wait({getting}, timeout=max(_SECONDS_FOR_THE_REST, left))
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()
            stopped.cancel()

    async def _or_flush(
        self, reading: Reading, getting: asyncio.Future[Chunk | None], stopped: asyncio.Future[Any]
    ) -> None:
        """Wait for a chunk or a stop; what a stream brought before it fell silent is put meanwhile."""
        if reading.source.is_stream:
            silence = asyncio.ensure_future(self._clock.sleep(_SECONDS_OF_SILENCE))
            await asyncio.wait({getting, stopped, silence}, return_when=asyncio.FIRST_COMPLETED)
            silence.cancel()
            if not getting.done() and not stopped.done() and self._planner.first_open_index is not None:
                await self._put(self._planner.flush(), ())
        await asyncio.wait({getting, stopped}, return_when=asyncio.FIRST_COMPLETED)

    async def _take_chunk(self, chunk: Chunk, read: _Read, number: int) -> None:
        self._tally.read += len(chunk)
        indexes = [(number << _LINE_BITS) | line for line in chunk.lines] if number else chunk.lines
        plan = self._planner.feed_texts(chunk.texts, indexes)
        read.next_line, read.size, read.digest = chunk.next_line, chunk.size, chunk.digest
        letters = [self._unreadable(read.source, text) for text in chunk.unreadable]
        await self._put(plan, letters, self._reread(chunk, read))

    def _reread(self, chunk: Chunk, read: _Read) -> Sequence[Reread]:
        """Name the text with which an earlier run left off, where that may have been half of it."""
        if read.resumed_at is None or chunk.lines[:1] != [read.resumed_at]:
            return ()
        return [Reread(self._account, read.source.name, read.resumed_at, chunk.texts[0])]

    async def _put(self, plan: Plan, letters: Sequence[Letter], reread: Sequence[Reread] = ()) -> None:
        """Have it put while more is read; one after the other, so that no position is ahead of its events."""
        turned_down = [letter for outcome in plan.turned_down for letter in self._letters(outcome)]
        batches = [self._queued(planned) for planned in plan.requests]
        acceptance = Acceptance(batches, [*letters, *turned_down], tuple(self._positions()), reread)
        await self._finish_putting()
        self._putting = asyncio.create_task(self._put_until_there_is_room(acceptance))

    async def _finish_putting(self) -> None:
        if self._putting is not None:
            await self._putting

    async def _put_until_there_is_room(self, acceptance: Acceptance) -> None:
        wait = _FIRST_WAIT_FOR_ROOM
        left = [acceptance]
        while left:
            try:
                counts = await self._queue.put(left[0])
            except QueueFullError as error:
                if len(left[0].batches) > 1 and _are_known_by_id(left[0]):
                    left[:1] = _one_by_one(left[0])
                    continue
                self._note_room(error)
                if self._given_up.is_set():
                    self.read_to_the_end = False
                    raise
                await ends_before(self._given_up, self._clock.sleep(wait))
                wait = min(wait * 2, _LONGEST_WAIT_FOR_ROOM)
            else:
                self._note_room(None)
                self._count(left.pop(0), counts)

    def _note_room(self, error: QueueFullError | None) -> None:
        if self._room.note(_WRITER, error):
            self._backlog.is_full = error is not None
            self._has_put()

    def _count(self, acceptance: Acceptance, counts: Sequence[int]) -> None:
        """Tell what was put, of each batch so many events; the others were there already."""
        for batch, count in zip(acceptance.batches, counts, strict=True):
            self._backlog.put(batch.lane, count)
        events, wanted = sum(counts), sum(map(len, acceptance.batches))
        if wanted:
            self._tell(Occurrence(kind="accepted", account=self._account, events=events, duplicates=wanted - events))
            self._has_put()

    def _positions(self) -> Iterator[Position]:
        """Tell for each source how far it is accepted when all is put that was planned so far."""
        waiting = self._planner.first_open_index
        for number, read in enumerate(self._reads):
            if read.source.is_standard_input or read.is_recorded or read.is_behind:
                continue
            line, is_end = read.next_line, read.is_end
            if waiting is not None and number >= waiting >> _LINE_BITS:
                if number > waiting >> _LINE_BITS:
                    return
                line, is_end = min(line, waiting & _LINE_MASK), False
            read.is_recorded = is_end
            yield Position(self._key(read.source), read.source.name, line, read.size, read.digest, is_end)

    def _letters(self, outcome: Outcome) -> Iterator[Letter]:
        """Count an event that was turned down; give the letter of one that is dead."""
        if outcome.status == "skipped":
            self._tally.skipped[outcome.reason or "not_subscribed"] += 1
            return
        source, line = self._place(outcome.index)
        reason: Reason = "unreadable" if isinstance(outcome.error, UnreadableError) else "rejected"
        message = outcome.error.message if outcome.error is not None else outcome.detail
        self._dead(reason, message)
        yield Letter(
            reason,
            message,
            source.name,
            line,
            outcome.kept,
            account=self._account,
            action=outcome.action,
            subscription=outcome.subscription,
            problems=outcome.problems,
        )

    def _unreadable(self, source: Source, text: Unreadable) -> Letter:
        self._dead("unreadable", text.message)
        return Letter("unreadable", text.message, source.name, text.line, text.text, account=self._account)

    def _dead(self, reason: Reason, message: str) -> None:
        self._tally.dead_lettered[reason] += 1
        self._tell(Occurrence(kind="dead", account=self._account, events=1, reason=reason, error=message))

    def _queued(self, planned: PlannedRequest) -> QueuedBatch:
        batch = planned.batch
        first, last = batch.indexes[0] >> _LINE_BITS, batch.indexes[-1] >> _LINE_BITS
        if first == last:
            names = [self._reads[first].source.name]
        else:
            names = [self._place(index)[0].name for index in batch.indexes]
        lines = [index & _LINE_MASK for index in batch.indexes] if last else batch.indexes
        # An exchange that has begun is good for one attempt, and there may be more of them.
        request = planned if planned.exchange is None else None
        return QueuedBatch(self._account, batch, Places(tuple(names), tuple(lines)), request)

    def _place(self, index: int) -> tuple[Source, int]:
        return self._reads[index >> _LINE_BITS].source, index & _LINE_MASK


def _one_by_one(acceptance: Acceptance) -> list[Acceptance]:
    """Part what is too much to be accepted together: how far the sources are read is known with the last of it."""
    *batches, last = acceptance.batches
    return [*(Acceptance([batch]) for batch in batches), replace(acceptance, batches=[last])]


def _are_known_by_id(acceptance: Acceptance) -> bool:
    """Tell whether a part of it can be accepted again without being sent twice."""
    return all(key is not None for queued in acceptance.batches for key in queued.batch.idempotency_keys)
