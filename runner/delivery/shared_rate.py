"""The requests a second that an account may have, divided among the processes that share its outbox.

Each process writes a record that changes with every beat. A process is there while its record changes, by the clock of
the process that looks: no two clocks are compared. Pauses that a busy server asks for are shared by the queue itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import TYPE_CHECKING

from ..queues.contract import Put, QueueFullError, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..queues.contract import Queue
    from .clock import Clock
    from .lane import ActiveLane

WORKERS_PREFIX = "workers/"
"""The keys of the records of processes that send."""

BEAT_SECONDS = 2.0
_GONE_SECONDS = 3.5 * BEAT_SECONDS
"""If the record of a process has not changed for this time, the process has ended."""

_FORGOTTEN_SECONDS = 60.0
"""Its record is deleted this much later, by any process."""


class SharedRate:
    """Divides the rate of lanes among the processes that have them."""

    def __init__(self, queue: Queue, clock: Clock, lanes: Sequence[ActiveLane]) -> None:
        self._queue = queue
        self._clock = clock
        self._lanes = lanes
        self._key = f"{WORKERS_PREFIX}{secrets.token_hex(16)}"
        self._token = Token(secrets.randbits(62), 0)
        self._seen: dict[str, tuple[bytes, float]] = {}

    async def run(self) -> None:
        """Divide for as long as this is not cancelled, and leave in the end."""
        try:
            while True:
                # If there is no room for a record, the others have their shares as before.
                with contextlib.suppress(QueueFullError):
                    await self.beat()
                await self._clock.sleep(BEAT_SECONDS)
        finally:
            with contextlib.suppress(QueueFullError):
                # Even if this is cancelled once more: the others would wait until the record is old.
                await asyncio.shield(self.leave())

    async def leave(self) -> None:
        """Give the share of this process to the others. Raises QueueFullError."""
        await self._write({self._key: None})

    async def beat(self) -> None:
        """Show that this process is there, and divide the rate among all that are. Raises QueueFullError."""
        mine = {"beat": self._token.number, "lanes": [lane.key for lane in self._lanes]}
        await self._write({self._key: json.dumps(mine).encode(), **dict.fromkeys(self._forgotten())})
        now = self._clock.monotonic()
        records = await self._queue.records(WORKERS_PREFIX)
        self._seen = {
            key: before if (before := self._seen.get(key, (b"", 0.0)))[0] == value else (value, now)
            for key, value in records.items()
        }
        present = [json.loads(value)["lanes"] for value, at in self._seen.values() if now - at < _GONE_SECONDS]
        for lane in self._lanes:
            lane.limiter.share(max(1, sum([[*lane.key] in lanes for lanes in present])))

    def _forgotten(self) -> list[str]:
        now = self._clock.monotonic()
        return [key for key, (_, at) in self._seen.items() if now - at >= _GONE_SECONDS + _FORGOTTEN_SECONDS]

    async def _write(self, records: dict[str, bytes | None]) -> None:
        self._token = self._token._replace(number=self._token.number + 1)
        await self._queue.put(Put(self._token, records=records))
