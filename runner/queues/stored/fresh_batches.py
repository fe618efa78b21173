"""The batches that this process has put and nobody has leased: they need not be read from the file again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..contract import QueuedBatch

_MOST_BYTES = 16_000_000


class FreshBatches:
    """Holds up to 16 MB of them. They are a copy: only the file says what is queued."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Hold nothing."""
        self._held: dict[int, tuple[QueuedBatch, int]] = {}
        self._bytes = 0

    def add(self, number: int, queued: QueuedBatch, size: int) -> None:
        """Hold a batch of so many bytes, in place of the oldest ones: another process may have sent these."""
        while self._held and self._bytes + size > _MOST_BYTES:
            self.take(next(iter(self._held)))
        self._held[number] = queued, size
        self._bytes += size

    def take(self, number: int) -> QueuedBatch | None:
        """Return a batch, and hold it no longer; None if it is not here."""
        queued, size = self._held.pop(number, (None, 0))
        self._bytes -= size
        return queued
