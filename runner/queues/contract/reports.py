"""What a queue shows of itself: its state, its dead letters, everything that it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .audiences import Audience, Membership
    from .batches import DeadLetter, QueuedBatch, Reason
    from .puts import Checkpoint


@dataclass(frozen=True, slots=True)
class RunOutcomes:
    """What has happened to the events that one run put: delivered, dead by reason, still queued."""

    delivered: int = 0
    dead: Mapping[Reason, int] = field(default_factory=dict)
    queued: int = 0


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The state of one lane. Moments are seconds since 1970.

    `queued` counts events, in `batches`; `leased` counts those that are being sent. The next free batch is due at
    `next_due`; the oldest was accepted at `oldest_at`. `delivered` counts all time, `per_minute` the last five minutes.
    `stopped` says that nothing is sent until a person acts. `paused_until` is a pause that the server asked for.
    """

    account: str
    action: str
    queued: int = 0
    leased: int = 0
    batches: int = 0
    next_due: float | None = None
    oldest_at: float | None = None
    delivered: int = 0
    delivered_at: float | None = None
    per_minute: float = 0.0
    error: str | None = None
    error_at: float | None = None
    stopped: bool = False
    paused_until: float | None = None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The state of a queue: its lanes, its dead letters by reason, its size on disk, how many IDs it knows."""

    lanes: Sequence[LaneStatus]
    dead: Mapping[Reason, int]
    bytes: int = 0
    known_ids: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Selects dead letters: by ID, by reason, by moment (seconds since 1970), or all."""

    ids: Sequence[int] | None = None
    reason: Reason | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """Dead letters with the same message: their IDs, in ascending order, and from when to when they were put there."""

    reason: Reason
    message: str
    ids: Sequence[int]
    first_at: float
    last_at: float

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class KeptDeadLetter:
    """A dead letter in a queue: its ID, and when it was put there (seconds since 1970)."""

    id: int
    at: float
    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class ReplayBatch:
    """A batch made of dead letters. `ids` names the dead letter of each event; one may be named more than once."""

    ids: tuple[int, ...]
    queued: QueuedBatch


Replayed = Literal["queued", "queued before", "delivered before", "gone"]
"""What happened to an event of a replayed dead letter. `gone`: another process has replayed or discarded it."""


@dataclass(frozen=True, slots=True)
class ExportedBatch:
    """A queued batch as `export` yields it.

    `error` is why it waits; engines that keep them add the status and the request ID of the last response.
    """

    queued: QueuedBatch
    run: int
    attempts: int
    accepted_at: float
    due: float
    error: str | None = None
    status_code: int | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ExportedRecord:
    """A record as `export` yields it."""

    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class ExportedIds:
    """Some of the IDs that a queue knows, in the engine's own form, and when they came (seconds since 1970).

    If they are hashes, `salt` is what they were hashed with.
    """

    names: Sequence[bytes]
    at: float
    salt: bytes = b""


@dataclass(frozen=True, slots=True)
class ExportedMemberships:
    """An audience, and some of its memberships, in the order of their members, as `export` yields them."""

    audience: Audience
    memberships: Sequence[Membership]


Exported: TypeAlias = (
    "ExportedBatch | KeptDeadLetter | Checkpoint | ExportedRecord | ExportedMemberships | ExportedIds | LaneStatus"
)
"""One item of an export."""
