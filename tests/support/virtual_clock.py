"""A clock that passes only when nothing real is under way: days of retries take as long as their requests."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    import httpx

    from kable_destination.runner.queues.contract import (
        Checkpoint,
        DeadLetters,
        Duplicate,
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
    from kable_destination.runner.transports.contract import Transport

T = TypeVar("T")
_TURNS = 20
_SECONDS_TO_READ = 0.05


class VirtualClock:
    """Time that jumps to the next sleeper whenever nobody is busy."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed = 0.0
        self._busy = 0
        self._idle = asyncio.Event()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def monotonic(self) -> float:
        """Seconds since the clock began."""
        return self._passed

    def now(self) -> datetime:
        """Tell the time of day."""
        return self._start + timedelta(seconds=self._passed)

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

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end, with time passing as it sleeps."""
        task = asyncio.ensure_future(work)
        self._idle.set()
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
        return task.result()

    async def _is_quiet(self, task: asyncio.Future[Any]) -> bool:
        """Tell whether nothing happens any more but sleep."""
        if self._busy:
            idle = asyncio.ensure_future(self._idle.wait())
            await asyncio.wait({idle, task}, return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
        if not await self._stays_quiet(task):
            return False
        if any(thread.name.startswith("read ") for thread in threading.enumerate()):
            # A source is being read, which is real; it may have been kept from that by other programs.
            await asyncio.sleep(_SECONDS_TO_READ)
            return await self._stays_quiet(task)
        return True

    async def _stays_quiet(self, task: asyncio.Future[Any]) -> bool:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if self._busy or task.done():
                return False
        return True


class StillClock:
    """The same time, for who only asks for it: sleep never ends."""

    def __init__(self, clock: VirtualClock) -> None:
        self.monotonic = clock.monotonic
        self.now = clock.now

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - the clock's signature
        """Sleep for ever."""
        await asyncio.Event().wait()


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

    async def checkpoint(self, key: str) -> Checkpoint | None:
        """Find a checkpoint."""
        with self._clock.busy():
            return await self._queue.checkpoint(key)

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

    async def status(self) -> QueueStatus:
        """Find the status."""
        with self._clock.busy():
            return await self._queue.status()

    def export(self) -> AsyncIterator[Exported]:
        """Export."""
        return self._queue.export()

    async def close(self) -> None:
        """Close."""
        await self._queue.close()
