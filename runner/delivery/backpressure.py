"""Backpressure: how far reading may run ahead of delivery."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .lane import AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .lane import ActiveLane

_LEAST_EVENTS = 8_000


class Backpressure:
    """Makes readers wait while the lanes have enough to do.

    A lane has enough with three full batches for each request that may be in flight, and at least 8,000 events. Nobody
    waits while another lane has too little, however much a lane holds that cannot be sent. `began` is called when a
    reader begins to wait; `waiting` counts those that wait.
    """

    def __init__(self, lanes: Sequence[ActiveLane], began: Callable[[], None] = lambda: None) -> None:
        self._lanes = {lane.key: lane for lane in lanes}
        self._events = dict.fromkeys(self._lanes, 0)
        self._began = began
        self._changed = asyncio.Event()
        self._is_open = False
        self.waiting = 0

    def put(self, lane: ActiveLane, events: int) -> None:
        """Count events that were put."""
        self._events[lane.key] += events

    def settled(self, lane: ActiveLane, events: int) -> None:
        """Count events that were settled."""
        self._events[lane.key] = max(0, self._events[lane.key] - events)
        self._changed.set()

    def correct(self, lane: ActiveLane, events: int) -> None:
        """Take over what the queue itself has counted: other processes put and settle too."""
        if self._events[lane.key] != events:
            self._events[lane.key] = events
            self._changed.set()

    def look_again(self) -> None:
        """Let readers look again, since a lane has stopped or recovered."""
        self._changed.set()

    def open(self) -> None:
        """Let nobody wait any more: nothing is sent, and what is read is kept."""
        self._is_open = True
        self._changed.set()

    async def wait(self) -> None:
        """Wait until more may be read."""
        if self._has_room:
            return
        self.waiting += 1
        self._began()
        try:
            while not self._has_room:
                self._changed.clear()
                await self._changed.wait()
        finally:
            self.waiting -= 1

    @property
    def _has_room(self) -> bool:
        lanes = self._lanes.values()
        return (
            self._is_open
            or sum(self._events.values()) <= max(map(_enough, lanes), default=_LEAST_EVENTS)
            or any(map(self._is_hungry, lanes))
        )

    def _is_hungry(self, lane: ActiveLane) -> bool:
        """Return whether a lane that can send has too little to send."""
        is_well = lane.has_had_work and lane.stopped is None and not lane.is_in_trouble and not lane.limiter.pause
        return is_well and self._events[lane.key] - lane.postponed <= _enough(lane)


def _enough(lane: ActiveLane) -> int:
    return max(_LEAST_EVENTS, AHEAD * lane.limiter.allowed * lane.batch_events)
