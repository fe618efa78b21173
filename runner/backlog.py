"""How far a source may run ahead of its delivery."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .clock import Clock
    from .queue import Queue

_MOST_EVENTS = 8_000
_LOOK_SECONDS = 1.0


class Backlog:
    """Counts the usage events that were put and are not settled, and makes who puts more wait where they are many.

    `is_full` is set while the queue itself has no room.
    """

    def __init__(self, queue: Queue, lanes: Sequence[str], clock: Clock) -> None:
        self._queue = queue
        self._lanes = lanes
        self._clock = clock
        self._events = 0
        self._fell = asyncio.Event()
        self._is_open = False
        self._is_waited_for = False
        self.is_full = False

    @property
    def makes_wait(self) -> bool:
        """Whether who puts must wait."""
        return self._is_waited_for or self.is_full

    def put(self, events: int) -> None:
        """Count events that were put."""
        self._events += events

    def settled(self, events: int) -> None:
        """Count events that are settled."""
        self._events = max(0, self._events - events)
        self._fell.set()

    def open(self) -> None:
        """Let nobody wait any more: nothing is sent, and what is read is kept."""
        self._is_open = True
        self._fell.set()

    async def room(self) -> None:
        """Wait until there is room for more. Another process may make it, so the queue itself is asked at times."""
        try:
            await self._room()
        finally:
            self._is_waited_for = False

    async def _room(self) -> None:
        while self._events > _MOST_EVENTS and not self._is_open:
            self._is_waited_for = True
            self._fell.clear()
            fell = asyncio.ensure_future(self._fell.wait())
            looking = asyncio.ensure_future(self._clock.sleep(_LOOK_SECONDS))
            await asyncio.wait({fell, looking}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                self._events = (await self._queue.waiting(self._lanes)).events
            fell.cancel()
            looking.cancel()
