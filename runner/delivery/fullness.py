"""Whether the queue is full, as far as those who write to it know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .notices import Notice

if TYPE_CHECKING:
    from ..queues.contract import QueueFullError
    from .notices import Observer


class Fullness:
    """Notifies once when the queue is full for one of its writers, and once when it has room again for all of them.

    `writers` names those that cannot write.
    """

    def __init__(self, notify: Observer) -> None:
        self.writers: set[str] = set()
        self._notify = notify

    def failed(self, writer: str, error: QueueFullError) -> None:
        """Note that writing failed because the queue is full."""
        if not self.writers:
            self._notify(Notice(kind="full", error=str(error)))
        self.writers.add(writer)

    def succeeded(self, writer: str) -> None:
        """Note that one of `writers` can write again."""
        self.writers.remove(writer)
        if not self.writers:
            self._notify(Notice(kind="room"))
