"""Lanes: what each holds, what it has delivered, what went wrong last, whether it has stopped or must pause."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract import Lane, LaneStatus
from ..engine import Candidate, Pause
from ..lane_figures import MINUTES_OF_RATE, lane_error, minute_of
from ..rules import moment_due, pause_left
from .statements import decoded, decoded_or_none, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contract import Settlement
    from .owners import Owners
    from .statements import Statements

_MINUTES_KEPT = 120
_ADD = """
INSERT INTO lane_counts AS counts (lane, slot, batches, events, bytes) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (lane, slot) DO UPDATE SET batches = counts.batches + excluded.batches,
    events = counts.events + excluded.events, bytes = counts.bytes + excluded.bytes
"""
_DELIVERED = """
INSERT INTO lane_counts AS counts (lane, slot, delivered, delivered_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (lane, slot) DO UPDATE
SET delivered = counts.delivered + excluded.delivered, delivered_at = excluded.delivered_at
"""
_GONE = """
WITH gone AS (DELETE FROM batches WHERE id = %s RETURNING lane, events, bytes)
INSERT INTO lane_counts AS counts (lane, slot, batches, events, bytes, delivered, delivered_at)
SELECT lane, %s, -1, -events, -bytes, %s, %s FROM gone
ON CONFLICT (lane, slot) DO UPDATE SET batches = counts.batches + excluded.batches,
    events = counts.events + excluded.events, bytes = counts.bytes + excluded.bytes,
    delivered = counts.delivered + excluded.delivered,
    delivered_at = coalesce(excluded.delivered_at, counts.delivered_at)
"""
_RATE = """
INSERT INTO rates AS rate (lane, minute, slot, delivered) VALUES (%s, %s, %s, %s)
ON CONFLICT (lane, minute, slot) DO UPDATE SET delivered = rate.delivered + excluded.delivered
"""
_DEPTH = """
SELECT coalesce(sum(batches), 0)::bigint, coalesce(sum(events), 0)::bigint, paused_until, paused_for
FROM lanes LEFT JOIN lane_counts ON lane = id WHERE id = %s GROUP BY id
"""
_STATUSES = f"""
SELECT id, account, action, coalesce(events, 0)::bigint, coalesce(batches, 0)::bigint, coalesce(delivered, 0)::bigint,
    delivered_at, coalesce(rate, 0)::float8 / {MINUTES_OF_RATE}.0, error, error_at, stopped, paused_until, paused_for
FROM lanes LEFT JOIN (
    SELECT lane, sum(batches) AS batches, sum(events) AS events, sum(delivered) AS delivered,
        max(delivered_at) AS delivered_at FROM lane_counts GROUP BY lane
) AS counts ON counts.lane = lanes.id LEFT JOIN (
    SELECT lane, sum(delivered) AS rate FROM rates WHERE minute > %s GROUP BY lane
) AS rates ON rates.lane = lanes.id ORDER BY account, action
"""  # noqa: S608 - a constant
# By lease, so the client decides which of them hold; and by the two moments that say when a batch is due.
_HELD = """
SELECT lane, owner, leased_until, sum(events)::bigint, min(accepted_at), due, wait FROM batches
WHERE owner IS NOT NULL GROUP BY lane, owner, leased_until, due, wait
"""
_FREE = """
SELECT lane, min(accepted_at), min(CASE WHEN due > %(longest)s THEN %(now)s ELSE least(due, %(now)s + wait) END)
FROM batches WHERE owner IS NULL GROUP BY lane
"""


class LaneTable:
    """The lanes of an outbox."""

    def __init__(self, database: Statements, owners: Owners, slot: int) -> None:
        self._owners = owners
        self._database = database
        self._slot = slot
        self._ids: dict[Lane, int] = {}
        self._new: dict[Lane, int] = {}
        self._pauses: dict[Lane, Pause] = {}
        self._minute = 0

    def begin(self) -> None:
        """Another transaction has begun."""
        self._pauses.clear()

    def committed(self) -> None:
        """What the transaction has done is certain."""
        self._ids.update(self._new)
        self._new.clear()

    def reset(self) -> None:
        """Forget the lanes that a transaction made which was rolled back."""
        self._new.clear()
        self._ids.clear()
        self._minute = 0

    def find(self, lane: Lane) -> int | None:
        """Return the ID of a lane; None if it was never used."""
        if (known := self._ids.get(lane, self._new.get(lane))) is not None:
            return known
        row = self._database.row(
            "SELECT id FROM lanes WHERE account = %s AND action = %s", (encoded(lane.account), encoded(lane.action))
        )
        if row is None:
            return None
        return self._new.setdefault(lane, row[0])

    def lane(self, number: int) -> Lane:
        """Return the lane with an ID."""
        row = self._database.row("SELECT account, action FROM lanes WHERE id = %s", (number,))
        assert row is not None  # noqa: S101 - lanes are never deleted
        return Lane(decoded(row[0]), decoded(row[1]))

    def use(self, lane: Lane) -> int:
        """Return the ID of a lane, which is made if it is new."""
        if (known := self.find(lane)) is not None:
            return known
        # Another process may make the same one: then this waits for its commit, and finds it.
        self._database.run(
            "INSERT INTO lanes (account, action) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (encoded(lane.account), encoded(lane.action)),
        )
        number = self.find(lane)
        assert number is not None  # noqa: S101 - it was just made
        return number

    def add(self, number: int, batches: int, events: int, size: int) -> None:
        """Count batches, events and bytes that come (or go, if negative)."""
        self._database.later(_ADD, (number, self._slot, batches, events, size))

    def bytes(self) -> Mapping[str, int]:
        """Return the bytes of queued events and payloads, for each account that has some."""
        rows = self._database.rows(
            "SELECT account, sum(bytes)::bigint FROM lane_counts JOIN lanes ON id = lane"
            " GROUP BY account HAVING sum(bytes) > 0"
        )
        return {decoded(account): size for account, size in rows}

    def events(self) -> Mapping[str, int]:
        """Return how many events are queued, for each account that ever had some."""
        rows = self._database.rows(
            "SELECT account, coalesce(sum(events), 0)::bigint FROM lanes LEFT JOIN lane_counts ON lane = id"
            " GROUP BY account"
        )
        return {decoded(account): events for account, events in rows}

    def depth(self, lane: Lane) -> tuple[int, int]:
        """Return how many batches and events a lane holds."""
        row = self._database.row(_DEPTH, (self.find(lane),))
        if row is None:
            return 0, 0
        batches, events, *pause = row
        # It is asked for next, and this was a round trip.
        self._pauses[lane] = Pause(*pause)
        return batches, events

    def pause(self, lane: Lane) -> Pause:
        """Return the pause of a lane; an empty one if it never had one."""
        if lane in self._pauses:
            return self._pauses[lane]
        row = self._database.row("SELECT paused_until, paused_for FROM lanes WHERE id = %s", (self.find(lane),))
        return Pause() if row is None else Pause(*row)

    def set_pause(self, lane: Lane, pause: Pause) -> None:
        """Store the pause of a lane."""
        self._pauses.pop(lane, None)
        self._database.later(
            "UPDATE lanes SET paused_until = %s, paused_for = %s WHERE id = %s", (*pause, self.use(lane))
        )

    def settle(self, number: int, settlement: Settlement, now: float, *, ends: bool) -> None:
        """Store what `status` shows of a settlement. If it `ends` the batch, delete this, and count what is gone."""
        delivered = len(settlement.delivered)
        if ends:
            moment = now if delivered else None
            self._database.later(_GONE, (settlement.lease.id, self._slot, delivered, moment))
        elif delivered:
            self._database.later(_DELIVERED, (number, self._slot, delivered, now))
        if delivered:
            # Not written unless it changes, since all who deliver in this lane would wait for each other.
            self._database.later("UPDATE lanes SET stopped = false WHERE id = %s AND stopped", (number,))
            minute = minute_of(now)
            self._database.later(_RATE, (number, minute, self._slot, delivered))
            if minute != self._minute:
                self._database.later(
                    "DELETE FROM rates WHERE lane = %s AND minute < %s AND slot = %s",
                    (number, minute - _MINUTES_KEPT, self._slot),
                )
                self._minute = minute
        if (error := lane_error(settlement)) is not None:
            self._database.later(
                "UPDATE lanes SET error = %s, error_at = %s WHERE id = %s", (encoded(error), now, number)
            )

    def mark(self, lane: Lane, now: float, stopped: str | None) -> None:
        """Note why a lane has stopped, or that it has not (None)."""
        number = self.use(lane)
        if stopped is not None:
            self._database.later(
                "UPDATE lanes SET stopped = true, error = %s, error_at = %s WHERE id = %s",
                (encoded(stopped), now, number),
            )
        else:
            self._database.later("UPDATE lanes SET stopped = false WHERE id = %s AND stopped", (number,))

    def statuses(self, now: float, longest: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        """Return the state of every lane that was ever used, sorted."""
        waiting = {lane: _Waiting(now, oldest, due) for lane, oldest, due in self._free(now, longest)}
        for lane, owner, until, events, oldest, due, wait in self._database.rows(_HELD):
            candidate = Candidate(0, None, 0, due, self._owners.name(owner), until, wait)
            waiting.setdefault(lane, _Waiting(now)).add(candidate, events, oldest, is_leased=is_held(candidate))
        nothing = _Waiting(now)
        return [
            _status(row, waiting.get(number, nothing), now)
            for number, *row in self._database.rows(_STATUSES, (minute_of(now) - MINUTES_OF_RATE,))
        ]

    def _free(self, now: float, longest: float) -> list[tuple[Any, ...]]:
        return self._database.rows(_FREE, {"now": now, "longest": longest})


class _Waiting:
    """What waits in a lane: how many events are leased, when the oldest came, and when the next is due."""

    def __init__(self, now: float, oldest_at: float | None = None, due: float | None = None) -> None:
        self._now = now
        self.leased = 0
        self.oldest_at = oldest_at
        self.due = due

    def add(self, candidate: Candidate, events: int, oldest_at: float, *, is_leased: bool) -> None:
        """Add batches that somebody has leased, or had."""
        self.oldest_at = oldest_at if self.oldest_at is None else min(self.oldest_at, oldest_at)
        if is_leased:
            self.leased += events
        else:
            due = moment_due(candidate, self._now)
            self.due = due if self.due is None else min(self.due, due)


def _status(row: list[Any], waiting: _Waiting, now: float) -> LaneStatus:
    account, action, events, batches, delivered, delivered_at, rate, error, error_at, stopped, until, seconds = row
    status = LaneStatus(
        decoded(account), decoded(action), events, waiting.leased, batches, waiting.due, waiting.oldest_at, delivered,
        delivered_at, rate, decoded_or_none(error), error_at, stopped,
    )  # fmt: skip
    pause = pause_left(Pause(until, seconds), now)
    if not pause:
        return status
    due = None if status.next_due is None else max(status.next_due, now + pause)
    return replace(status, next_due=due, paused_until=now + pause)
