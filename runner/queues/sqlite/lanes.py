"""Lanes: what each holds, what it has delivered, what went wrong last, whether it has stopped or must pause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract import Lane, LaneStatus
from ..engine import Candidate
from ..lane_figures import MINUTES_OF_RATE, lane_error, minute_of
from ..rules import moment_due

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from ..contract import Settlement

_MINUTES_KEPT = 120
_STATUSES = f"""
SELECT account, action, lanes.events, coalesce(held.events, 0), lanes.batches, max(held.due, paused_until),
    held.oldest_at, delivered, delivered_at,
    (SELECT coalesce(sum(delivered), 0) FROM rates WHERE lane = lanes.id AND minute > ?) / {MINUTES_OF_RATE}.0,
    error, error_at, stopped, CASE WHEN paused_until > ? THEN paused_until END
FROM lanes LEFT JOIN (
    SELECT lane, sum(events * is_leased) AS events, min(accepted_at) AS oldest_at,
        min(CASE WHEN NOT is_leased THEN moment_due(accepted_at, due) END) AS due
    FROM (SELECT *, owner IS NOT NULL AND is_held(owner, leased_until) AS is_leased FROM batches) GROUP BY lane
) AS held ON held.lane = lanes.id ORDER BY account, action
"""  # noqa: S608 - a constant


class LaneTable:
    """The lanes of an outbox."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.reset()

    def reset(self) -> None:
        """Know nothing: a transaction came to nothing."""
        self._ids: dict[Lane, int] = {}
        self._minute = 0

    def find(self, lane: Lane) -> int | None:
        """Return the ID of a lane; None if it was never used."""
        if (known := self._ids.get(lane)) is not None:
            return known
        row = self._connection.execute("SELECT id FROM lanes WHERE account = ? AND action = ?", lane).fetchone()
        if row is None:
            return None
        return self._ids.setdefault(lane, row[0])

    def use(self, lane: Lane) -> int:
        """Return the ID of a lane, which is made if it is new."""
        if (known := self.find(lane)) is not None:
            return known
        self._connection.execute("INSERT INTO lanes (account, action) VALUES (?, ?)", lane)
        number = self.find(lane)
        assert number is not None  # noqa: S101 - it was just made
        return number

    def add(self, number: int, batches: int, events: int, size: int) -> None:
        """Count batches, events and bytes that come (or go, if negative)."""
        self._connection.execute(
            "UPDATE lanes SET batches = batches + ?, events = events + ?, bytes = bytes + ? WHERE id = ?",
            (batches, events, size, number),
        )

    def bytes(self) -> int:
        """Return the bytes of all queued events and payloads."""
        return int(self._connection.execute("SELECT coalesce(sum(bytes), 0) FROM lanes").fetchone()[0])

    def depth(self, lane: Lane) -> tuple[int, int]:
        """Return how many batches and events a lane holds."""
        row = self._connection.execute("SELECT batches, events FROM lanes WHERE account = ? AND action = ?", lane)
        found: tuple[int, int] = row.fetchone() or (0, 0)
        return found

    def paused_until(self, lane: Lane) -> float:
        """Return until when a lane is paused; 0 if it never was."""
        row = self._connection.execute("SELECT paused_until FROM lanes WHERE account = ? AND action = ?", lane)
        return float((row.fetchone() or (0.0,))[0])

    def shorten_pause(self, lane: Lane, until: float) -> None:
        """Let no pause of a lane end later than a moment."""
        self._connection.execute(
            "UPDATE lanes SET paused_until = min(paused_until, ?) WHERE account = ? AND action = ?", (until, *lane)
        )

    def settle(self, number: int, settlement: Settlement, now: float) -> None:
        """Store what `status` shows of a settlement."""
        if delivered := len(settlement.delivered):
            self._connection.execute(
                "UPDATE lanes SET delivered = delivered + ?, delivered_at = ?, stopped = 0 WHERE id = ?",
                (delivered, now, number),
            )
            minute = minute_of(now)
            self._connection.execute(
                "INSERT INTO rates VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered",
                (number, minute, delivered),
            )
            if minute != self._minute:
                self._connection.execute("DELETE FROM rates WHERE minute < ?", (minute - _MINUTES_KEPT,))
                self._minute = minute
        if (error := lane_error(settlement)) is not None:
            self._connection.execute("UPDATE lanes SET error = ?, error_at = ? WHERE id = ?", (error, now, number))

    def mark(self, lane: Lane, now: float, *, stopped: str | None, paused_until: float | None) -> None:
        """Note why a lane has stopped, or until when it is paused at least; with neither, that it is not stopped."""
        number = self.use(lane)
        if paused_until is not None:
            self._connection.execute(
                "UPDATE lanes SET paused_until = max(paused_until, ?) WHERE id = ?", (paused_until, number)
            )
        if stopped is not None:
            self._connection.execute(
                "UPDATE lanes SET stopped = 1, error = ?, error_at = ? WHERE id = ?", (stopped, now, number)
            )
        elif paused_until is None:
            self._connection.execute("UPDATE lanes SET stopped = 0 WHERE id = ?", (number,))

    def statuses(self, now: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        """Return the state of every lane that was ever used, sorted."""
        self._connection.create_function("is_held", 2, lambda *lease: is_held(Candidate(0, None, 0, 0, *lease)))
        self._connection.create_function(
            "moment_due", 2, lambda *moments: moment_due(Candidate(0, None, *moments), now), deterministic=True
        )
        rows = self._connection.execute(_STATUSES, (minute_of(now) - MINUTES_OF_RATE, now))
        return [_status(row) for row in rows.fetchall()]


def _status(row: tuple[Any, ...]) -> LaneStatus:
    *columns, stopped, paused_until = row
    values: list[Any] = [*columns, bool(stopped), paused_until]
    return LaneStatus(*values)
