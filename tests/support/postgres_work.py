"""Work on an outbox in PostgreSQL while a test breaks something: puts events, and sends them to a ledger."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Put, Settlement, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite.opened import LANE, batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from kable_destination.runner.queues.contract import Queue

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
    """Events that are put by one queue and sent by others. `sent` counts how often each was."""

    def __init__(self) -> None:
        self.put: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.lost = 0
        self._runs = iter(range(1, 1_000_000))
        self._is_over = False

    async def put_batches(self, queue: Queue, batches: int) -> None:
        """Put batches of ten events, one after the other."""
        run = next(self._runs)
        for number in range(batches):
            keys = [f"{run} {number} {at}" for at in range(_A_BATCH)]
            result = await queue.put(Put(Token(run, number + 1), [batch(*keys)]))
            assert [*result.accepted] == [_A_BATCH], result
            self.put.update(keys)

    async def send(self, queue: Queue) -> None:
        """Lease and settle until all that was put was sent, and nothing more is put."""
        while True:
            was_over = self._is_over
            leased = (await queue.lease({LANE: 5})).leases
            for lease in leased:
                self.sent.update([key or "" for key in lease.queued.batch.idempotency_keys])
                lost = await queue.settle(Settlement(lease, delivered=range(lease.queued.count)))
                self.lost += len(lost)
            if not leased:
                if was_over:
                    return
                await asyncio.sleep(0.01)

    async def run(self, urls: list[str], batches: int) -> None:
        """Put by the first outbox URL, and send by the others, at the same time."""
        async with contextlib.AsyncExitStack() as stack:
            first, *others = [await stack.enter_async_context(opened(url)) for url in urls]
            senders = [asyncio.create_task(self.send(queue)) for queue in others]
            await self.put_batches(first, batches)
            self._is_over = True
            await asyncio.gather(*senders)

    def missing_or_doubled(self) -> Iterator[str]:
        """Yield each event that was not sent once."""
        yield from (f"{key}: {self.sent[key]} times" for key in self.put | self.sent if self.sent[key] != 1)
