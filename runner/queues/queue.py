"""The queue on top of an engine: every rule that engines share."""

from __future__ import annotations

import contextlib
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, cast

from .accepting import accept, present_states
from .audiences import EngineAudiences, erase_member
from .contract import LEASE_SECONDS, DeadLetterFilter, Erased, QueueFullError, QueueStatus, RunOutcomes
from .erasing import AT_ONCE, erase_batches, erase_letters
from .keeping import Retention, delete_old
from .leasing import holds_at, lease, make_due, mark
from .moments import shifted_leased, shifted_settlement
from .owner import own_name
from .replaying import EngineDeadLetters
from .settling import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from ..delivery.clock import Clock
    from .contract import (
        Audiences,
        Checkpoint,
        DeadLetters,
        Duplicate,
        Erasure,
        Exported,
        Lane,
        Leased,
        Put,
        PutResult,
        Reason,
        Settlement,
        State,
    )
    from .engine import Engine, Tables

KEEP_IDS_DAYS = 400.0
"""How long IDs are kept, so no event is sent twice: a bit more than a year."""

_SECONDS_A_DAY = 86_400.0
_KEEP_CHECKPOINTS_DAYS = 730.0
_PRUNED_AT_ONCE = 5_000
_PRUNE_SECONDS = 1.0


class EngineQueue:
    """A queue whose contents are in an engine.

    Nothing is put while more than `limit_bytes` of events and payloads would be queued; results are always written.
    The limit is shared among accounts: one that holds less than an equal share never waits for the others.
    IDs are kept for `keep_ids_days`, checkpoints of sources that have ended for two years. Dead letters are kept until
    somebody deletes them, or for `letter_days`, the latest `letter_bytes` of them. They are deleted bit by bit while
    events come in, and all that are left by `delete_old`.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        limit_bytes: int | None = None,
        keep_ids_days: float = KEEP_IDS_DAYS,
        letter_days: float | None = None,
        letter_bytes: int | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._limit_bytes = limit_bytes
        self._keep_ids_days = keep_ids_days
        self._letter_days = letter_days
        self._letter_bytes = letter_bytes
        self.deleted_dead_letters = 0
        self._owner = own_name()
        self._leased: set[int] = set()
        self._leasing = 0
        self._pruned_at: float | None = None
        self._dead_letters = EngineDeadLetters(engine, self._now)
        self._audiences = EngineAudiences(engine, self._now)

    @property
    def is_durable(self) -> bool:
        """Whether the contents outlive the process."""
        return self._engine.is_durable

    @property
    def dead_letters(self) -> DeadLetters:
        """The dead letters."""
        return self._dead_letters

    @property
    def audiences(self) -> Audiences:
        """The audiences."""
        return self._audiences

    async def salt(self) -> bytes | None:
        """Return what the engine's preparation of batches needs; None if it needs nothing."""
        return await self._engine.read(lambda tables: tables.salt())

    async def put(self, put: Put) -> PutResult:
        """Accept batches, dead letters, checkpoints, records and memberships, all or nothing.

        An event whose ID its account knows already is not put again. Raises QueueFullError, CheckpointMovedError and
        AudienceHeldError.
        """
        now, retention, limit = self._now(), self._retention_now(), self._limit_bytes
        result, deleted = await self._engine.write(
            lambda tables: accept(tables, put, now=tables.moment(now), limit_bytes=limit, retention=retention)
        )
        self.deleted_dead_letters += deleted
        return result

    async def delete_old(self) -> None:
        """Delete all dead letters that are beyond a limit, in steps that keep nobody waiting. Raises QueueFullError."""
        if self._letter_days is None and self._letter_bytes is None:
            return
        deleted = _PRUNED_AT_ONCE
        while deleted == _PRUNED_AT_ONCE:
            deleted = await self._engine.write(partial(delete_old, retention=self._retention()))
            self.deleted_dead_letters += deleted

    async def lease(self, most: Mapping[Lane, int]) -> Leased:
        """Lease up to so many batches of each lane that are due, the longest due first; none of a paused lane."""
        # The caller may be cancelled before the answer is there, and the leases must be released anyway.
        self._leasing += 1
        try:
            leased = await self._engine.write(partial(self._lease, most=most, now=self._now()))
        except Exception:
            self._leasing -= 1
            raise
        self._leasing -= 1
        self._leased.update([item.id for item in leased.leases])
        return leased

    async def renew(self) -> None:
        """Extend all leases of this process by LEASE_SECONDS from now."""
        now = self._now()
        if self._leased:
            await self._engine.write(lambda tables: tables.renew(self._owner, tables.moment(now) + LEASE_SECONDS))

    async def settle(self, settlement: Settlement) -> Sequence[int]:
        """Write the result of a leased batch; return the positions whose lease was lost: all of them, or none."""
        now = self._now()

        def operation(tables: Tables) -> Sequence[int]:
            moment = tables.moment(now)
            return settle(tables, shifted_settlement(settlement, moment - now), owner=self._owner, now=moment)

        lost = await self._engine.write(operation)
        self._leased.discard(settlement.lease.id)
        return lost

    async def checkpoints(self, *keys: str) -> list[Checkpoint | None]:
        """Return for each key how far its source was accepted, None if it is unknown."""
        found = await self._engine.read(lambda tables: tables.checkpoints(keys))
        return [*map(found.get, keys)]

    async def mark(self, lane: Lane, *, stopped: str | None = None, paused_until: float | None = None) -> None:
        """Note why a lane has stopped, or until when nobody may send in it; with neither, that it continues."""
        now = self._now()

        def operation(tables: Tables) -> None:
            moment = tables.moment(now)
            until = None if paused_until is None else paused_until + (moment - now)
            mark(tables, lane, moment, stopped=stopped, paused_until=until)

        await self._engine.write(operation)

    async def make_due(self, lanes: Sequence[Lane]) -> int:
        """Let everything in some lanes be due now, and end their pauses; return how many events were due later."""
        now = self._now()
        return await self._engine.write(lambda tables: make_due(tables, lanes, now=tables.moment(now)))

    async def records(self, prefix: str) -> Mapping[str, bytes]:
        """Return the records whose key begins with a prefix."""
        found: Mapping[str, bytes] = await self._engine.read(methodcaller("records", prefix))
        return found

    async def outcomes(self, run: int, duplicates: Sequence[Duplicate] = ()) -> tuple[RunOutcomes, Mapping[State, int]]:
        """Return what has happened to the events that a run put, and the present states of duplicates."""

        def operation(tables: Tables) -> tuple[RunOutcomes, Mapping[State, int]]:
            outcomes, queued = tables.outcomes(run)
            dead = {reason: count for reason, count in outcomes.items() if reason != "delivered" and count}
            delivered = outcomes.get("delivered", 0)
            run_outcomes = RunOutcomes(delivered, cast("Mapping[Reason, int]", dead), queued)
            return run_outcomes, present_states(tables, duplicates)

        return await self._engine.read(operation)

    async def queued(self) -> Mapping[str, int]:
        """Return how many events are queued, leased or not, for each account that ever had some."""
        return await self._engine.read(lambda tables: tables.queued_events())

    async def status(self) -> QueueStatus:
        """Return the state of the queue."""

        def operation(tables: Tables) -> QueueStatus:
            now = tables.moment(self._now())
            lanes = tables.lanes(now, holds_at(now))
            return QueueStatus(lanes, tables.dead_counts(), self._engine.size(), tables.known_ids())

        return await self._engine.read(operation)

    async def erase(self, erasure: Erasure, *, dry_run: bool = False) -> Erased:
        """Erase queued events, dead letters and memberships of a customer, some at a time; in a dry run, count them."""
        run = self._engine.read if dry_run else self._engine.write
        erased, last = Erased(), 0
        while True:
            # An operation may be run again, so each counts for itself.
            last, found = await run(partial(self._erase_batches, erasure=erasure, after=last, dry_run=dry_run))
            erased.add(found)
            if not last:
                break
        ids = await self.dead_letters.ids(DeadLetterFilter())
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            erased.add(await run(partial(erase_letters, erasure=erasure, ids=some, dry_run=dry_run)))
        erased.memberships = await run(partial(erase_member, customer=erasure.customer, dry_run=dry_run))
        return erased

    def export(self) -> AsyncIterator[Exported]:
        """Yield everything that the queue holds, as of one moment."""
        now = self._now()
        return self._engine.export(now, holds_at(now))

    async def close(self) -> None:
        """Release all leases of this process, and close the queue."""
        if self._leased or self._leasing:
            # If there is no room to write it down, the end of this process frees them.
            with contextlib.suppress(QueueFullError):
                await self._engine.write(methodcaller("release", self._owner))
            self._leased.clear()
        await self._engine.close()

    def _lease(self, tables: Tables, most: Mapping[Lane, int], now: float) -> Leased:
        """Lease by the moment of the engine, and return moments of the caller's clock."""
        moment = tables.moment(now)
        return shifted_leased(lease(tables, most, owner=self._owner, now=moment), now - moment)

    def _erase_batches(self, tables: Tables, erasure: Erasure, after: int, *, dry_run: bool) -> tuple[int, Erased]:
        now = tables.moment(self._now())
        return erase_batches(tables, erasure=erasure, after=after, now=now, dry_run=dry_run)

    def _retention_now(self) -> Retention | None:
        """Return what to delete with the next put: a step at most once a second, so puts stay quick."""
        moment = self._clock.monotonic()
        if self._pruned_at is not None and moment - self._pruned_at < _PRUNE_SECONDS:
            return None
        self._pruned_at = moment
        return self._retention()

    def _retention(self) -> Retention:
        now = self._now()
        return Retention(
            ids_before=now - self._keep_ids_days * _SECONDS_A_DAY,
            checkpoints_before=now - _KEEP_CHECKPOINTS_DAYS * _SECONDS_A_DAY,
            letters_before=None if self._letter_days is None else now - self._letter_days * _SECONDS_A_DAY,
            letter_bytes=self._letter_bytes,
            most=_PRUNED_AT_ONCE,
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()
