"""Whether a queue has room, as far as one who writes to it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .occurrences import Occurrence

if TYPE_CHECKING:
    from .occurrences import Hook
    from .queue import QueueFullError


class Room:
    """Tells when there is none any more, and when there is some again; what stays as it is, is told once."""

    def __init__(self, tell: Hook) -> None:
        self._tell = tell
        self.is_full = False

    def note(self, error: QueueFullError | None) -> bool:
        """Note that writing failed for want of room, or (None) that it did not; tell whether that is new."""
        if self.is_full == (error is not None):
            return False
        self.is_full = error is not None
        self._tell(Occurrence(kind="room") if error is None else Occurrence(kind="full", error=str(error)))
        return True
