"""The record of the limits that a run has found for each lane, which `status` shows."""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING

from ..queues.contract import Put, QueueFullError, Token

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from ..queues.contract import Lane, Queue
    from .clock import Clock
    from .lane import ActiveLane

LIMITS_PREFIX = "limits/"
"""The keys of the records that hold the present limits of each lane."""

_SECONDS = 1.0


class LimitsRecord:
    """Stores the limits that have changed, at most once a second.

    `changed` has the lanes whose limits are not stored yet, `storing` the task that stores some.
    """

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self.changed: set[Lane] = set()
        self.storing: asyncio.Task[None] | None = None
        self._queue = queue
        self._clock = clock
        self._token = Token(secrets.randbits(62), 0)
        self._next_at = clock.monotonic() + _SECONDS

    def store(self, lanes: Iterable[ActiveLane]) -> Coroutine[Any, Any, None] | None:
        """Return what stores the limits that have changed; None if it is too early."""
        now = self._clock.monotonic()
        # The puts of a run are numbered, so one must have ended before the next begins.
        is_storing = self.storing is not None and not self.storing.done()
        if now < self._next_at or is_storing:
            return None
        self._next_at = now + _SECONDS
        records = {}
        for lane in lanes:
            if lane.key in self.changed:
                value = {"in_flight": lane.limiter.allowed, "per_second": lane.limiter.per_second}
                records[f"{LIMITS_PREFIX}{lane.key.account}\0{lane.key.action}"] = json.dumps(value).encode()
        self.changed.clear()
        self._token = self._token._replace(number=self._token.number + 1)
        return self._put(Put(self._token, records=records))

    async def _put(self, put: Put) -> None:
        # If there is no room, `status` shows older limits.
        with contextlib.suppress(QueueFullError):
            await self._queue.put(put)
