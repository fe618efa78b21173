"""The renewal of leases: a request may take longer than its lease, and nobody else must send its batch meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..queues.contract import LEASE_SECONDS, QueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..queues.contract import Queue
    from .clock import Clock

_RENEWALS = 3
"""How often a lease is renewed while it lasts."""


class Renewal:
    """Renews the leases of this process in time, from `begin` until `is_needed` returns that there are none."""

    def __init__(self, queue: Queue, clock: Clock, is_needed: Callable[[], bool]) -> None:
        self._queue = queue
        self._clock = clock
        self._is_needed = is_needed
        self._has_leases = asyncio.Event()

    def begin(self) -> None:
        """Note that there are leases."""
        self._has_leases.set()

    async def run(self) -> None:
        """Renew for as long as this is not cancelled."""
        while True:
            await self._has_leases.wait()
            await self._clock.sleep(LEASE_SECONDS / _RENEWALS)
            if not self._is_needed():
                self._has_leases.clear()
                continue
            # If there is no room, the next renewal still comes before the lease ends.
            with contextlib.suppress(QueueFullError):
                await self._queue.renew()
