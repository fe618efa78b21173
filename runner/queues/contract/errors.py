"""The errors of queues. QueueLockedError is a QueueFullError: both pass if one waits."""

from __future__ import annotations


class QueueFullError(Exception):
    """The queue cannot take more at the moment, and says why. Nothing of what was to be put was put.

    `advice` says what a person can do.
    """

    advice = "make room"


class QueueLockedError(QueueFullError):
    """Another program has locked the queue and does not let go."""

    advice = "end the program that holds it"


class CheckpointMovedError(Exception):
    """Another reader of the same source has stored a checkpoint under `key` meanwhile. Nothing was put."""

    def __init__(self, key: str) -> None:
        super().__init__(f"another process has accepted more of this source: {key}")
        self.key = key


class QueueOpenError(Exception):
    """A queue cannot be opened, or not be used any more; the message says why, and what to do."""
