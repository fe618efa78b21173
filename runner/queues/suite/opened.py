"""What the tests of a queue work with: queues that are open, a clock that they move, and batches that they make."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ....definitions import EventBatch, EventList, PayloadList
from ..contract import Lane, Origins, Put, QueuedBatch, Settlement, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from ...delivery.clock import Clock
    from ..contract import Lease, Leased, PutResult, Queue

LANE = Lane("account", "track")
"""Where `batch` puts its events by default."""

START = 2_000_000_000.0
"""When each test begins, in seconds since 1970."""

RUN = 7
"""The run of all puts, unless a test says otherwise."""


class OpenQueue(Protocol):
    """Opens a queue in a folder. The contents of a durable one are the same whenever it is opened in that folder."""

    def __call__(self, folder: Path, clock: Clock, /, **options: Any) -> Queue:
        """Open a queue; `options` are those of EngineQueue."""


class MovedClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.moment = START

    def monotonic(self) -> float:
        """Return the same as `now`."""
        return self.moment

    def now(self) -> datetime:
        """Return the moment."""
        return datetime.fromtimestamp(self.moment, UTC)

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.moment += seconds
        await asyncio.sleep(0)


class Opened:
    """A queue that is open, and the means to use it in short tests."""

    def __init__(self, open_queue: OpenQueue, folder: Path) -> None:
        self.clock = MovedClock()
        self._open_queue = open_queue
        self._folder = folder
        self._numbers = count(1)
        self._opened: list[Queue] = []
        self.queue = self.open()

    def open(self, **options: Any) -> Queue:
        """Open the queue once more."""
        queue = self._open_queue(self._folder, self.clock, **options)
        self._opened.append(queue)
        return queue

    async def reopen(self, **options: Any) -> None:
        """Close the queue, and open it again."""
        await self.close(self.queue)
        self.queue = self.open(**options)

    async def close(self, queue: Queue) -> None:
        """Close a queue."""
        self._opened.remove(queue)
        await queue.close()

    async def close_all(self) -> None:
        """Close what is still open."""
        while self._opened:
            await self._opened.pop().close()

    def token(self, run: int = RUN) -> Token:
        """Return the token of the next put."""
        return Token(run, next(self._numbers))

    async def put(self, *batches: QueuedBatch, run: int = RUN, **parts: Any) -> PutResult:
        """Put batches and other parts of a put."""
        return await self.queue.put(Put(self.token(run), batches, **parts))

    async def lease(self, most: int = 100, lane: Lane = LANE) -> list[Lease]:
        """Lease batches of a lane."""
        return [*(await self.queue.lease({lane: most})).leases]

    async def one(self) -> Lease:
        """Lease the only batch."""
        (lease,) = await self.lease()
        return lease

    async def deliver(self, lease: Lease) -> Sequence[int]:
        """Settle a batch whose events were all delivered; return those whose lease was lost."""
        return await self.queue.settle(Settlement(lease, delivered=range(lease.queued.count)))

    async def postpone(self, lease: Lease, seconds: float) -> None:
        """Settle a batch that must be sent again after some time."""
        due = self.clock.moment + seconds
        await self.queue.settle(Settlement(lease, retry=range(lease.queued.count), due=due, attempts=1))


class Tested:
    """What every class of tests begins with."""

    open_queue: ClassVar[Callable[..., Queue]]

    async def _with_queue(self, test: Callable[[Any, Opened], Coroutine[Any, Any, None]], folder: Path) -> None:
        opened = Opened(type(self).open_queue, folder)
        try:
            await test(self, opened)
        finally:
            await opened.close_all()


def with_queue(test: Callable[[Any, Opened], Coroutine[Any, Any, None]]) -> Callable[[Tested, Path], None]:
    """Make a test of a coroutine: it is given an empty queue."""

    def run(self: Tested, tmp_path: Path) -> None:
        asyncio.run(self._with_queue(test, tmp_path))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


def batch(
    *keys: str | None, account: str = LANE.account, action: str = LANE.action, shard: int | None = None, place: int = 1
) -> QueuedBatch:
    """Return a batch with one event for each ID; None is an event without one."""
    places = tuple(range(place, place + len(keys)))
    payloads = PayloadList(b"[%b]" % b",".join([b'{"units":%d}' % number for number in places]), len(keys))
    events = EventList([b'{"messageId":"%b"}' % (key or "").encode() for key in keys])
    subscriptions = tuple(["all" if number % 2 else "odd" for number in places])
    return QueuedBatch(
        account,
        EventBatch(action, payloads, events, tuple(range(len(keys))), subscriptions, keys, shard=shard),
        Origins(("events.ndjson",), places),
    )


def keys_of(leased: Leased | Sequence[Lease]) -> list[str]:
    """Return the IDs of leased events."""
    leases = leased if isinstance(leased, (list, tuple)) else leased.leases  # type: ignore[union-attr]  # of two
    return [key or "" for lease in leases for key in lease.queued.batch.idempotency_keys]
