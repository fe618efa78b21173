"""Lanes: what each holds, what it has delivered, what went wrong last, whether it has stopped or must pause."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract import Lane, LaneStatus
from ..engine import Candidate, Pause
from ..lane_figures import MINUTES_OF_RATE, lane_error, minute_of
from ..rules import moment_due, pause_left

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from ..contract import Settlement

_MINUTES_KEPT = 120
_STATUSES = f"""
SELECT account, action, lanes.events, coalesce(held.events, 0), lanes.batches, held.due,
    held.oldest_at, delivered, delivered_at,
    (SELECT coalesce(sum(delivered), 0) FROM rates WHERE lane = lanes.id AND minute > ?) / {MINUTES_OF_RATE}.0,
    error, error_at, stopped, paused_until, paused_for
FROM lanes LEFT JOIN (
    SELECT lane, sum(events * is_leased) AS events, min(accepted_at) AS oldest_at,
        min(CASE WHEN NOT is_leased THEN moment_due(due, wait) END) AS due
    FROM (SELECT *, owner IS NOT NULL AND is_held(owner, leased_until) AS is_leased FROM batches) GROUP BY lane
) AS held ON held.lane = lanes.id ORDER BY account, action
"""  # noqa: S608 - a constant


class LaneTable:
    """The lanes of an outbox."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.reset()

    def reset(self) -> None:
        """Know nothing: a transaction was rolled back."""
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

    def lane(self, number: int) -> Lane:
        """Return the lane with an ID."""
        row = self._connection.execute("SELECT account, action FROM lanes WHERE id = ?", (number,)).fetchone()
        return Lane(*row)

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

    def bytes(self) -> Mapping[str, int]:
        """Return the bytes of queued events and payloads, for each account that has some."""
        rows = self._connection.execute("SELECT account, sum(bytes) FROM lanes GROUP BY account HAVING sum(bytes) > 0")
        return dict(rows.fetchall())

    def events(self) -> Mapping[str, int]:
        """Return how many events are queued, for each account that ever had some."""
        return dict(self._connection.execute("SELECT account, sum(events) FROM lanes GROUP BY account").fetchall())

    def depth(self, lane: Lane) -> tuple[int, int]:
        """Return how many batches and events a lane holds."""
        row = self._connection.execute("SELECT batches, events FROM lanes WHERE account = ? AND action = ?", lane)
        found: tuple[int, int] = row.fetchone() or (0, 0)
        return found

    def pause(self, lane: Lane) -> Pause:
        """Return the pause of a lane; an empty one if it never had one."""
        row = self._connection.execute(
            "SELECT paused_until, paused_for FROM lanes WHERE account = ? AND action = ?", lane
        ).fetchone()
        return Pause() if row is None else Pause(*row)

    def set_pause(self, lane: Lane, pause: Pause) -> None:
        """Store the pause of a lane."""
        self._connection.execute(
            "UPDATE lanes SET paused_until = ?, paused_for = ? WHERE id = ?", (*pause, self.use(lane))
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

    def mark(self, lane: Lane, now: float, stopped: str | None) -> None:
        """Note why a lane has stopped, or that it has not (None)."""
        number = self.use(lane)
        if stopped is not None:
            self._connection.execute(
                "UPDATE lanes SET stopped = 1, error = ?, error_at = ? WHERE id = ?", (stopped, now, number)
            )
        else:
            self._connection.execute("UPDATE lanes SET stopped = 0 WHERE id = ?", (number,))

    def statuses(self, now: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        """Return the state of every lane that was ever used, sorted."""
        self._connection.create_function("is_held", 2, lambda *lease: is_held(Candidate(0, None, 0, 0, *lease)))
        self._connection.create_function(
            "moment_due",
            2,
            lambda due, wait: moment_due(Candidate(0, None, 0, due, wait=wait), now),
            deterministic=True,
        )
        rows = self._connection.execute(_STATUSES, (minute_of(now) - MINUTES_OF_RATE,))
        return [_status(row, now) for row in rows.fetchall()]


def _status(row: tuple[Any, ...], now: float) -> LaneStatus:
    *columns, stopped, until, seconds = row
    values: list[Any] = [*columns, bool(stopped)]
    status, pause = LaneStatus(*values), pause_left(Pause(until, seconds), now)
    if not pause:
        return status
    due = None if status.next_due is None else max(status.next_due, now + pause)
    return replace(status, next_due=due, paused_until=now + pause)
