"""What an engine does: it stores. The rules are `EngineQueue`'s (queue.py), the same for every engine.

An engine runs operations in transactions, and gives each of them its tables. Engines register under the entry point
group `kable_destination.queues`: the name is the scheme of the URLs that they open, the value is an `OpenEngine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..delivery.clock import Clock
    from .audience_tables import AudienceTables
    from .contract import (
        Checkpoint,
        DeadLetter,
        DeadLetterFilter,
        DeadLetterGroup,
        Exported,
        KeptDeadLetter,
        Lane,
        LaneStatus,
        Lease,
        Outcome,
        QueuedBatch,
        Reason,
        RereadText,
        Settlement,
        Token,
    )

T = TypeVar("T")

EVERY_SHARD = -1
"""The shard of an ordered batch from before there were shards: it is in order with all ordered batches of its lane."""


class Candidate(NamedTuple):
    """A queued batch, as the rules see it when they choose what to lease.

    `wait` is how many seconds `due` was away when it was set; 0 if the batch was never postponed.
    """

    id: int
    shard: int | None
    accepted_at: float
    due: float
    owner: str | None = None
    leased_until: float = 0.0
    wait: float = 0.0


class Pause(NamedTuple):
    """Until when a lane is paused, and how many seconds away that was when it was set."""

    until: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to open an engine.

    `create`: whether to make a queue if there is none. `read_only`: nothing is written, not even a migration (status
    and lists work on a queue that one may only read). `busy_seconds`: how long another program may lock the queue.
    """

    clock: Clock
    create: bool = True
    read_only: bool = False
    busy_seconds: float = 60.0


class Tables(Protocol):
    """What an operation can do within its transaction.

    A *name* is what the engine makes of an ID (see `names`): short, hashable, unique within an account. An *identity*
    is what keeps a dead letter from being stored twice. Moments are seconds since 1970.
    """

    def moment(self, now: float) -> float:
        """Return the moment of this operation: the engine's own, if it has a clock that all machines share; else `now`.

        `now` is the moment by the caller's clock.
        """

    @property
    def audiences(self) -> AudienceTables:
        """The tables of audiences."""

    # IDs

    def salt(self) -> bytes | None:
        """Return with what names are made, for processes that prepare batches; None if only the engine makes them."""

    def names(self, account: str, keys: Sequence[str | None]) -> Sequence[Hashable | None]:
        """Return the name of each ID; None for an event without an ID."""

    def known(self, account: str, names: AbstractSet[Hashable]) -> Mapping[Hashable, int]:
        """Return the names that are known, each with the batch that brought it last (or any that is gone)."""

    def holds(self, batch: int, key: str) -> bool:
        """Return whether a batch is still queued and holds the event with this ID, or any event (no ID)."""

    def dead_reason(self, account: str, name: Hashable) -> Reason | None:
        """Return why the event with this name is a dead letter; None if it is none."""

    def dead_event(self, account: str, name: Hashable) -> bytes | None:
        """Return the event of the dead letter whose identity is that of a name; None if it is not kept."""

    def forget(self, identities: Collection[Hashable]) -> None:
        """Forget the IDs of the events whose dead letters have these identities."""

    # Puts

    def last_put(self, run: int) -> tuple[int, bytes] | None:
        """Return the number and the result of the last put of a run."""

    def note_put(self, token: Token, result: bytes, now: float) -> None:
        """Store the number and the result of the last put of a run."""

    def queued_bytes(self) -> Mapping[str, int]:
        """Return the bytes of all queued events and payloads, for each account that has some."""

    def queued_events(self) -> Mapping[str, int]:
        """Return how many events are queued, for each account that ever had some, without counting them one by one."""

    def add_batch(self, queued: QueuedBatch, names: Sequence[Hashable | None], run: int, now: float) -> int:
        """Queue a batch, due now, remember its names, and return its ID. IDs grow."""

    def note_contents(self, batch: int, names: Sequence[Hashable | None], digests: Sequence[bytes], now: float) -> None:
        """Remember a digest of the content of each event that a batch has brought, for as long as its name."""

    def content(self, batch: int, name: Hashable) -> bytes | None:
        """Return the digest of the event with this name that a batch has brought; None if it is not remembered."""

    def put_checkpoint(self, checkpoint: Checkpoint, now: float) -> None:
        """Store how far a source was accepted."""

    def replace_checkpoint(self, checkpoint: Checkpoint, expected: bytes | None, now: float) -> bool:
        """Store a checkpoint only if the stored state is `expected` (None: none is stored); return whether it was.

        Of two transactions at the same time that expect the same, only one may succeed.
        """

    def put_record(self, key: str, value: bytes | None) -> None:
        """Store a record, or delete it (None)."""

    # Leases

    def candidates(self, lane: Lane, most: int) -> list[Candidate]:
        """Return what is needed to choose from a lane, in any order.

        That is: the oldest batch of each shard; of the batches without a shard, all that have an owner, and up to
        `most` of the others, by `due` and then by ID.
        """

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches."""

    def renew(self, owner: str, until: float) -> None:
        """Let all leases of an owner end at a moment."""

    def correct(self, lane: Lane, now: float, *, leases: float, longest: float) -> None:
        """Correct the moments of a lane that a clock has set which was ahead.

        No lease ends later than `leases`. No batch was accepted after now, and none is due later than its `wait` from
        now; one that is due later than `longest` is due now.
        """

    def make_due(self, lane: Lane, now: float) -> int:
        """Let every batch of a lane that is due later be due now; return how many events that are."""

    def release(self, owner: str) -> None:
        """End all leases of an owner."""

    def pause(self, lane: Lane) -> Pause:
        """Return the pause of a lane; an empty one if it never had one."""

    def set_pause(self, lane: Lane, pause: Pause) -> None:
        """Store the pause of a lane."""

    def depth(self, lane: Lane) -> tuple[int, int]:
        """Return how many batches and events a lane holds."""

    def mark(self, lane: Lane, now: float, stopped: str | None) -> None:
        """Note why a lane has stopped, or that it has not (None)."""

    # Settlements

    def owner_of(self, batch: int) -> str | None:
        """Return the owner of a batch; None if it has none, or if there is no such batch."""

    def settle(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        """Free a batch, keep only the positions in `rest` (delete it if there are none), and count for its lane.

        What must be sent again is due at the moment of the settlement, which is `wait` seconds after now.
        """

    def count(self, run: int, outcomes: Mapping[Outcome, int]) -> None:
        """Add to the outcomes of a run."""

    # Erasure

    def batches_after(self, number: int, most: int) -> list[Candidate]:
        """Return up to so many queued batches whose ID is greater than a number, by their IDs."""

    def read_batch(self, number: int) -> QueuedBatch | None:
        """Return a queued batch; None if it cannot be read."""

    def keep_events(self, number: int, queued: QueuedBatch, rest: Sequence[int]) -> None:
        """Keep only some positions of a queued batch (delete it if there are none), and end its lease.

        `queued` is what `read_batch` has returned. An engine leaves nothing of the others that can be read.
        """

    # Dead letters

    def add_dead_letter(
        self, letter: DeadLetter, identity: Hashable, name: Hashable | None, run: int, now: float
    ) -> bool:
        """Store a dead letter, unless one with the same identity is stored; return whether it was stored.

        Any number of dead letters of an account may have the same name.
        """

    def identity(self, *parts: str | bytes | int) -> Hashable:
        """Return the identity of a dead letter, made of its parts. It may be used as a name, too."""

    def name_identity(self, account: str, name: Hashable) -> Hashable:
        """Return the identity of the dead letter of an event that was queued under a name."""

    def delete_reread(self, reread: RereadText) -> None:
        """Delete the dead letters that hold only the beginning of a text."""

    def take_dead_letters(self, ids: Collection[int]) -> Mapping[int, Hashable]:
        """Delete dead letters, and return the identity of each that was there."""

    def has_named(self, account: str, name: Hashable) -> bool:
        """Return whether an account has a dead letter with a name."""

    def delete_named(self, account: str, names: Collection[Hashable]) -> None:
        """Delete the dead letters of an account with these names."""

    def dead_letter_bytes(self) -> int:
        """Return the sizes of all dead letters together."""

    def oldest_dead_letters(self, most: int) -> Iterable[tuple[int, float, int]]:
        """Return ID, moment and size of up to so many dead letters, the oldest first."""

    def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        """Return dead letters in groups, the largest first, and of equal ones the one with the newest letter."""

    def dead_letter_ids(self, chosen: DeadLetterFilter) -> list[int]:
        """Return the IDs of dead letters, the oldest first."""

    def read_dead_letters(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        """Return dead letters, the oldest first."""

    # Reports

    def checkpoints(self, keys: Collection[str]) -> Mapping[str, Checkpoint]:
        """Return how far sources were accepted, by their keys; those that are unknown are left out.

        There may be thousands, and a statement for each would take long.
        """

    def records(self, prefix: str) -> Mapping[str, bytes]:
        """Return the records whose key begins with a prefix."""

    def outcomes(self, run: int) -> tuple[Mapping[Outcome, int], int]:
        """Return the outcomes of a run, and how many of its events are still queued."""

    def lanes(self, now: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        """Return the state of every lane that was ever used, sorted. `is_held` decides what counts as leased.

        The rules say when a batch is due (`moment_due`) and until when a lane is paused (`pause_left`).
        """

    def dead_counts(self) -> Mapping[Reason, int]:
        """Return how many dead letters there are, by reason."""

    def known_ids(self) -> int:
        """Return how many IDs are known."""

    # Retention

    def prune(self, *, ids_before: float, checkpoints_before: float, most: int) -> None:
        """Delete IDs that came before a moment, and finished checkpoints from before another.

        About `most` rows are looked at, so no put waits for long. An engine may keep IDs some weeks longer, if
        that is cheaper.
        """


class Engine(Protocol):
    """Stores the contents of a queue."""

    @property
    def is_durable(self) -> bool:
        """Whether the contents outlive the process."""

    async def write(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation and commit it; return its result.

        An operation may be run again, after a transaction that was rolled back. Raises what it raises, QueueFullError
        if there is no room, QueueLockedError if another program does not let go.
        """

    async def read(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation that only reads, and return its result."""

    def export(self, now: float, is_held: Callable[[Candidate], bool]) -> AsyncIterator[Exported]:
        """Yield everything, as of one moment, while others continue writing."""

    def size(self) -> int:
        """Return the bytes on disk."""

    async def close(self) -> None:
        """Finish what was asked for, and close the engine."""


class OpenEngine(Protocol):
    """Opens an engine. Raises QueueOpenError with the reason and a remedy."""

    def __call__(self, location: str, options: EngineOptions, /) -> Engine:
        """Open the engine at a location: the URL without its scheme."""
