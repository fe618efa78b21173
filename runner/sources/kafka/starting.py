"""Where the reading of a partition begins: at its checkpoint, at a commit, or where the address says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .checkpoints import Committed, Gap, Position, read_position, resume
from .damage import MOST_TRIES, Damage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..contract import FoundCheckpoint
    from .address import KafkaAddress
    from .checkpoints import Log
    from .client import TopicClient
    from .partition import Partition


class Starting:
    """Finds out where partitions begin. `topic_id` is the topic's ID at the moment."""

    def __init__(
        self,
        client: TopicClient,
        address: KafkaAddress,
        outbox: str,
        find: Callable[[Sequence[str]], Sequence[FoundCheckpoint | None]],
    ) -> None:
        self.topic_id = client.topic_id()
        self._client = client
        self._address = address
        self._outbox = outbox
        self._find = find

    def bound(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Return the partitions of a range, and the offset at which each ends."""
        begin, end = self._address.begin, self._address.end
        for bound in (begin, end):
            if bound is not None and bound.offsets:
                numbers = [number for number in numbers if number in bound.offsets]
        ends = {}
        for number in numbers:
            log = self._client.log(number, self.topic_id)
            ends[number] = log.high if end is None else min(log.high, self._client.offset_at(end, number, log))
        return ends

    def places(
        self, partitions: Sequence[Partition]
    ) -> Iterator[tuple[Partition, FoundCheckpoint | None, Position | Gap, Log]]:
        """Yield for each partition its checkpoint, where to continue or why it cannot, and what the partition holds."""
        # The topic may be another one of the same name by now.
        self.topic_id = self._client.topic_id() or self.topic_id
        stored = self._find([found.key for found in partitions])
        commits: Mapping[int, Committed] = {}
        if self._address.group and not self._address.range:
            commits = self._client.committed([found.number for found in partitions])
        for found, checkpoint in zip(partitions, stored, strict=True):
            log = self._client.log(found.number, self.topic_id)
            position = None if checkpoint is None else read_position(checkpoint.state)
            place = resume(position, commits.get(found.number, Committed()), log, self._outbox)
            if place is None:
                place = self._first(found.number, log)
            if isinstance(place, Position) and place.offset == found.refused_at:
                place = Gap(found.refusal)
            damage = found.damage
            if isinstance(place, Position) and damage is not None and damage.tries >= MOST_TRIES:
                place = self._after(damage, found.number, log) if place.offset == damage.offset else place
            yield found, checkpoint, place, log

    def _after(self, damage: Damage, partition: int, log: Log) -> Gap:
        """Return the gap that a damaged batch makes. Its end is looked for only if the address says to continue."""
        reason = f"the batch of messages at offset {damage.offset:,} is damaged: {damage.error}"
        if not self._address.continues:
            return Gap(reason)
        then = self._client.offset_after(damage.offset, partition, log)
        return Gap(f"{reason}; it can be read again at offset {then:,}", then - damage.offset, then)

    def _first(self, partition: int, log: Log) -> Position | Gap:
        """Return where a partition begins that was never read."""
        offset = self._client.offset_at(self._address.begin or self._address.start, partition, log)
        if offset < log.low:
            lost = log.low - offset
            return Gap(f"Kafka has deleted the first {lost:,} offsets of the range; it begins at {log.low:,} now", lost)
        return Position(min(offset, log.high), log.topic)
