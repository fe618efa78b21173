"""How far a source may run ahead of its delivery."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..queues.contract import Queue
    from .clock import Clock

MOST_EVENTS = 8_000
_LOOK_SECONDS = 1.0


class Backlog:
    """Counts the usage events that were put and are not settled, and makes who puts more wait where they are many.

    Nobody waits while `is_hungry` says that a lane has little to do, however much another holds that cannot be
    sent. `is_full` is set while the queue itself has no room.
    """

    def __init__(self, queue: Queue, lanes: Sequence[str], clock: Clock) -> None:
        self._queue = queue
        self._lanes = lanes
        self._clock = clock
        self.is_hungry: Callable[[], bool] = lambda: False
        self._events: Counter[str] = Counter()
        self._fell = asyncio.Event()
        self._is_open = False
        self._is_waited_for = False
        self.is_full = False

    @property
    def makes_wait(self) -> bool:
        """Whether who puts must wait."""
        return self._is_waited_for or self.is_full

    def is_small(self, lane: str, postponed: int) -> bool:
        """Tell whether a lane has little to do, besides events that are postponed."""
        return self._events[lane] - postponed <= MOST_EVENTS

    def put(self, lane: str, events: int) -> None:
        """Count events that were put."""
        self._events[lane] += events

    def settled(self, lane: str, events: int) -> None:
        """Count events that are settled."""
        self._events[lane] = max(0, self._events[lane] - events)
        self._fell.set()

    def look_again(self) -> None:
        """Ask again whether somebody is hungry: something has changed."""
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

    @property
    def _has_room(self) -> bool:
        return self._is_open or self._events.total() <= MOST_EVENTS or self.is_hungry()

    async def _room(self) -> None:
        while not self._has_room:
            self._is_waited_for = True
            self._fell.clear()
            if await ends_before(self._fell, self._clock.sleep(_LOOK_SECONDS)):
                for lane in self._lanes:
                    self._events[lane] = (await self._queue.waiting([lane])).events
