"""A clock that passes only when nothing real is under way: days of retries take as long as their requests."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    import httpx

    from kable_destination.runner.queues.contract import (
        Audiences,
        Checkpoint,
        DeadLetters,
        Duplicate,
        Erased,
        Erasure,
        Exported,
        Lane,
        Leased,
        Put,
        PutResult,
        Queue,
        QueueStatus,
        RunOutcomes,
        Settlement,
        State,
    )
    from kable_destination.runner.sources.contract import Chunk, FindCheckpoints, FoundCheckpoint, Resumed, Source
    from kable_destination.runner.transports.contract import Transport

T = TypeVar("T")
_MOST_TURNS = 20
_QUIET_TURNS = 4
"""After so many turns of the event loop in which nothing was to be called, it waits for time to pass."""


class VirtualClock:
    """Time that jumps to the next sleeper whenever nobody is busy."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed = 0.0
        self._busy = 0
        self._calls = 0
        self._idle = asyncio.Event()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def monotonic(self) -> float:
        """Seconds since the clock began."""
        return self._passed

    def now(self) -> datetime:
        """Tell the time of day."""
        return self._start + timedelta(seconds=self._passed)

    def set(self, moment: datetime) -> None:
        """Set the time of day, as somebody does who corrects a clock. Seconds that were counted stay counted."""
        self._start = moment - timedelta(seconds=self._passed)

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock is moved so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._count), future))
        await future

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Let no time pass for as long as the block lasts."""
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    @contextlib.contextmanager
    def not_busy(self) -> Iterator[None]:
        """Let time pass after all, in a part of what is busy."""
        self._busy -= 1
        if not self._busy:
            self._idle.set()
        try:
            yield
        finally:
            self._busy += 1
            self._idle.clear()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end, with time passing as it sleeps."""
        task = asyncio.ensure_future(work)
        self._idle.set()
        with self._counting_calls():
            await self._pass_time(task)
        return task.result()

    @contextlib.contextmanager
    def _counting_calls(self) -> Iterator[None]:
        """Count what the event loop is asked to call, since it does not tell whether it has anything to do."""
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon

        def counting(*arguments: Any, **named: Any) -> asyncio.Handle:
            self._calls += 1
            return call_soon(*arguments, **named)

        vars(loop)["call_soon"] = counting
        try:
            yield
        finally:
            del vars(loop)["call_soon"]

    async def _pass_time(self, task: asyncio.Future[Any]) -> None:
        while not task.done():
            if not await self._is_quiet(task):
                continue
            if not self._sleepers:
                await asyncio.sleep(0)
                continue
            moment, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._passed = max(self._passed, moment)
                future.set_result(None)

    async def _is_quiet(self, task: asyncio.Future[Any]) -> bool:
        """Tell whether nothing happens any more but sleep."""
        if self._busy:
            idle = asyncio.ensure_future(self._idle.wait())
            await asyncio.wait({idle, task}, return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
        return await self._stays_quiet(task)

    async def _stays_quiet(self, task: asyncio.Future[Any]) -> bool:
        quiet = 0
        for _ in range(_MOST_TURNS):
            before = self._calls
            await asyncio.sleep(0)
            if self._busy or task.done():
                return False
            # The one call is that of this task.
            quiet = quiet + 1 if self._calls == before + 1 else 0
            if quiet == _QUIET_TURNS:
                break
        return True


class StillClock:
    """The same time, for who only asks for it: sleep never ends."""

    def __init__(self, clock: VirtualClock) -> None:
        self.monotonic = clock.monotonic
        self.now = clock.now

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - the clock's signature
        """Sleep for ever."""
        await asyncio.Event().wait()


class BusySource:
    """A source that is read, by a thread perhaps, while no time passes; time passes while nobody asks for more."""

    def __init__(self, source: Source, clock: VirtualClock) -> None:
        self._source = source
        self._clock = clock
        self.stop = source.stop

    @property
    def name(self) -> str:
        """As the source."""
        return self._source.name

    @property
    def key(self) -> str | None:
        """As the source."""
        return self._source.key

    @property
    def resumed(self) -> Resumed | None:
        """As the source."""
        return self._source.resumed

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield the chunks."""

        async def finding(*keys: str) -> Sequence[FoundCheckpoint | None]:
            assert find is not None
            # It waits for what is being accepted, and that may wait for room.
            with self._clock.not_busy():
                return await find(*keys)

        chunks = self._source.chunks(finding if find is not None else None)
        while True:
            with self._clock.busy():
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk


class BusyTransport:
    """A transport during whose exchanges no time passes."""

    def __init__(self, transport: Transport, clock: VirtualClock) -> None:
        self._transport = transport
        self._clock = clock

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send."""
        with self._clock.busy():
            return await self._transport.send(request)


class BusyQueue:
    """A queue during whose work no time passes."""

    def __init__(self, queue: Queue, clock: VirtualClock) -> None:
        self._queue = queue
        self._clock = clock

    @property
    def is_durable(self) -> bool:
        """As the queue."""
        return self._queue.is_durable

    @property
    def deleted_dead_letters(self) -> int:
        """How many were deleted."""
        return self._queue.deleted_dead_letters

    @property
    def dead_letters(self) -> DeadLetters:
        """As the queue."""
        return self._queue.dead_letters

    @property
    def audiences(self) -> Audiences:
        """As the queue."""
        return self._queue.audiences

    async def salt(self) -> bytes | None:
        """As the queue."""
        return await self._queue.salt()

    async def delete_old(self) -> None:
        """Delete old dead letters."""
        with self._clock.busy():
            await self._queue.delete_old()

    async def put(self, put: Put) -> PutResult:
        """Put."""
        with self._clock.busy():
            return await self._queue.put(put)

    async def lease(self, most: Mapping[Lane, int]) -> Leased:
        """Lease."""
        with self._clock.busy():
            return await self._queue.lease(most)

    async def renew(self) -> None:
        """Renew."""
        with self._clock.busy():
            await self._queue.renew()

    async def settle(self, settlement: Settlement) -> Sequence[int]:
        """Settle."""
        with self._clock.busy():
            return await self._queue.settle(settlement)

    async def checkpoints(self, *keys: str) -> Sequence[Checkpoint | None]:
        """Find checkpoints."""
        with self._clock.busy():
            return await self._queue.checkpoints(*keys)

    async def mark(self, lane: Lane, *, stopped: str | None = None, paused_until: float | None = None) -> None:
        """Mark a lane."""
        with self._clock.busy():
            await self._queue.mark(lane, stopped=stopped, paused_until=paused_until)

    async def make_due(self, lanes: Sequence[Lane]) -> int:
        """Let everything be due."""
        with self._clock.busy():
            return await self._queue.make_due(lanes)

    async def records(self, prefix: str) -> Mapping[str, bytes]:
        """Find records."""
        with self._clock.busy():
            return await self._queue.records(prefix)

    async def outcomes(self, run: int, duplicates: Sequence[Duplicate] = ()) -> tuple[RunOutcomes, Mapping[State, int]]:
        """Find outcomes."""
        with self._clock.busy():
            return await self._queue.outcomes(run, duplicates)

    async def queued(self) -> Mapping[str, int]:
        """Count what is queued."""
        with self._clock.busy():
            return await self._queue.queued()

    async def status(self) -> QueueStatus:
        """Find the status."""
        with self._clock.busy():
            return await self._queue.status()

    async def erase(self, erasure: Erasure, *, dry_run: bool = False) -> Erased:
        """As the queue does, later."""
        with self._clock.busy():
            return await self._queue.erase(erasure, dry_run=dry_run)

    def export(self) -> AsyncIterator[Exported]:
        """Export."""
        return self._queue.export()

    async def close(self) -> None:
        """Close."""
        await self._queue.close()
