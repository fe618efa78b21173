"""The requests a second that a busy server takes, found by trying."""

from __future__ import annotations

from collections import deque

CUT = 0.95
"""What is left of the rate that got through, when the server says that it is busy."""

HOLD_SECONDS = 30.0
"""For how many seconds of good responses that rate is kept."""

GUESS_SECONDS = 5.0
"""The same, if the rate was counted for less than a second, or was cut again too soon."""

GROWTH_PER_SECOND = 0.03
"""By how much it grows in a second after that."""

_WINDOW_SECONDS = 1.0
_LEAST = 0.1
"""The rate shrinks no further: it grows with each good response, so below this it would take hours to recover."""

_LIFTED_AT = 4.0


class FoundRate:
    """A bound that is cut when the server is busy, and that grows while responses are good.

    It stays just below what got through for half a minute, and then tries more. So a server with a fixed limit is used
    nearly to that limit and seldom gets more, and one that takes more again gets it after a minute.
    """

    def __init__(self, now: float) -> None:
        self.per_second: float | None = None
        """The bound; None if none was found."""

        self._good: deque[float] = deque()
        self._since_cut = 0
        self._cut_at = now
        self._first_good: float | None = None
        self._through = 0.0
        self._kept = 0.0
        self._looked_at = now
        self._hold = HOLD_SECONDS

    def note_good(self, now: float) -> None:
        """Count a good response, and grow."""
        if self._first_good is None:
            self._first_good = now
        self._good.append(now)
        self._since_cut += 1
        self._forget(now)
        if self.per_second is not None:
            self._grow(now, self.per_second)

    def cut(self, now: float, pause: float) -> None:
        """Bound the rate below what got through of late, or halve it if nothing did. Nothing is sent in the pause."""
        through = self._of_late(now)
        if through:
            is_early = self.per_second is not None and self._kept < GUESS_SECONDS
            is_short = self._first_good is not None and now - self._first_good < _WINDOW_SECONDS
            self._hold = GUESS_SECONDS if is_early or is_short else HOLD_SECONDS
            self._through = through
            self.per_second = max(_LEAST, through * CUT)
        elif self.per_second is not None:
            self.per_second = max(_LEAST, self.per_second / 2)
        self._since_cut, self._cut_at, self._first_good = 0, now, None
        self._kept, self._looked_at = 0.0, now + pause

    def _of_late(self, now: float) -> float:
        """Return how many requests a second got through of late."""
        self._forget(now)
        if self._good:
            return len(self._good) / _WINDOW_SECONDS
        return self._since_cut / max(_WINDOW_SECONDS, now - self._cut_at)

    def _forget(self, now: float) -> None:
        while self._good and self._good[0] <= now - _WINDOW_SECONDS:
            self._good.popleft()

    def _grow(self, now: float, rate: float) -> None:
        # Time in which nothing was sent shows nothing.
        passed = min(max(0.0, now - self._looked_at), max(_WINDOW_SECONDS, 2 / rate))
        self._kept += passed
        self._looked_at = max(self._looked_at, now)
        rate *= (1 + GROWTH_PER_SECOND) ** max(0.0, min(passed, self._kept - self._hold))
        # A bound far above what ever got through bounds nothing.
        self.per_second = None if rate > _LIFTED_AT * max(self._through, 1.0) else rate
