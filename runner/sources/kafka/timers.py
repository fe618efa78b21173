"""What the reader does now and then."""

from __future__ import annotations


class Timers:
    """Says for each thing whether it is due."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    def is_due(self, what: str, now: float, seconds: float) -> bool:
        """Return whether something is due, and note that it happens now."""
        if now - self._times.get(what, -seconds) < seconds:
            return False
        self._times[what] = now
        return True
