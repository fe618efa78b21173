"""The rate at which one account may send events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..delivery.clock import Clock

_SECONDS = 10.0
"""Over so many seconds the rate is an average: SDKs send batches."""


class Rate:
    """Allows so many events a second, on average: at most ten seconds' worth may come ahead of time."""

    def __init__(self, clock: Clock, per_second: float | None) -> None:
        self._clock = clock
        self._per_second = math.inf if per_second is None else per_second
        # When all events so far have had their time.
        self._used_until = -math.inf

    def wait(self, events: int) -> float:
        """Return in how many seconds some events may come. If that is 0, they count as having come."""
        now = self._clock.monotonic()
        used_until = max(self._used_until, now)
        ahead = used_until - now
        if ahead > _SECONDS:
            return ahead - _SECONDS
        self._used_until = used_until + events / self._per_second
        return 0.0
