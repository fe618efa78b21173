"""What is kept of each lane: what it has delivered, what went wrong last, whether it has stopped or must pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...delivery.retry_policy import LONGEST_OBEYED
from ..contract import Waiting, lane_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ..contract import Settlement

_SECONDS_A_MINUTE = 60
_MINUTES_KEPT = 120


def waiting_in(connection: sqlite3.Connection, lanes: Sequence[str]) -> Waiting:
    """Tell what there is in some lanes that is not settled."""
    marks = ",".join("?" * len(lanes))
    batches, events, leased, next_due = connection.execute(
        "SELECT count(*), coalesce(sum(events), 0), count(owner),"  # noqa: S608 - marks
        " min(CASE WHEN owner IS NULL THEN max(due, coalesce(paused_until, 0)) END)"
        f" FROM batches LEFT JOIN lanes USING (lane) WHERE lane IN ({marks})",
        tuple(lanes),
    ).fetchone()
    return Waiting(batches, events, leased, next_due)


def count_settled(connection: sqlite3.Connection, settlement: Settlement, now: float) -> None:
    """Keep what `status` tells of a lane."""
    queued, delivered = settlement.lease.queued, len(settlement.delivered)
    _insert_lane(connection, queued.lane, queued.account, queued.batch.action)
    if delivered:
        connection.execute(
            "UPDATE lanes SET delivered = delivered + ?, delivered_at = ?, stopped = 0 WHERE lane = ?",
            (delivered, now, queued.lane),
        )
        minute = int(now // _SECONDS_A_MINUTE)
        connection.execute(
            "INSERT INTO rates VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered",
            (queued.lane, minute, delivered),
        )
        connection.execute("DELETE FROM rates WHERE minute < ?", (minute - _MINUTES_KEPT,))
    messages = [letter.message for letter in settlement.dead.values()]
    error = settlement.error.message if settlement.error is not None else next(iter(messages), None)
    if error:
        connection.execute("UPDATE lanes SET error = ?, error_at = ? WHERE lane = ?", (error, now, queued.lane))


def note_stop(connection: sqlite3.Connection, account: str, action: str, error: str | None, now: float) -> None:
    """Note why a lane has stopped, or (None) that it goes on."""
    lane = lane_name(account, action)
    _insert_lane(connection, lane, account, action)
    if error is None:
        connection.execute("UPDATE lanes SET stopped = 0 WHERE lane = ?", (lane,))
    else:
        values = (error, now, lane)
        connection.execute("UPDATE lanes SET stopped = 1, error = ?, error_at = ? WHERE lane = ?", values)


def note_pause(connection: sqlite3.Connection, account: str, action: str, until: float) -> None:
    """Note until when (seconds since 1970) nothing may be sent in a lane."""
    lane = lane_name(account, action)
    _insert_lane(connection, lane, account, action)
    connection.execute("UPDATE lanes SET paused_until = max(paused_until, ?) WHERE lane = ?", (until, lane))


def pauses_of(connection: sqlite3.Connection, now: float) -> dict[str, float]:
    """Tell for how many seconds nothing may be sent in the lanes that must pause."""
    rows = connection.execute("SELECT lane, paused_until FROM lanes WHERE paused_until > ?", (now,)).fetchall()
    pauses = {lane: until - now for lane, until in rows}
    if pauses and max(pauses.values()) > LONGEST_OBEYED:
        # The clock was set back. The pause must end all the same, so it is written anew.
        longest = now + LONGEST_OBEYED
        connection.execute("UPDATE lanes SET paused_until = ? WHERE paused_until > ?", (longest, longest))
    return {lane: min(seconds, LONGEST_OBEYED) for lane, seconds in pauses.items()}


def _insert_lane(connection: sqlite3.Connection, lane: str, account: str, action: str) -> None:
    connection.execute(
        "INSERT INTO lanes (lane, account, action) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (lane, account, action)
    )
