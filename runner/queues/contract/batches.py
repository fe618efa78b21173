"""Batches and what happens to their events: leased, settled, dead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from ....definitions import AnswerError
from ...sources.contract import Origin

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from ....definitions import DestinationError, EventBatch, PlannedRequest, Problem
    from ...sources.contract import Unit


Reason = Literal["unreadable", "rejected", "refused", "exhausted"]
"""Why a usage event is a dead letter."""


Outcome = Literal["delivered"] | Reason
"""The final state of a usage event."""


State = Literal["queued"] | Outcome
"""The present state of a usage event."""


LEASE_SECONDS = 60.0
"""How long a lease lasts unless it is renewed."""


LONGEST_PAUSE_SECONDS = 24 * 3600.0
"""No pause of a lane, and no wait for a retry, is longer than this."""


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins of the events of a batch, as columns.

    `places` has one item per event. `sources` and `units` have one item per event, or a single one for all of them.
    """

    sources: tuple[str, ...]
    places: tuple[int, ...]
    units: tuple[Unit, ...] = ("line",)

    def at(self, position: int) -> Origin:
        """Return the origin of one event."""
        source = self.sources[0 if len(self.sources) == 1 else position]
        return Origin(source, self.places[position], self.units[0 if len(self.units) == 1 else position])

    def part(self, positions: Sequence[int]) -> Origins:
        """Return the origins of some of the events, by their positions."""
        sources = self.sources if len(self.sources) == 1 else tuple([self.sources[at] for at in positions])
        units = self.units if len(self.units) == 1 else tuple([self.units[at] for at in positions])
        return Origins(sources, tuple([self.places[at] for at in positions]), units)


class Lane(NamedTuple):
    """The way to one action of an account. A lane fails, pauses and recovers by itself."""

    account: str
    action: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What an engine stores of a batch, made before by a process that planned it for this engine.

    `size`: the bytes of events and payloads; `names`: what the engine makes of each ID; `columns`: its own. An engine
    may make names and columns itself (None, and none).
    """

    size: int
    names: Sequence[Hashable | None] | None = None
    columns: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class QueuedBatch:
    """Usage events of one lane that go out in one request.

    `request` is the request that carries them, if it is still in memory; it can always be built again. `prepared` is
    what the engine stores, if it has been made. `lane` is the lane of the batch, `count` the number of its events, and
    `size` the bytes of events and payloads.
    """

    account: str
    batch: EventBatch
    origins: Origins
    request: PlannedRequest | None = field(default=None, repr=False, compare=False)
    prepared: Prepared | None = field(default=None, repr=False, compare=False)
    lane: Lane = field(init=False, compare=False)
    count: int = field(init=False, compare=False)
    size: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what every stage asks a batch about."""
        object.__setattr__(self, "lane", Lane(self.account, self.batch.action))
        object.__setattr__(self, "count", len(self.batch.indexes))
        if self.prepared is not None:
            size = self.prepared.size
        else:
            size = len(self.batch.payloads.text) + sum(map(len, self.batch.events.kept))
        object.__setattr__(self, "size", size)

    def part(self, positions: Sequence[int]) -> QueuedBatch:
        """Return some of the events, by their positions."""
        return QueuedBatch(self.account, self.batch.part(positions), self.origins.part(positions))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A usage event that was not delivered, or text that should have been an event, and why.

    `event` is what was read and `payload` what was sent of it, both as JSON text, as far as the event came.
    `key` is the ID of the event, `path` the absolute path of its file (the name in `origin` may be that of two files).

    `recurs` says that its source can be read again: if the same text comes again from the same place of the same file,
    or under the same ID, one dead letter is kept. Equal texts at one place are told apart by `occurrence`, and those of
    files that had the same path one after the other, as a log has that begins again each day, by `generation`. If the
    source cannot be read again, each is kept, since two requests or two runs of a pipe may well bring equal text.
    """

    reason: Reason
    message: str
    origin: Origin
    event: bytes | None
    account: str = ""
    action: str | None = None
    subscription: str | None = None
    key: str | None = None
    payload: bytes | None = None
    problems: tuple[Problem, ...] = ()
    status_code: int | None = None
    request_id: str | None = None
    path: str = ""
    recurs: bool = field(default=False, compare=False)
    occurrence: int = field(default=0, compare=False)
    generation: str = field(default="", compare=False)

    @property
    def size(self) -> int:
        """The bytes of its texts."""
        return len(self.message) + len(self.event or b"") + len(self.payload or b"")


def dead_letter_of(queued: QueuedBatch, position: int, error: DestinationError, reason: Reason) -> DeadLetter:
    """Return the dead letter of one event of a batch."""
    batch = queued.batch
    answer = error if isinstance(error, AnswerError) else None
    return DeadLetter(
        reason,
        error.message,
        queued.origins.at(position),
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
class Lease:
    """A batch that the caller may send until the lease is settled or expires.

    `attempts` counts failed attempts so far, `run` is the run that put the batch, `accepted_at` is in seconds since
    1970.
    """

    id: int
    queued: QueuedBatch
    attempts: int
    accepted_at: float
    run: int


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """What is in a lane after a lease.

    `batches` and `events` count everything that is not settled, leased or not; `leased_elsewhere` counts batches that
    other living processes have leased. `next_due` is the moment (seconds since 1970) at which the next batch that is
    free may be leased, None if there is none. `pause` is how many seconds nothing may be sent in the lane.
    """

    batches: int = 0
    events: int = 0
    leased_elsewhere: int = 0
    next_due: float | None = None
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Leased:
    """The answer to a lease: batches in the order in which they were put, and the depth of each lane asked for."""

    leases: Sequence[Lease] = ()
    depths: Mapping[Lane, LaneDepth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of sending a leased batch, by the positions of its events. Positions that are not named stay queued.

    `retry` holds positions to send again at `due` (seconds since 1970) because of `error`; `attempts` counts the
    failed attempts since the lease.
    """

    lease: Lease
    delivered: Sequence[int] = ()
    dead: Mapping[int, DeadLetter] = field(default_factory=dict)
    retry: Sequence[int] = ()
    due: float = 0.0
    attempts: int = 0
    error: AnswerError | None = None
