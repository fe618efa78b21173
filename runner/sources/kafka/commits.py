"""How far partitions were accepted, and how much of that was committed to Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .address import KafkaAddress
    from .checkpoints import Position


class Commits:
    """Positions to commit. Nothing is committed without a group, for a range, or for an outbox without a name."""

    def __init__(self, address: KafkaAddress, outbox: str) -> None:
        self._is_on = bool(outbox and address.group and not address.range)
        self._accepted: dict[int, Position] = {}
        self._committed: dict[int, Position] = {}

    def accept(self, partition: int, position: Position) -> None:
        """Note that everything before a position is in the outbox."""
        self._accepted[partition] = position

    def forget(self, partition: int) -> None:
        """Forget a partition that is taken away."""
        self._accepted.pop(partition, None)
        self._committed.pop(partition, None)

    def due(self, partitions: Iterable[int] | None = None) -> dict[int, Position]:
        """Return how far partitions were accepted beyond what was committed; of all partitions, or of some."""
        if not self._is_on:
            return {}
        numbers = self._accepted if partitions is None else [at for at in partitions if at in self._accepted]
        return {at: self._accepted[at] for at in numbers if self._committed.get(at) != self._accepted[at]}

    def commit(self, positions: Mapping[int, Position]) -> None:
        """Note that positions were committed."""
        self._committed.update(positions)
