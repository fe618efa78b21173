"""Whether a queue has room, as far as those who write to it know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .notices import Occurrence

if TYPE_CHECKING:
    from ..queues.contract import QueueFullError
    from .notices import Hook


class Room:
    """Tells when there is none any more for one of those who write, and when there is some again for all of them.

    What stays as it is, is told once.
    """

    def __init__(self, tell: Hook) -> None:
        self._tell = tell
        self._lacking: set[str] = set()

    def note(self, writer: str, error: QueueFullError | None) -> bool:
        """Note that writing failed for want of room, or (None) that it did not; tell whether that is new of it."""
        if (writer in self._lacking) == (error is not None):
            return False
        was_lacking = bool(self._lacking)
        if error is None:
            self._lacking.remove(writer)
        else:
            self._lacking.add(writer)
        if was_lacking != bool(self._lacking):
            self._tell(Occurrence(kind="room") if error is None else Occurrence(kind="full", error=str(error)))
        return True
