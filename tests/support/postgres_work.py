"""Work on an outbox in PostgreSQL while a test breaks something: puts events, and sends them to a ledger."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Put, QueueFullError, Settlement, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite.opened import LANE, batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from kable_destination.runner.queues.contract import Queue

T = TypeVar("T")

_A_BATCH = 10


@contextlib.asynccontextmanager
async def opened(url: str, *, busy_seconds: float = 60.0) -> AsyncIterator[Queue]:
    """Open an outbox, and close it in the end."""
    queue = open_queue(url, clock=SystemClock(), busy_seconds=busy_seconds)
    try:
        yield queue
    finally:
        await queue.close()


class Work:
    """Events that are put by one queue and sent by others. `sent` counts how often each was.

    What an outbox refuses for lack of room is asked for again, as a delivery does; `refused` counts it.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.put: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.lost = 0
        self._runs = iter(range(1, 1_000_000))
        self._is_over = False

    async def put_batches(self, queue: Queue, batches: int, lasts: Callable[[], bool]) -> None:
        """Put batches of ten events, one after the other."""
        run = next(self._runs)
        for number in itertools.takewhile(lambda number: number < batches or lasts(), itertools.count()):
            keys = [f"{run} {number} {at}" for at in range(_A_BATCH)]
            put = Put(Token(run, number + 1), [batch(*keys)])
            result = await self._until_there_is_room(partial(queue.put, put))
            assert [*result.accepted] == [_A_BATCH], result
            self.put.update(keys)

    async def send(self, queue: Queue) -> None:
        """Lease and settle until all that was put was sent, and nothing more is put."""
        while True:
            was_over = self._is_over
            leased = await self._until_there_is_room(partial(queue.lease, {LANE: 5}))
            for lease in leased.leases:
                self.sent.update([key or "" for key in lease.queued.batch.idempotency_keys])
                settlement = Settlement(lease, delivered=range(lease.queued.count))
                self.lost += len(await self._until_there_is_room(partial(queue.settle, settlement)))
            if not leased.leases:
                # A transaction that nobody continues keeps its batches until the server ends it.
                if was_over and not leased.depths[LANE].batches:
                    return
                await asyncio.sleep(0.01)

    async def _until_there_is_room(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await ask()
            except QueueFullError:
                self.refused += 1
                await asyncio.sleep(0.05)

    async def run(self, urls: list[str], batches: int, lasts: Callable[[], bool] = lambda: False) -> None:
        """Put by the first outbox URL, and send by the others, at the same time.

        So many batches are put, and more for as long as something `lasts`.
        """
        async with contextlib.AsyncExitStack() as stack:
            first, *others = [await stack.enter_async_context(opened(url)) for url in urls]
            senders = [asyncio.create_task(self.send(queue)) for queue in others]
            await self.put_batches(first, batches, lasts)
            self._is_over = True
            await asyncio.gather(*senders)

    def missing_or_doubled(self) -> Iterator[str]:
        """Yield each event that was not sent once."""
        yield from (f"{key}: {self.sent[key]} times" for key in self.put | self.sent if self.sent[key] != 1)


async def sent_once(work: Work, url: str) -> None:
    """Assert that each event was sent once, and that the outbox says the same."""
    assert list(work.missing_or_doubled()) == []
    assert work.lost == 0
    async with opened(url) as queue:
        status = await queue.status()
        (lane,) = status.lanes
        assert (lane.queued, lane.batches, lane.delivered) == (0, 0, len(work.put))
        assert status.known_ids == len(work.put)


async def work_while(trouble: Callable[[threading.Event, Work], None], url: str, direct_url: str) -> None:
    """Put, lease and settle while a thread makes trouble; then look whether each event was sent once.

    The thread ends early if the event that it is given is set.
    """
    work, is_over = Work(), threading.Event()
    thread = threading.Thread(target=trouble, args=(is_over, work))
    thread.start()
    try:
        await work.run([url] * 3, batches=100, lasts=thread.is_alive)
    finally:
        is_over.set()
        await asyncio.to_thread(thread.join)
    await sent_once(work, direct_url)
