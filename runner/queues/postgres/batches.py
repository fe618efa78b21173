"""Batches: put, leased, settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..contract import Lease
from ..engine import Candidate
from ..stored.damaged import Damaged
from ..stored.fresh_batches import FreshBatches
from ..stored.packing import UNREADABLE, body, keys_of, lease_of
from .statements import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..contract import Lane, QueuedBatch, Settlement
    from .lanes import LaneTable
    from .owners import Owners
    from .statements import Statements

_CANDIDATE = "id, shard, accepted_at, due, owner, leased_until, wait"
_NEVER = float("-inf")

# In one round trip:
# - The oldest batch of each shard. The index is asked for the next shard and its first batch, so it does not matter how
#   many batches there are.
# - Free batches without a shard. Rows that another transaction leases at this moment are left to it.
# - Leased ones, as far as the free ones go: a scan to the end of a long lane would take long.
_CANDIDATES = f"""
WITH RECURSIVE shards(shard) AS (
    SELECT min(shard) FROM batches WHERE lane = %(lane)s AND shard IS NOT NULL
    UNION ALL
    SELECT (SELECT min(shard) FROM batches WHERE lane = %(lane)s AND shard > shards.shard) FROM shards
    WHERE shards.shard IS NOT NULL
), heads AS MATERIALIZED (
    SELECT (SELECT min(id) FROM batches WHERE lane = %(lane)s AND shard = shards.shard) AS head
    FROM shards WHERE shard IS NOT NULL
), free AS MATERIALIZED (
    SELECT {_CANDIDATE} FROM batches
    WHERE lane = %(lane)s AND shard IS NULL AND due >= %(floor)s
        AND (owner IS NULL OR leased_until < %(now)s AND owner <> %(me)s)
    ORDER BY due, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), owned AS (
    SELECT {_CANDIDATE} FROM batches
    WHERE lane = %(lane)s AND shard IS NULL AND owner IS NOT NULL AND due >= %(floor)s AND due <= (
        SELECT CASE WHEN count(*) < %(most)s THEN 'Infinity' ELSE max(due) END FROM free
    )
)
SELECT {_CANDIDATE}, true FROM free
UNION ALL SELECT {_CANDIDATE}, false FROM owned
UNION ALL SELECT {_CANDIDATE}, false FROM batches WHERE id IN (SELECT head FROM heads)
"""  # noqa: S608 - a constant
# Only what is as it was seen: what was not locked, another process may have taken meanwhile.
_TAKE = """
WITH seen AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::float8[]) AS seen(id, owner, leased_until)
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
_DRAWN = 32
_HINT_SECONDS = 5.0
"""How long a hint lets a lane's first rows be passed over. It is only a hint: a row may be committed late."""


class BatchTable:
    """The queued batches of an outbox."""

    def __init__(self, database: Statements, lanes: LaneTable, owners: Owners) -> None:
        self._database = database
        self._owners = owners
        self._lanes = lanes
        self._fresh = FreshBatches()
        self._mine: set[int] = set()
        self._taken: set[int] = set()
        self._doubtful: set[int] = set()
        self._owner = 0
        self._seen: dict[int, Candidate] = {}
        self._held_by: dict[int, int | None] = {}
        self._numbers: list[int] = []
        self._held: dict[int, frozenset[str | None] | None] = {}
        self._floors: dict[int, tuple[float, float]] = {}
        self.damaged: list[Damaged] = []

    def begin(self, *, writes: bool) -> None:
        """Another transaction has begun."""
        self._taken.clear()
        self._seen.clear()
        self._held_by.clear()
        self._held.clear()
        if self._doubtful and writes:
            # A lease whose answer was lost would be this process's, and it does not know of it.
            self._database.later(
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
        number = self._next_number()
        self._database.later(
            "INSERT INTO batches (id, lane, shard, run, events, bytes, accepted_at, due, about, payloads, contents)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %b, %b, %b)",
            (number, lane, queued.batch.shard, run, queued.count, size, now, now, *columns),
        )
        self._lanes.add(lane, 1, queued.count, size)
        self._fresh.add(number, queued, size)
        return number

    def _next_number(self) -> int:
        """Return the ID of the next batch. They are drawn by the dozen, since each draw is a round trip."""
        if not self._numbers:
            query = "SELECT nextval(pg_get_serial_sequence('batches', 'id')) FROM generate_series(1, %s)"
            self._numbers = sorted([number for (number,) in self._database.rows(query, (_DRAWN,))], reverse=True)
        return self._numbers.pop()

    def holds(self, number: int, key: str) -> bool:
        """Return whether a batch is still queued and holds the event with an ID, or any event (no ID)."""
        if number not in self._held:
            self.look_at([number])
        keys = self._held[number]
        return keys is None or (key in keys if key else bool(keys))

    def look_at(self, numbers: Collection[int]) -> None:
        """Read together what `holds` will be asked: each of many duplicates would need a statement."""
        rows = self._database.rows("SELECT id, about FROM batches WHERE id = ANY(%s::bigint[])", ([*numbers],))
        self._held.update(dict.fromkeys(numbers, frozenset()))
        self._held.update({number: keys_of(about) for number, about in rows})

    def candidates(self, lane: Lane, most: int, now: float) -> list[Candidate]:
        """Return what is needed to choose from a lane; those that are free are locked until the transaction ends."""
        number = self._lanes.find(lane)
        if number is None:
            return []
        floor = self._floor(number)
        found, free = self._look(number, floor, most, now)
        if len(free) < most and floor > _NEVER:
            # The hint may have passed over some.
            floor = _NEVER
            found, free = self._look(number, floor, most, now)
        if len(free) == most and floor == _NEVER:
            self._floors[number] = min(each.due for each in free), time.monotonic()
        self._seen.update(found)
        return [*found.values()]

    def _look(self, lane: int, floor: float, most: int, now: float) -> tuple[dict[int, Candidate], Sequence[Candidate]]:
        """Return the candidates of a lane by their IDs, and those among them that are locked."""
        values = {"lane": lane, "floor": floor, "most": most, "now": now, "me": self._owner}
        rows = [(self._candidate(row), is_free) for *row, is_free in self._database.rows(_CANDIDATES, values)]
        free = [each for each, is_free in rows if is_free]
        return {**{each.id: each for each, _ in rows}, **{each.id: each for each in free}}, free

    def _candidate(self, row: Sequence[Any]) -> Candidate:
        number, shard, accepted_at, due, owner, leased_until, wait = row
        self._held_by[number] = owner
        return Candidate(number, shard, accepted_at, due, self._owners.name(owner), leased_until, wait)

    def _floor(self, lane: int) -> float:
        floor, at = self._floors.get(lane, (_NEVER, _NEVER))
        return floor if time.monotonic() - at < _HINT_SECONDS else _NEVER

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches. What another process has taken since it was seen is left to it."""
        self._owner = self._owners.use(owner, until)
        seen = [self._seen[number] for number in ids]
        rows = self._database.rows(
            _TAKE,
            (
                [each.id for each in seen],
                [self._held_by[each.id] for each in seen],
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
        self._held.pop(number, None)
        rows = self._database.rows("DELETE FROM batches WHERE id = %s RETURNING lane, run, events, bytes", (number,))
        for lane, run, events, size in rows:
            self._lanes.add(lane, -1, -events, -size)
            self.damaged.append(Damaged(number, lane, run, events, reason))

    def renew(self, owner: str, until: float) -> None:
        """Let all leases of an owner end at a moment."""
        rows = self._database.rows(
            "UPDATE batches SET leased_until = %s WHERE id = ANY(%s::bigint[]) AND owner = %s RETURNING id",
            (until, [*self._mine], self._owners.find(owner)),
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
        self._database.later(
            "UPDATE batches SET owner = NULL, leased_until = 0 WHERE id = ANY(%s::bigint[]) AND owner = %s",
            ([*self._mine], self._owners.find(owner)),
        )

    def owner_of(self, number: int) -> str | None:
        """Return the owner of a batch; None if it has none, or if there is no such batch.

        The row is locked, so nobody takes the batch between this look and a settlement.
        """
        row = self._database.row("SELECT owner FROM batches WHERE id = %s FOR UPDATE", (number,))
        return None if row is None else self._owners.name(row[0])

    def settle(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        """Free a batch, keep only the positions in `rest` (delete it if there are none), and count for its lane."""
        self._held.pop(settlement.lease.id, None)
        lane = self._lanes.use(settlement.lease.queued.lane)
        self._lanes.settle(lane, settlement, now, ends=not rest)
        if rest:
            self._keep(lane, settlement, rest, now)

    def _delete(self, lane: int, number: int) -> None:
        for events, size in self._database.rows("DELETE FROM batches WHERE id = %s RETURNING events, bytes", (number,)):
            self._lanes.add(lane, -1, -events, -size)

    def _replace(self, lane: int, number: int, queued: QueuedBatch, part: QueuedBatch) -> None:
        """Put a part of a batch in its place."""
        self._database.later(
            "UPDATE batches SET about = %s, payloads = %s, contents = %s, events = %s, bytes = %s WHERE id = %s",
            (*body(part), part.count, part.size, number),
        )
        self._lanes.add(lane, 0, part.count - queued.count, part.size - queued.size)

    def after(self, number: int, most: int, *, locks: bool) -> list[Candidate]:
        """Return up to so many queued batches whose ID is greater than a number, by their IDs.

        In a transaction that writes they are locked, so nobody leases one between this look and its change.
        """
        query = f"SELECT {_CANDIDATE} FROM batches WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608 - a constant
        return [self._candidate(row) for row in self._database.rows(query + " FOR UPDATE" * locks, (number, most))]

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
        self._held.pop(number, None)
        self._fresh.take(number)
        if rest:
            self._replace(lane, number, queued, queued.part(rest))
            self._database.later("UPDATE batches SET owner = NULL, leased_until = 0 WHERE id = %s", (number,))
        else:
            self._delete(lane, number)

    def _keep(self, lane: int, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        lease, error = settlement.lease, settlement.error
        if len(rest) < lease.queued.count:
            self._replace(lane, lease.id, lease.queued, lease.queued.part(rest))
        self._database.later(
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


def _lease_of(row: tuple[Any, ...]) -> Lease:
    number, attempts, accepted_at, run, account, action, *columns = row
    return lease_of((number, attempts, accepted_at, run, decoded(account), decoded(action), *columns))
