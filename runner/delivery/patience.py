"""How long a run waits for what only others can change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clock import Clock


class Patience:
    """Knows since when a run is idle, and since when nothing can be leased because the queue is full.

    Other processes may hold what is left, or have filled the queue, and may do so for ever. So a run ends when either
    lasts longer than `longest_wait` seconds. None: it waits for ever. `is_idle` says
    whether it is idle, `cannot_lease` whether the last lease failed.
    """

    def __init__(self, clock: Clock, longest_wait: float | None) -> None:
        self._clock = clock
        self._longest_wait = longest_wait
        self.is_idle = False
        self._idle_since = 0.0
        self.cannot_lease = False
        self._full_since = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the run has been idle for longer than it may."""
        return self.is_idle and self.ends_with(self._clock.monotonic() - self._idle_since)

    def ends_with(self, wait: float) -> bool:
        """Return whether so many seconds are longer than the run may wait."""
        return self._longest_wait is not None and wait > self._longest_wait

    def look(self, *, is_idle: bool) -> None:
        """Note that the run became idle (nothing is being sent or could be leased), or that it is no more."""
        self.is_idle, self._idle_since = is_idle, self._clock.monotonic()

    def leased(self) -> None:
        """Note that a lease was written."""
        self.cannot_lease = False

    def ends_with_failed_lease(self) -> bool:
        """Note that a lease could not be written. Return whether none could for longer than the run may wait."""
        now = self._clock.monotonic()
        if not self.cannot_lease:
            self.cannot_lease, self._full_since = True, now
        return self.ends_with(now - self._full_since)
