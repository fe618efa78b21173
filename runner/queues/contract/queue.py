"""The queue itself, as interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from .audiences import Audiences
    from .batches import Lane, Leased, Settlement, State
    from .erasure import Erased, Erasure
    from .puts import Checkpoint, Duplicate, Put, PutResult, Token
    from .reports import (
        DeadLetterFilter,
        DeadLetterGroup,
        Exported,
        KeptDeadLetter,
        QueueStatus,
        ReplayBatch,
        Replayed,
        RunOutcomes,
    )


class DeadLetters(Protocol):
    """The dead letters of a queue."""

    async def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        """Return dead letters grouped by reason and message (without request IDs), the largest group first."""

    async def ids(self, chosen: DeadLetterFilter) -> list[int]:
        """Return the IDs of dead letters, the oldest first."""

    async def read(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        """Return dead letters by ID, the oldest first. IDs that do not exist are left out."""

    async def replay(self, batches: Sequence[ReplayBatch], token: Token) -> Mapping[Replayed, int]:
        """Queue the events of dead letters and delete these, all or nothing. Raises QueueFullError.

        An event that is queued or delivered under the same ID is not queued again.
        """

    async def discard(self, chosen: DeadLetterFilter) -> int:
        """Delete dead letters and forget the IDs of their events; return how many there were."""


class Queue(Protocol):
    """A queue of batches by lane, for any number of tasks; a durable one also for any number of processes.

    Every method returns once its effect is durable, if the engine is durable. Every method that writes may raise
    QueueFullError.
    """

    @property
    def is_durable(self) -> bool:
        """Whether the contents outlive the process."""

    @property
    def deleted_dead_letters(self) -> int:
        """How many dead letters this queue has deleted, since it was opened, because a limit was reached."""

    @property
    def dead_letters(self) -> DeadLetters:
        """The dead letters."""

    @property
    def audiences(self) -> Audiences:
        """The audiences."""

    async def salt(self) -> bytes | None:
        """Return what the engine's preparation of batches needs (see `preparation_for`); None if it needs nothing."""

    async def delete_old(self) -> None:
        """Delete all dead letters that are beyond a limit. A put deletes some of them. Raises QueueFullError."""

    async def put(self, put: Put) -> PutResult:
        """Accept batches, dead letters, checkpoints, records and memberships, all or nothing.

        An event whose ID its account already knows is not put again, with one exception: it replaces a dead letter with
        the same ID and other content. Dead letters with the ID of a queued event are deleted. Raises QueueFullError,
        CheckpointMovedError (see `Put`), and AudienceHeldError if the hold of the memberships was lost.
        """

    async def lease(self, most: Mapping[Lane, int]) -> Leased:
        """Lease batches that are due, up to a number for each lane, the longest due first. A paused lane gets none.

        A new batch is due at once. After a failed attempt it is due at the moment that its settlement says.

        A batch with a shard is not leased while an earlier batch of the shard is queued, even if that one is leased or
        waits for a retry. With a count of 0 only the depth of the lane is returned.
        """

    async def renew(self) -> None:
        """Extend all leases of this process by LEASE_SECONDS from now."""

    async def settle(self, settlement: Settlement) -> Sequence[int]:
        """Write the result of a leased batch.

        Return the positions of the events whose lease was lost: all of them, or none. Nothing is written for these.
        """

    async def checkpoints(self, *keys: str) -> Sequence[Checkpoint | None]:
        """Return for each key how far its source was accepted; None if it is unknown."""

    async def mark(self, lane: Lane, *, stopped: str | None = None, paused_until: float | None = None) -> None:
        """Note why a lane has stopped, or until when (seconds since 1970) nobody may send anything in it.

        With neither, the lane is no longer stopped. A delivery has the same effect.
        """

    async def make_due(self, lanes: Sequence[Lane]) -> int:
        """Make all batches of some lanes due now, and end their pauses; return how many events were due later.

        Leased batches do not change.
        """

    async def records(self, prefix: str) -> Mapping[str, bytes]:
        """Return the records whose key begins with a prefix."""

    async def outcomes(self, run: int, duplicates: Sequence[Duplicate] = ()) -> tuple[RunOutcomes, Mapping[State, int]]:
        """Return what has happened to the events that a run put, and the present states of duplicates."""

    async def queued(self) -> Mapping[str, int]:
        """Return how many events are queued, leased or not, for each account that ever had some.

        It may be asked every second, however much is queued.
        """

    async def status(self) -> QueueStatus:
        """Return the state of the queue. An engine may look at all that is queued."""

    async def erase(self, erasure: Erasure, *, dry_run: bool = False) -> Erased:
        """Erase queued events, dead letters and memberships of one customer, or in a dry run, count them.

        Batches keep the events of others. What somebody has leased stays, and is counted. The IDs of erased events
        stay known, so they do not come back. Raises QueueFullError.
        """

    def export(self) -> AsyncIterator[Exported]:
        """Yield everything that the queue holds, as of one moment."""

    async def close(self) -> None:
        """Release all leases of this process, and close the queue."""
