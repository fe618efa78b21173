"""The seam between accepting events and sending them: what is put, leased and settled, and what a queue does with it.

There are two queues: the outbox, which survives everything, and one in memory, which survives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from ...definitions import AnswerError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from ...definitions import DestinationError, EventBatch, PlannedRequest, Problem

Reason = Literal["unreadable", "rejected", "refused", "exhausted"]
"""Why a usage event is a dead letter."""

Outcome = Literal["delivered"] | Reason
"""What became of a usage event in the end."""

State = Literal["queued"] | Outcome
"""Where a usage event is."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the events of a batch come from: the name of a source, or one for each event, and their lines."""

    sources: tuple[str, ...]
    lines: tuple[int, ...]

    def at(self, position: int) -> tuple[str, int]:
        """Give the source and the line of one event."""
        return self.sources[0 if len(self.sources) == 1 else position], self.lines[position]

    def part(self, positions: Sequence[int]) -> Places:
        """Give the places of some of the events."""
        sources = self.sources if len(self.sources) == 1 else tuple([self.sources[at] for at in positions])
        return Places(sources, tuple([self.lines[at] for at in positions]))


@dataclass(frozen=True, slots=True)
class QueuedBatch:
    """Usage events on their way to an account. All that goes to one action of it is a lane.

    `request` is the one that carries them, where it is at hand; it can always be built again.
    """

    account: str
    batch: EventBatch
    places: Places
    request: PlannedRequest | None = field(default=None, repr=False, compare=False)

    @property
    def lane(self) -> str:
        """The name of the lane, which fails and recovers by itself."""
        return lane_name(self.account, self.batch.action)

    def __len__(self) -> int:
        """Count the events."""
        return len(self.batch)

    def part(self, positions: Sequence[int]) -> QueuedBatch:
        """Give some of the events, by their positions."""
        return QueuedBatch(self.account, self.batch.part(positions), self.places.part(positions))


def lane_name(account: str, action: str) -> str:
    """Name the lane of an account's action."""
    return f"{account} {action}"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: a usage event that did not arrive, or what should have been an event, and why.

    `event` is what was read, `payload` what was sent of it (JSON), where it came so far.
    """

    reason: Reason
    message: str
    source: str
    line: int
    event: bytes | None
    account: str = ""
    action: str | None = None
    subscription: str | None = None
    key: str | None = None
    payload: bytes | None = None
    problems: tuple[Problem, ...] = ()
    status_code: int | None = None
    request_id: str | None = None


def letter_of(queued: QueuedBatch, position: int, error: DestinationError, reason: Reason) -> Letter:
    """Make the dead letter of one event of a batch."""
    batch = queued.batch
    source, line = queued.places.at(position)
    answer = error if isinstance(error, AnswerError) else None
    return Letter(
        reason,
        error.message,
        source,
        line,
        batch.events.kept[position],
        account=queued.account,
        action=batch.action,
        subscription=batch.subscriptions[position],
        key=batch.idempotency_keys[position],
        payload=batch.payloads.part([position]).text[1:-1],
        problems=error.problems,
        status_code=None if answer is None else answer.status_code,
        request_id=None if answer is None else answer.request_id,
    )


@dataclass(frozen=True, slots=True)
class Position:
    """How far a source has been accepted: all that begins before `line`.

    It is known by the digest of the first `size` bytes, which had been read by then.
    """

    key: str
    name: str
    line: int
    size: int
    digest: bytes
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Reread:
    """A text that is read again, since its file has grown. What was unreadable there may have been its beginning."""

    account: str
    source: str
    line: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Everything that is accepted together or not at all.

    A dead letter that holds no more than the beginning of what is `reread` is none any more: what has become of that
    is accepted here.
    """

    batches: Sequence[QueuedBatch] = ()
    letters: Sequence[Letter] = ()
    positions: Sequence[Position] = ()
    reread: Sequence[Reread] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """A batch that is ours to send, until the lease is settled or expires.

    `attempts` counts those that failed. Batches that share one of the `order_keys` must be sent one after the other, in
    the order in which they were leased.
    """

    id: int
    queued: QueuedBatch
    attempts: int
    accepted_at: float
    order_keys: frozenset[Hashable] = frozenset()


@dataclass(frozen=True, slots=True)
class Leases:
    """What a lease came to: batches, and for how many seconds nothing may be sent in the lanes that must pause."""

    batches: Sequence[Lease] = ()
    pauses: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a leased batch, by the positions of its events. What is not named goes back as it was.

    `retry` holds positions to send again at the moment `due` (seconds since 1970), since `error` happened; `attempts`
    of them have failed since the batch was leased.
    """

    lease: Lease
    delivered: Sequence[int] = ()
    dead: Mapping[int, Letter] = field(default_factory=dict)
    retry: Sequence[int] = ()
    due: float = 0.0
    attempts: int = 0
    error: AnswerError | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of the usage events that one run put; `dead` counts by reason.

    `duplicates` counts, by where it is now, the usage events that were there already under the same id, `earlier` what
    became of those that other runs had put and this one has settled.
    """

    delivered: int
    dead: Mapping[Reason, int]
    queued: int
    duplicates: Mapping[State, int]
    earlier: Mapping[Outcome, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is in some lanes: batches, usage events, batches that are leased, and when the next of the others may go."""

    batches: int
    events: int
    leased: int
    next_due: float | None


class QueueFullError(Exception):
    """The queue takes nothing for now, and says why. Nothing of what should have been put was put.

    `advice` tells a person what to do.
    """

    advice = "make room"


class QueueLockedError(QueueFullError):
    """Another program has the queue to itself, and does not let go."""

    advice = "end the program that holds it"


class Queue(Protocol):
    """A queue of batches by lane. Everything may be asked by several tasks, and of the outbox by several processes."""

    @property
    def is_durable(self) -> bool:
        """Whether what is put outlives the process."""

    async def put(self, acceptance: Acceptance) -> list[int]:
        """Accept batches, dead letters and how far a source was read, all or nothing.

        A usage event whose id is known to its account already is put once and counted. Returns when it is safe, and
        tells how many events of each batch were put. Raises QueueFullError.
        """

    async def lease(self, most: Mapping[str, int]) -> Leases:
        """Lease up to so many batches of each lane that are due, oldest first; none of a lane that must pause.

        A batch waits while one that shares an order key with it is leased by another process, or waits before it.
        """

    async def settle(self, settlement: Settlement) -> None:
        """Note what became of a leased batch."""

    async def position(self, key: str) -> Position | None:
        """Tell how far a source has been accepted; None when it is not known."""

    async def note_stop(self, account: str, action: str, error: str | None) -> None:
        """Note why a lane has stopped, or (None) that it goes on."""

    async def note_pause(self, account: str, action: str, until: float) -> None:
        """Note until when (seconds since 1970) no run may send anything in a lane. Raises QueueFullError."""

    async def waiting(self, lanes: Sequence[str]) -> Waiting:
        """Tell what there is in some lanes that is not settled."""

    async def leave(self, error: AnswerError | None) -> None:
        """Know that the run ends, early where there is an error. What is not settled stays, where that can be."""

    async def fate(self) -> Fate:
        """Tell what has become of what this run put."""
