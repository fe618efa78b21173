"""A partition that is being read, and its events on their way to the acceptor."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contract import Chunk, Fence
from .checkpoints import HALTED_PREFIX, LOST_END, Position, read_position, to_state
from .damage import Damage
from .values import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from .accounts import AccountFilter
    from .address import KafkaAddress


SECONDS_TO_STICK = 60.0
"""How long nothing comes of a partition before it is fetched again."""


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
    - `low`: the oldest offset when it was looked for.
    - `is_fetched`: whether the consumer fetches it. `is_gone`: it belongs to another consumer.
    - `refused_at`: an offset that the brokers do not give; `refused_before`: one that they did not give once; `refusal`
      is what the client says of it. `damage`: the batch that could not be read.
    - `try_at`: when to ask where to continue. `silent`: since when nothing has come, and after which offset.
    - `accounts`: chooses the messages of one account.
    """

    number: int
    name: str
    key: str
    position: Position | None = None
    state: bytes | None = None
    end: int | None = None
    messages: list[Any] = field(default_factory=list)
    bytes: int = 0
    low: int = 0
    is_fetched: bool = False
    is_gone: bool = False
    refused_at: int | None = None
    refused_before: int | None = None
    refusal: str = ""
    damage: Damage | None = None
    try_at: float = 0.0
    silent: tuple[float, int] | None = None
    accounts: AccountFilter | None = None

    @property
    def is_done(self) -> bool:
        """Whether it is read to the end of its range."""
        return self.end is not None and self.position is not None and self.position.offset >= self.end

    @property
    def fetched_from(self) -> Position:
        """Where to fetch: a message earlier if its leader epoch is known, which shows whether it is still the same."""
        assert self.position is not None  # noqa: S101 - it is fetched only then
        offset, topic, epoch = self.position.offset, self.position.topic, self.position.epoch
        return Position(offset - 1, topic, epoch) if epoch is not None and offset > self.low else self.position

    def finds_other(self, message: Any) -> bool:
        """Return whether a message has another leader epoch than when it was read before, and note that it is refused.

        The client compares epochs itself, but only when it learns of a new leader while it reads.
        """
        if self.position is None or self.position.epoch is None or message.offset() != self.position.offset - 1:
            return False
        if (epoch := message.leader_epoch()) == self.position.epoch:
            return False
        self.refuse(f"{LOST_END}; offset {message.offset():,} has leader epoch {epoch} now", is_sure=True)
        return True

    def take(self, message: Any) -> tuple[int, int]:
        """Take a message, unless it was read before or comes after the range; return how many it was, and its bytes."""
        offset = message.offset()
        # The message before, or one from before a rebalance that comes late.
        if self.position is None or offset < self.position.offset:
            return 0, 0
        if self.end is not None and offset >= self.end:
            self.reach_end(offset)
            return 0, 0
        self.position = Position(offset + 1, self.position.topic, message.leader_epoch())
        self.messages.append(message)
        size = len(message)
        self.bytes += size
        return 1, size

    def reach_end(self, offset: int) -> None:
        """Note that nothing comes before an offset: markers of transactions have offsets, and what was compacted."""
        if self.position is not None and self.end is not None and self.position.offset < self.end <= offset:
            self.position = Position(self.end, self.position.topic, self.position.epoch)

    def note_damage(self, error: str) -> None:
        """Note that the batch that comes next cannot be read."""
        if self.position is not None:
            offset = self.position.offset
            self.damage = Damage(offset, error) if self.damage is None else self.damage.again(offset, error)

    def cut_off_beyond(self, end: int | None) -> tuple[int, int]:
        """Drop messages with offsets after the end of the partition, which only damage can give.

        Return how many there were, and their bytes.
        """
        if self.position is None or end is None or self.position.offset <= end or self.state is None:
            return 0, 0
        good = [message for message in self.messages if message.offset() < end]
        dropped = self.messages[len(good) :]
        size = sum(map(len, dropped))
        before = Position(good[-1].offset() + 1, "", good[-1].leader_epoch()) if good else read_position(self.state)
        self.position = Position(before.offset, self.position.topic, before.epoch)
        self.note_damage(f"a message has offset {dropped[0].offset():,}, and the partition ends at {end:,}")
        self.messages, self.bytes = good, self.bytes - size
        return len(dropped), size

    def is_stuck(self, now: float, lag: int) -> bool:
        """Return whether nothing has come for long, although there is something; it is asked now and then."""
        if self.position is None or not self.is_fetched or not lag:
            self.silent = None
        elif self.silent is None or self.silent[1] != self.position.offset:
            self.silent = now, self.position.offset
        elif now - self.silent[0] > SECONDS_TO_STICK:
            self.silent = None
            return True
        return False

    def refuse(self, refusal: str, *, is_sure: bool = False) -> None:
        """Note why what comes next is not read; at the second time it counts, or if it `is_sure`."""
        if self.position is not None:
            self.refusal = refusal
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
        values, size, position = Values(accounts=self.accounts), self.bytes, self.position
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


def new_partition(address: KafkaAddress, key: str, number: int, accounts: AccountFilter | None) -> Partition:
    """Return a partition that was just assigned. Of several accounts, each reads it, so its name has theirs."""
    of = "" if accounts is None else f" {accounts.name}"
    return Partition(number, f"kafka:{address.topic}/{number}{of}", key, accounts=accounts)
