"""A partition that is being read, and its events on their way to the acceptor."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contract import Chunk, Fence
from .checkpoints import HALTED_PREFIX, Position, to_state
from .values import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import KafkaAddress


class Settled(NamedTuple):
    """A chunk that is no longer on its way: accepted up to a position, or refused or dropped (None)."""

    partition: int
    events: int
    bytes: int
    position: Position | None
    is_dropped: bool = False


@dataclass(slots=True)
class Partition:
    """One partition, from the moment it is assigned to the moment it is taken away.

    - `position`: what follows all that was read; None until it is known where to continue.
    - `state`: the checkpoint that is stored once all chunks before are accepted.
    - `end`: where a range ends. `messages` were read and not handed over, `bytes` is their size.
    - `is_fetched`: whether the consumer fetches it. `is_gone`: it belongs to another consumer.
    - `refused_at`: an offset that the brokers do not give; `refused_before`: one that they did not give once.
    - `try_at`: when to ask where to continue.
    """

    number: int
    name: str
    key: str
    position: Position | None = None
    state: bytes | None = None
    end: int | None = None
    messages: list[Any] = field(default_factory=list)
    bytes: int = 0
    is_fetched: bool = False
    is_gone: bool = False
    refused_at: int | None = None
    refused_before: int | None = None
    try_at: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether it is read to the end of its range."""
        return self.end is not None and self.position is not None and self.position.offset >= self.end

    def take(self, message: Any) -> tuple[int, int]:
        """Take a message, unless it was read before or comes after the range; return how many it was, and its bytes."""
        offset = message.offset()
        # A message from before a rebalance may come late.
        if self.position is None or offset < self.position.offset:
            return 0, 0
        if self.end is not None and offset >= self.end:
            self.reach_end()
            return 0, 0
        self.position = Position(offset + 1, self.position.topic, message.leader_epoch())
        self.messages.append(message)
        size = len(message)
        self.bytes += size
        return 1, size

    def reach_end(self) -> None:
        """Note that nothing more of the range comes: markers of transactions have offsets, and what was compacted."""
        if self.position is not None and self.end is not None and self.position.offset < self.end:
            self.position = Position(self.end, self.position.topic, self.position.epoch)

    def refuse(self, *, is_sure: bool) -> None:
        """Note that the brokers did not give what comes next; at the second time it counts, or if it `is_sure`."""
        if self.position is not None:
            offset = self.position.offset
            if is_sure or self.refused_before == offset:
                self.refused_at = offset
            self.refused_before = offset

    def reset(self) -> None:
        """Forget what was read and not handed over, and where to continue."""
        self.messages, self.bytes = [], 0
        self.position = self.state = None

    def chunk(self, settled: Callable[[Settled], None]) -> tuple[Chunk, int]:
        """Return what was read since the last chunk, and how many messages had no value."""
        assert self.position is not None  # noqa: S101 - likewise
        values, size, position = Values(), self.bytes, self.position
        for message in self.messages:
            values.add(message.offset(), message.value(), message.headers())
        count, self.messages, self.bytes = len(self.messages), [], 0
        state = to_state(position)

        def note(is_accepted: bool) -> None:
            settled(Settled(self.number, count, size, position if is_accepted else None))

        chunk = Chunk(
            self.name,
            self.key,
            unit="offset",
            texts=values.texts,
            places=values.places,
            unreadable=values.unreadable,
            checkpoint=state,
            is_end=self.is_done,
            fence=Fence(self.state, note),
            # It is read again.
            records={f"{HALTED_PREFIX}{self.name}": None},
        )
        self.state = state
        return chunk, values.tombstones


class HandOver:
    """Chunks on their way from the thread of the consumer to the event loop. A few calls, each atomic."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._items: deque[tuple[Partition | None, Chunk, int, int]] = deque()
        self.settled: deque[Settled] = deque()

    def put(self, partition: Partition | None, chunk: Chunk, messages: int, size: int) -> None:
        """Hand over a chunk."""
        self._items.append((partition, chunk, messages, size))
        self._wake()

    def take(self) -> Chunk | None:
        """Return the next chunk; None if there is none. What belongs to another consumer now is dropped."""
        while self._items:
            partition, chunk, messages, size = self._items.popleft()
            if partition is not None and partition.is_gone:
                self.settled.append(Settled(partition.number, messages, size, None, is_dropped=True))
                continue
            return chunk
        return None


def new_partition(address: KafkaAddress, key: str, number: int) -> Partition:
    """Return a partition that was just assigned."""
    return Partition(number, f"kafka:{address.topic}/{number}", key)
