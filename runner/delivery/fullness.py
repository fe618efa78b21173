"""Whether the queue is full, as far as those who write to it know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...definitions import StoppedError
from .notices import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..queues.contract import QueueFullError
    from .notices import Observer


LONGEST_WAIT_FOR_ROOM = 30.0
"""How long a writer waits, at most, before it tries again to write to a full queue."""


class Fullness:
    """Notifies once when the queue is full for one of its writers, and once when it has room again for all of them.

    `writers` names those that cannot write. `began` is called when there is one more of them.
    """

    def __init__(self, notify: Observer, began: Callable[[], None] = lambda: None) -> None:
        self.writers: set[str] = set()
        self._notify = notify
        self._began = began

    def failed(self, writer: str, error: QueueFullError) -> None:
        """Note that writing failed because the queue is full."""
        if not self.writers:
            self._notify(Notice(kind="full", error=str(error)))
        if writer not in self.writers:
            self.writers.add(writer)
            self._began()

    def succeeded(self, writer: str) -> None:
        """Note that one of `writers` can write again."""
        self.writers.remove(writer)
        if not self.writers:
            self._notify(Notice(kind="room"))


def full(error: QueueFullError) -> StoppedError:
    """Return the error of a run that cannot continue because the queue is full."""
    return StoppedError(
        f"the outbox accepts no more events: {error}; what it has is kept, so {error.advice} and run again"
    )
