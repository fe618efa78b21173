"""Batches: put, leased, settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract import Lease
from ..engine import Candidate
from ..stored.damaged import Damaged
from ..stored.fresh_batches import FreshBatches
from ..stored.packing import UNREADABLE, body, holds, lease_of
from .overwriting import overwriting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ..contract import Lane, QueuedBatch, Settlement
    from .lanes import LaneTable

_CANDIDATE = "id, shard, accepted_at, due, owner, leased_until, wait"

# The oldest batch of each shard. The index is asked for the next shard and its first batch, so it does not matter how
# many batches there are.
_HEADS = f"""
WITH RECURSIVE heads(shard) AS (
    SELECT min(shard) FROM batches WHERE lane = :lane AND shard IS NOT NULL
    UNION ALL
    SELECT (SELECT min(shard) FROM batches WHERE lane = :lane AND shard > heads.shard) FROM heads
    WHERE heads.shard IS NOT NULL
)
SELECT {_CANDIDATE} FROM batches WHERE id IN (
    SELECT (SELECT min(id) FROM batches WHERE lane = :lane AND shard = heads.shard) FROM heads WHERE shard IS NOT NULL
)
"""  # noqa: S608 - a constant
_FREE = f"""
SELECT {_CANDIDATE} FROM batches WHERE lane = ? AND shard IS NULL AND owner IS NULL ORDER BY due, id LIMIT ?
"""  # noqa: S608 - a constant
_OWNED = f"SELECT {_CANDIDATE} FROM batches WHERE owner IS NOT NULL AND lane = ? AND shard IS NULL"  # noqa: S608 - a constant


class BatchTable:
    """The queued batches of an outbox."""

    def __init__(self, connection: sqlite3.Connection, lanes: LaneTable) -> None:
        self._connection = connection
        self._lanes = lanes
        self._fresh = FreshBatches()
        self.damaged: list[Damaged] = []

    def reset(self) -> None:
        """Know nothing: a transaction was rolled back."""
        self._fresh.reset()
        self.damaged.clear()

    def add(self, queued: QueuedBatch, run: int, now: float) -> int:
        """Queue a batch, and return its ID."""
        lane, size = self._lanes.use(queued.lane), queued.size
        number = self._connection.execute(
            "INSERT INTO batches (lane, shard, run, events, bytes, accepted_at, due) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (lane, queued.batch.shard, run, queued.count, size, now, now),
        ).lastrowid
        assert number is not None  # noqa: S101 - an insertion has made a row
        columns = (queued.prepared is not None and queued.prepared.columns) or body(queued)
        self._connection.execute(
            "INSERT INTO bodies (batch, about, payloads, events) VALUES (?, ?, ?, ?)", (number, *columns)
        )
        self._lanes.add(lane, 1, queued.count, size)
        self._fresh.add(number, queued, size)
        return number

    def holds(self, number: int, key: str) -> bool:
        """Return whether a batch is still queued and holds the event with an ID, or any event (no ID)."""
        row = self._connection.execute("SELECT about FROM bodies WHERE batch = ?", (number,)).fetchone()
        return row is not None and (not key or holds(row[0], key))

    def candidates(self, lane: Lane, most: int) -> list[Candidate]:
        """Return what is needed to choose from a lane."""
        number = self._lanes.find(lane)
        rows = self._connection.execute(_HEADS, {"lane": number}).fetchall()
        rows += self._connection.execute(_FREE, (number, most)).fetchall()
        rows += self._connection.execute(_OWNED, (number,)).fetchall()
        return [Candidate(*row) for row in rows]

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches."""
        return [lease for number in ids if (lease := self._take(number, owner, until)) is not None]

    def _take(self, number: int, owner: str, until: float) -> Lease | None:
        """Lease a batch; if it cannot be read, set it aside and return None."""
        ((attempts, accepted_at, run, events),) = self._connection.execute(
            "UPDATE batches SET owner = ?, leased_until = ? WHERE id = ? RETURNING attempts, accepted_at, run, events",
            (owner, until, number),
        ).fetchall()
        fresh = self._fresh.take(number)
        if fresh is not None and events == fresh.count:
            return Lease(number, fresh, attempts, accepted_at, run)
        try:
            return lease_of(self._row(number))
        except UNREADABLE as error:
            self._set_aside(number, str(error))
            return None

    def _row(self, number: int) -> Any:
        return self._connection.execute(
            "SELECT batches.id, attempts, accepted_at, run, account, action, shard, about, payloads, bodies.events"
            " FROM batches JOIN bodies ON batch = batches.id JOIN lanes ON lanes.id = lane WHERE batches.id = ?",
            (number,),
        ).fetchone()

    def _set_aside(self, number: int, reason: str) -> None:
        """Take a damaged batch out of its lane, so it blocks no other. Its row of `bodies` stays, for a person."""
        ((lane, run, events, size),) = self._connection.execute(
            "DELETE FROM batches WHERE id = ? RETURNING lane, run, events, bytes", (number,)
        ).fetchall()
        self._lanes.add(lane, -1, -events, -size)
        self.damaged.append(Damaged(number, lane, run, events, reason))

    def renew(self, owner: str, until: float) -> None:
        """Let all leases of an owner end at a moment."""
        self._connection.execute("UPDATE batches SET leased_until = ? WHERE owner = ?", (until, owner))

    def correct(self, lane: Lane, now: float, *, leases: float, longest: float) -> None:
        """Correct the moments of a lane that a clock has set which was ahead."""
        self._connection.execute(
            "UPDATE batches SET leased_until = min(leased_until, :leases), accepted_at = min(accepted_at, :now),"
            " due = CASE WHEN due > :longest THEN :now ELSE min(due, :now + wait) END WHERE lane = :lane",
            {"lane": self._lanes.find(lane), "now": now, "leases": leases, "longest": longest},
        )

    def make_due(self, lane: Lane, now: float) -> int:
        """Let every batch of a lane that is due later be due now; return how many events that are."""
        rows = self._connection.execute(
            "UPDATE batches SET due = :now WHERE lane = :lane AND due > :now RETURNING events",
            {"lane": self._lanes.find(lane), "now": now},
        )
        return sum([events for (events,) in rows.fetchall()])

    def release(self, owner: str) -> None:
        """End all leases of an owner."""
        self._connection.execute("UPDATE batches SET owner = NULL, leased_until = 0 WHERE owner = ?", (owner,))

    def owner_of(self, number: int) -> str | None:
        """Return the owner of a batch; None if it has none, or if there is no such batch."""
        row = self._connection.execute("SELECT owner FROM batches WHERE id = ?", (number,)).fetchone()
        return None if row is None else row[0]

    def settle(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        """Free a batch, keep only the positions in `rest` (delete it if there are none), and count for its lane."""
        number = settlement.lease.id
        lane = self._lanes.use(settlement.lease.queued.lane)
        self._lanes.settle(lane, settlement, now)
        if rest:
            self._keep(lane, settlement, rest, now)
            return
        self._delete(lane, number)

    def _delete(self, lane: int, number: int) -> None:
        ((events, size),) = self._connection.execute(
            "DELETE FROM batches WHERE id = ? RETURNING events, bytes", (number,)
        ).fetchall()
        self._connection.execute("DELETE FROM bodies WHERE batch = ?", (number,))
        self._lanes.add(lane, -1, -events, -size)

    def _replace(self, lane: int, number: int, queued: QueuedBatch, part: QueuedBatch) -> None:
        """Put a part of a batch in its place."""
        self._connection.execute(
            "UPDATE bodies SET about = ?, payloads = ?, events = ? WHERE batch = ?", (*body(part), number)
        )
        self._connection.execute(
            "UPDATE batches SET events = ?, bytes = ? WHERE id = ?", (part.count, part.size, number)
        )
        self._lanes.add(lane, 0, part.count - queued.count, part.size - queued.size)

    def after(self, number: int, most: int) -> list[Candidate]:
        """Return up to so many queued batches whose ID is greater than a number, by their IDs."""
        query = f"SELECT {_CANDIDATE} FROM batches WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - a constant
        return [Candidate(*row) for row in self._connection.execute(query, (number, most)).fetchall()]

    def read(self, number: int) -> QueuedBatch | None:
        """Return a queued batch; None if it cannot be read."""
        try:
            return lease_of(self._row(number)).queued
        except UNREADABLE:
            return None

    def keep_events(self, number: int, queued: QueuedBatch, rest: Sequence[int]) -> None:
        """Keep only some positions of a queued batch (delete it if there are none), and end its lease."""
        lane = self._lanes.use(queued.lane)
        self._fresh.take(number)
        with overwriting(self._connection):
            if rest:
                self._replace(lane, number, queued, queued.part(rest))
                self._connection.execute("UPDATE batches SET owner = NULL, leased_until = 0 WHERE id = ?", (number,))
            else:
                self._delete(lane, number)

    def _keep(self, lane: int, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        lease, error = settlement.lease, settlement.error
        if len(rest) < lease.queued.count:
            self._replace(lane, lease.id, lease.queued, lease.queued.part(rest))
        self._connection.execute(
            "UPDATE batches SET owner = NULL, leased_until = 0, attempts = attempts + :attempts, error = :error,"
            " wait = CASE WHEN due < :due THEN max(0.0, :due - :now) ELSE wait END, due = max(due, :due)"
            " WHERE id = :id",
            {
                "id": lease.id,
                "attempts": settlement.attempts,
                "due": settlement.due,
                "now": now,
                "error": None if error is None else error.message,
            },
        )
