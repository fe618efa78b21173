"""Small values: the last put of each run, what happened to its events, checkpoints, records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..contract import Checkpoint
from ..stored.packing import pack, unpack
from .statements import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ..contract import Outcome, Token
    from .statements import Statements

_NOTE_PUT = """
INSERT INTO puts (run, number, at, result) VALUES (%s, %s, %s, %s)
ON CONFLICT (run) DO UPDATE SET at = excluded.at, result = excluded.result,
    number = CASE WHEN puts.number < excluded.number THEN excluded.number END
"""
_ADD_OUTCOME = """
INSERT INTO outcomes (run, outcome, slot, events) VALUES (%s, %s, %s, %s)
ON CONFLICT (run, outcome, slot) DO UPDATE SET events = outcomes.events + excluded.events
"""
_PUT_CHECKPOINT = """
INSERT INTO checkpoints (key, name, state, is_end, at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE
SET name = excluded.name, state = excluded.state, is_end = excluded.is_end, at = excluded.at
"""
_FIRST_CHECKPOINT = """
INSERT INTO checkpoints (name, state, is_end, at, key) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_NEXT_CHECKPOINT = """
UPDATE checkpoints SET name = %s, state = %s, is_end = %s, at = %s WHERE key = %s AND state = %s
"""
_PUT_RECORD = """
INSERT INTO records (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
_PRUNE_CHECKPOINTS = """
DELETE FROM checkpoints WHERE key IN (SELECT key FROM checkpoints WHERE is_end AND at < %s LIMIT %s)
"""
_PRUNE_RUNS = """
WITH old AS (DELETE FROM puts WHERE run IN (SELECT run FROM puts WHERE at < %s LIMIT %s) RETURNING run)
DELETE FROM outcomes USING old WHERE outcomes.run = old.run
"""


class NoteTables:
    """What an outbox stores beside batches and dead letters."""

    def __init__(self, database: Statements, slot: int) -> None:
        self._database = database
        self._slot = slot

    def last_put(self, run: int) -> tuple[int, bytes] | None:
        """Return the number and the result of the last put of a run."""
        row = self._database.row("SELECT number, result FROM puts WHERE run = %s", (run,))
        return None if row is None else (row[0], unpack(row[1]))

    def put(self, token: Token, result: bytes, now: float) -> None:
        """Store the number and the result of the last put of a run.

        If the same put is there by now, an attempt whose commit was not answered went through after all. The number
        becomes null then, which its column refuses: the transaction is run again, and finds the result. The statement
        waits for such an attempt to end.
        """
        self._database.later(_NOTE_PUT, (*token, now, pack(result)))

    def count(self, run: int, outcomes: Mapping[Outcome, int]) -> None:
        """Add to the outcomes of a run."""
        for outcome, events in outcomes.items():
            if events:
                self._database.later(_ADD_OUTCOME, (run, outcome, self._slot, events))

    def outcomes(self, run: int) -> tuple[Mapping[Outcome, int], int]:
        """Return the outcomes of a run, and how many of its events are still queued."""
        rows = self._database.rows(
            "SELECT outcome, sum(events)::bigint FROM outcomes WHERE run = %s GROUP BY outcome", (run,)
        )
        queued = self._database.row("SELECT coalesce(sum(events), 0)::bigint FROM batches WHERE run = %s", (run,))
        return cast("dict[Outcome, int]", dict(rows)), 0 if queued is None else queued[0]

    def put_checkpoint(self, checkpoint: Checkpoint, now: float) -> None:
        """Store how far a source was accepted."""
        self._database.later(
            _PUT_CHECKPOINT,
            (encoded(checkpoint.key), encoded(checkpoint.name), checkpoint.state, checkpoint.is_end, now),
        )

    def replace_checkpoint(self, checkpoint: Checkpoint, expected: bytes | None, now: float) -> bool:
        """Store a checkpoint only if the stored state is `expected` (None: none is stored); return whether it was.

        Another transaction with the same key is waited for, so only one of two succeeds.
        """
        values = (encoded(checkpoint.name), checkpoint.state, checkpoint.is_end, now, encoded(checkpoint.key))
        if expected is None:
            return self._database.run(_FIRST_CHECKPOINT, values) > 0
        return self._database.run(_NEXT_CHECKPOINT, (*values, expected)) > 0

    def checkpoints(self, keys: Collection[str]) -> Mapping[str, Checkpoint]:
        """Return how far sources were accepted, by their keys."""
        query = "SELECT key, name, state, is_end FROM checkpoints WHERE key = ANY(%s::bytea[])"
        rows = self._database.rows(query, ([*map(encoded, keys)],))
        return {found.key: found for found in map(_checkpoint, rows)}

    def every_checkpoint(self) -> Iterator[Checkpoint]:
        """Yield all checkpoints."""
        for row in self._database.rows("SELECT key, name, state, is_end FROM checkpoints ORDER BY key"):
            yield _checkpoint(row)

    def put_record(self, key: str, value: bytes | None) -> None:
        """Store a record, or delete it (None)."""
        if value is None:
            self._database.later("DELETE FROM records WHERE key = %s", (encoded(key),))
        else:
            self._database.later(_PUT_RECORD, (encoded(key), value))

    def records(self, prefix: str) -> Mapping[str, bytes]:
        """Return the records whose key begins with a prefix."""
        start = encoded(prefix)
        rows = self._database.rows(
            "SELECT key, value FROM records WHERE key >= %s AND substr(key, 1, %s) = %s ORDER BY key",
            (start, len(start), start),
        )
        return {decoded(key): value for key, value in rows}

    def prune(self, *, runs_before: float, checkpoints_before: float, most: int) -> None:
        """Delete finished checkpoints and old runs, some at a time."""
        self._database.later(_PRUNE_CHECKPOINTS, (checkpoints_before, most))
        self._database.later(_PRUNE_RUNS, (runs_before, most))


def _checkpoint(row: tuple[Any, ...]) -> Checkpoint:
    key, name, state, is_end = row
    return Checkpoint(decoded(key), decoded(name), state, is_end)
