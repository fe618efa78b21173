"""Batches: put, leased, settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..contract import Lease
from ..engine import Candidate
from ..stored.damaged import Damaged
from ..stored.fresh_batches import FreshBatches
from ..stored.packing import UNREADABLE, body, holds, lease_of
from .statements import decoded, decoded_or_none, encoded, encoded_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contract import Lane, QueuedBatch, Settlement
    from .lanes import LaneTable
    from .statements import Statements

_CANDIDATE = "id, shard, accepted_at, due, owner, leased_until, wait"
_NEVER = float("-inf")
_EVER = float("inf")

# The oldest batch of each shard. The index is asked for the next shard and its first batch, so it does not matter how
# many batches there are.
_HEADS = f"""
WITH RECURSIVE heads(shard) AS (
    SELECT min(shard) FROM batches WHERE lane = %(lane)s AND shard IS NOT NULL
    UNION ALL
    SELECT (SELECT min(shard) FROM batches WHERE lane = %(lane)s AND shard > heads.shard) FROM heads
    WHERE heads.shard IS NOT NULL
)
SELECT {_CANDIDATE} FROM batches WHERE id IN (
    SELECT (SELECT min(id) FROM batches WHERE lane = %(lane)s AND shard = heads.shard) FROM heads
    WHERE shard IS NOT NULL
)
"""  # noqa: S608 - a constant
# Rows that another transaction leases at this moment are left to it.
_FREE = f"""
SELECT {_CANDIDATE} FROM batches
WHERE lane = %s AND shard IS NULL AND due >= %s AND (owner IS NULL OR leased_until < %s AND owner <> %s)
ORDER BY due, id LIMIT %s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a constant
_OWNED = f"""
SELECT {_CANDIDATE} FROM batches
WHERE lane = %s AND shard IS NULL AND due BETWEEN %s AND %s AND owner IS NOT NULL ORDER BY due, id
"""  # noqa: S608 - a constant
# Only what is as it was seen: what was not locked, another process may have taken meanwhile.
_TAKE = """
WITH seen AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::float8[]) AS seen(id, owner, leased_until)
)
UPDATE batches SET owner = %s, leased_until = %s FROM seen
WHERE batches.id = seen.id AND batches.owner IS NOT DISTINCT FROM seen.owner
    AND batches.leased_until = seen.leased_until
RETURNING batches.id, batches.attempts, batches.accepted_at, batches.run, batches.events
"""
_ROWS = """
SELECT batches.id, attempts, accepted_at, run, account, action, shard, about, payloads, contents
FROM batches JOIN lanes ON lanes.id = lane WHERE batches.id = ANY(%s::bigint[])
"""
_HINT_SECONDS = 5.0
"""How long a hint lets a lane's first rows be passed over. It is only a hint: a row may be committed late."""


class BatchTable:
    """The queued batches of an outbox."""

    def __init__(self, database: Statements, lanes: LaneTable) -> None:
        self._database = database
        self._lanes = lanes
        self._fresh = FreshBatches()
        self._mine: set[int] = set()
        self._taken: set[int] = set()
        self._doubtful: set[int] = set()
        self._owner: bytes = b""
        self._seen: dict[int, Candidate] = {}
        self._floors: dict[int, tuple[float, float]] = {}
        self.damaged: list[Damaged] = []

    def begin(self) -> None:
        """Another transaction has begun."""
        self._taken.clear()
        self._seen.clear()
        if self._doubtful:
            # A lease whose answer was lost would be this process's, and it does not know of it.
            self._database.run(
                "UPDATE batches SET owner = NULL, leased_until = 0 WHERE id = ANY(%s::bigint[]) AND owner = %s",
                ([*self._doubtful], self._owner),
            )

    def committed(self) -> None:
        """What the transaction has done is certain."""
        self._taken.clear()
        self._doubtful.clear()

    def reset(self) -> None:
        """Know nothing: a transaction was rolled back."""
        self._fresh.reset()
        self._doubtful |= self._taken
        self._mine -= self._taken
        self._taken.clear()
        self._floors.clear()
        self.damaged.clear()

    def add(self, queued: QueuedBatch, run: int, now: float) -> int:
        """Queue a batch, and return its ID."""
        lane, size = self._lanes.use(queued.lane), queued.size
        columns = (queued.prepared is not None and queued.prepared.columns) or body(queued)
        row = self._database.row(
            "INSERT INTO batches (lane, shard, run, events, bytes, accepted_at, due, about, payloads, contents)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (lane, queued.batch.shard, run, queued.count, size, now, now, *columns),
        )
        assert row is not None  # noqa: S101 - an insertion has made a row
        number: int = row[0]
        self._lanes.add(lane, 1, queued.count, size)
        self._fresh.add(number, queued, size)
        return number

    def holds(self, number: int, key: str) -> bool:
        """Return whether a batch is still queued and holds the event with an ID, or any event (no ID)."""
        row = self._database.row("SELECT about FROM batches WHERE id = %s", (number,))
        return row is not None and (not key or holds(row[0], key))

    def candidates(self, lane: Lane, most: int, now: float) -> list[Candidate]:
        """Return what is needed to choose from a lane; those that are free are locked until the transaction ends."""
        number = self._lanes.find(lane)
        if number is None:
            return []
        found = [_candidate(row) for row in self._database.rows(_HEADS, {"lane": number})]
        floor = self._floor(number)
        free = self._free(number, floor, most, now)
        if len(free) < most and floor > _NEVER:
            # The hint may have passed over some.
            floor = _NEVER
            free = self._free(number, floor, most, now)
        if len(free) == most and floor == _NEVER:
            self._floors[number] = free[0].due, time.monotonic()
        last = free[-1].due if len(free) == most else _EVER
        ids = {each.id for each in free}
        owned = [_candidate(row) for row in self._database.rows(_OWNED, (number, floor, last))]
        found += free + [each for each in owned if each.id not in ids]
        self._seen.update({each.id: each for each in found})
        return found

    def _free(self, lane: int, floor: float, most: int, now: float) -> list[Candidate]:
        return [_candidate(row) for row in self._database.rows(_FREE, (lane, floor, now, self._owner, most))]

    def _floor(self, lane: int) -> float:
        floor, at = self._floors.get(lane, (_NEVER, _NEVER))
        return floor if time.monotonic() - at < _HINT_SECONDS else _NEVER

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches. What another process has taken since it was seen is left to it."""
        self._owner = encoded(owner)
        seen = [self._seen[number] for number in ids]
        rows = self._database.rows(
            _TAKE,
            (
                [each.id for each in seen],
                [encoded_or_none(each.owner) for each in seen],
                [each.leased_until for each in seen],
                self._owner,
                until,
            ),
        )
        taken = {row[0]: row for row in rows}
        self._taken.update(taken)
        self._mine.update(taken)
        leases: dict[int, Lease] = {}
        for number, attempts, accepted_at, run, events in taken.values():
            fresh = self._fresh.take(number)
            if fresh is not None and events == fresh.count:
                leases[number] = Lease(number, fresh, attempts, accepted_at, run)
        leases.update(self._read([number for number in taken if number not in leases]))
        return [leases[number] for number in sorted(leases)]

    def _read(self, ids: Sequence[int]) -> dict[int, Lease]:
        """Read leased batches; those that cannot be read are set aside."""
        leases: dict[int, Lease] = {}
        if not ids:
            return leases
        for row in self._database.rows(_ROWS, ([*ids],)):
            try:
                leases[row[0]] = _lease_of(row)
            except UNREADABLE as error:
                self._set_aside(row[0], str(error))
        return leases

    def _set_aside(self, number: int, reason: str) -> None:
        """Take a damaged batch out of its lane, so it blocks no other."""
        rows = self._database.rows("DELETE FROM batches WHERE id = %s RETURNING lane, run, events, bytes", (number,))
        for lane, run, events, size in rows:
            self._lanes.add(lane, -1, -events, -size)
            self.damaged.append(Damaged(number, lane, run, events, reason))

    def renew(self, owner: str, until: float) -> None:
        """Let all leases of an owner end at a moment."""
        rows = self._database.rows(
            "UPDATE batches SET leased_until = %s WHERE id = ANY(%s::bigint[]) AND owner = %s RETURNING id",
            (until, [*self._mine], encoded(owner)),
        )
        # The others were settled, or lost.
        self._mine = {number for (number,) in rows}

    def correct(self, lane: Lane, now: float, *, leases: float, longest: float) -> None:
        """Correct the moments of a lane that a clock has set which was ahead."""
        self._floors.clear()
        self._database.run(
            "UPDATE batches SET leased_until = least(leased_until, %(leases)s),"
            " accepted_at = least(accepted_at, %(now)s),"
            " due = CASE WHEN due > %(longest)s THEN %(now)s ELSE least(due, %(now)s + wait) END"
            " WHERE lane = %(lane)s AND (leased_until > %(leases)s OR accepted_at > %(now)s OR due > %(now)s)",
            {"lane": self._lanes.find(lane), "now": now, "leases": leases, "longest": longest},
        )
        for number in [number for number, each in self._seen.items() if each.leased_until > leases]:
            self._seen[number] = self._seen[number]._replace(leased_until=leases)

    def make_due(self, lane: Lane, now: float) -> int:
        """Let every batch of a lane that is due later be due now; return how many events that are."""
        rows = self._database.rows(
            "UPDATE batches SET due = %s WHERE lane = %s AND due > %s RETURNING events",
            (now, self._lanes.find(lane), now),
        )
        return sum([events for (events,) in rows])

    def release(self, owner: str) -> None:
        """End all leases of an owner."""
        self._database.run(
            "UPDATE batches SET owner = NULL, leased_until = 0 WHERE id = ANY(%s::bigint[]) AND owner = %s",
            ([*self._mine], encoded(owner)),
        )

    def owner_of(self, number: int) -> str | None:
        """Return the owner of a batch; None if it has none, or if there is no such batch.

        The row is locked, so nobody takes the batch between this look and a settlement.
        """
        row = self._database.row("SELECT owner FROM batches WHERE id = %s FOR UPDATE", (number,))
        return None if row is None else decoded_or_none(row[0])

    def settle(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        """Free a batch, keep only the positions in `rest` (delete it if there are none), and count for its lane."""
        number = settlement.lease.id
        lane = self._lanes.use(settlement.lease.queued.lane)
        if rest:
            self._lanes.settle(lane, settlement, now)
            self._keep(lane, settlement, rest, now)
            return
        rows = self._database.rows("DELETE FROM batches WHERE id = %s RETURNING events, bytes", (number,))
        events, size = rows[0]
        self._lanes.settle(lane, settlement, now, (-1, -events, -size))

    def _delete(self, lane: int, number: int) -> None:
        for events, size in self._database.rows("DELETE FROM batches WHERE id = %s RETURNING events, bytes", (number,)):
            self._lanes.add(lane, -1, -events, -size)

    def _replace(self, lane: int, number: int, queued: QueuedBatch, part: QueuedBatch) -> None:
        """Put a part of a batch in its place."""
        self._database.run(
            "UPDATE batches SET about = %s, payloads = %s, contents = %s, events = %s, bytes = %s WHERE id = %s",
            (*body(part), part.count, part.size, number),
        )
        self._lanes.add(lane, 0, part.count - queued.count, part.size - queued.size)

    def after(self, number: int, most: int, *, locks: bool) -> list[Candidate]:
        """Return up to so many queued batches whose ID is greater than a number, by their IDs.

        In a transaction that writes they are locked, so nobody leases one between this look and its change.
        """
        query = f"SELECT {_CANDIDATE} FROM batches WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608 - a constant
        return [_candidate(row) for row in self._database.rows(query + " FOR UPDATE" * locks, (number, most))]

    def read(self, number: int) -> QueuedBatch | None:
        """Return a queued batch; None if it cannot be read."""
        row = self._database.row(_ROWS, ([number],))
        if row is None:
            return None
        try:
            return _lease_of(row).queued
        except UNREADABLE:
            return None

    def keep_events(self, number: int, queued: QueuedBatch, rest: Sequence[int]) -> None:
        """Keep only some positions of a queued batch (delete it if there are none), and end its lease."""
        lane = self._lanes.use(queued.lane)
        self._fresh.take(number)
        if rest:
            self._replace(lane, number, queued, queued.part(rest))
            self._database.run("UPDATE batches SET owner = NULL, leased_until = 0 WHERE id = %s", (number,))
        else:
            self._delete(lane, number)

    def _keep(self, lane: int, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        lease, error = settlement.lease, settlement.error
        if len(rest) < lease.queued.count:
            self._replace(lane, lease.id, lease.queued, lease.queued.part(rest))
        self._database.run(
            "UPDATE batches SET owner = NULL, leased_until = 0, attempts = attempts + %(attempts)s, error = %(error)s,"
            " wait = CASE WHEN due < %(due)s THEN greatest(0.0, %(due)s - %(now)s) ELSE wait END,"
            " due = greatest(due, %(due)s) WHERE id = %(id)s",
            {
                "id": lease.id,
                "attempts": settlement.attempts,
                "due": settlement.due,
                "now": now,
                "error": None if error is None else encoded(error.message),
            },
        )


def _candidate(row: tuple[Any, ...]) -> Candidate:
    number, shard, accepted_at, due, owner, leased_until, wait = row
    return Candidate(number, shard, accepted_at, due, decoded_or_none(owner), leased_until, wait)


def _lease_of(row: tuple[Any, ...]) -> Lease:
    number, attempts, accepted_at, run, account, action, *columns = row
    return lease_of((number, attempts, accepted_at, run, decoded(account), decoded(action), *columns))
