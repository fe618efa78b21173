"""Small values: the last put of each run, what happened to its events, checkpoints, records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..contract import Checkpoint
from ..stored.packing import pack, unpack

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping

    from ..contract import Outcome, Token

_VALUES = 500
"""How many values every build of SQLite takes in a statement."""

_ADD_OUTCOMES = """
INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events
"""


class NoteTables:
    """What an outbox stores beside batches and dead letters."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def last_put(self, run: int) -> tuple[int, bytes] | None:
        """Return the number and the result of the last put of a run."""
        row = self._connection.execute("SELECT number, result FROM puts WHERE run = ?", (run,)).fetchone()
        return None if row is None else (row[0], unpack(row[1]))

    def put(self, token: Token, result: bytes, now: float) -> None:
        """Store the number and the result of the last put of a run. Many duplicates make a large result."""
        self._connection.execute("INSERT OR REPLACE INTO puts VALUES (?, ?, ?, ?)", (*token, now, pack(result)))

    def count(self, run: int, outcomes: Mapping[Outcome, int]) -> None:
        """Add to the outcomes of a run."""
        rows = [(run, outcome, events) for outcome, events in outcomes.items() if events]
        self._connection.executemany(_ADD_OUTCOMES, rows)

    def outcomes(self, run: int) -> tuple[Mapping[Outcome, int], int]:
        """Return the outcomes of a run, and how many of its events are still queued."""
        rows = self._connection.execute("SELECT outcome, events FROM outcomes WHERE run = ?", (run,)).fetchall()
        queued = self._connection.execute("SELECT coalesce(sum(events), 0) FROM batches WHERE run = ?", (run,))
        return cast("dict[Outcome, int]", dict(rows)), queued.fetchone()[0]

    def put_checkpoint(self, checkpoint: Checkpoint, now: float) -> None:
        """Store how far a source was accepted."""
        self._connection.execute(
            "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)",
            (checkpoint.key, checkpoint.name, checkpoint.state, checkpoint.is_end, now),
        )

    def replace_checkpoint(self, checkpoint: Checkpoint, expected: bytes | None, now: float) -> bool:
        """Store a checkpoint only if the stored state is `expected`; return whether it was.

        Only one process at a time writes to the file, so nobody stores another in between.
        """
        found = self.checkpoints([checkpoint.key]).get(checkpoint.key)
        if (None if found is None else found.state) != expected:
            return False
        self.put_checkpoint(checkpoint, now)
        return True

    def checkpoints(self, keys: Collection[str]) -> Mapping[str, Checkpoint]:
        """Return how far sources were accepted, by their keys."""
        found, asked = {}, [*keys]
        for start in range(0, len(asked), _VALUES):
            some = asked[start : start + _VALUES]
            query = f"SELECT key, name, state, is_end FROM checkpoints WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608
            found.update({row[0]: _checkpoint(row) for row in self._connection.execute(query, some)})
        return found

    def every_checkpoint(self) -> Iterator[Checkpoint]:
        """Yield all checkpoints."""
        for row in self._connection.execute("SELECT key, name, state, is_end FROM checkpoints ORDER BY key"):
            yield _checkpoint(row)

    def put_record(self, key: str, value: bytes | None) -> None:
        """Store a record, or delete it (None)."""
        if value is None:
            self._connection.execute("DELETE FROM records WHERE key = ?", (key,))
        else:
            self._connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (key, value))

    def records(self, prefix: str) -> Mapping[str, bytes]:
        """Return the records whose key begins with a prefix."""
        records = {}
        for key, value in self._connection.execute("SELECT key, value FROM records WHERE key >= ?", (prefix,)):
            if not key.startswith(prefix):
                break
            records[key] = value
        return records

    def prune(self, *, runs_before: float, checkpoints_before: float, most: int) -> None:
        """Delete finished checkpoints and old runs, some at a time."""
        self._connection.execute(
            "DELETE FROM checkpoints WHERE key IN (SELECT key FROM checkpoints WHERE is_end AND at < ? LIMIT ?)",
            (checkpoints_before, most),
        )
        runs = self._connection.execute("SELECT run FROM puts WHERE at < ? LIMIT ?", (runs_before, most)).fetchall()
        self._connection.executemany("DELETE FROM outcomes WHERE run = ?", runs)
        self._connection.executemany("DELETE FROM puts WHERE run = ?", runs)


def _checkpoint(row: tuple[Any, ...]) -> Checkpoint:
    key, name, state, is_end = row
    return Checkpoint(key, name, state, bool(is_end))
