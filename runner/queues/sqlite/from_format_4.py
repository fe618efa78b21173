"""The step from format 4: its table of IDs, which was written all over as IDs came, becomes generations.

IDs are read and written in the order of their hashes, some at a time, so it does not matter how many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .generations import MOST_BATCHES, GenerationTables, bits_for, entries_of
from .hashes import WORD_BITS
from .schema import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_MOVED_AT_ONCE = 24_576
_LEVEL = 2
"""That of a generation which is not merged with smaller ones."""

_BEGIN = """
CREATE TABLE id_generations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    level INTEGER NOT NULL,
    bits INTEGER NOT NULL,
    ids INTEGER NOT NULL,
    since REAL NOT NULL,
    first_batch INTEGER NOT NULL,
    last_batch INTEGER NOT NULL,
    merged_into INTEGER,
    merged_to INTEGER
);
CREATE TABLE id_parts (
    generation INTEGER NOT NULL,
    first_bucket INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    filter BLOB NOT NULL,
    second_filter BLOB NOT NULL,
    PRIMARY KEY (generation, first_bucket)
) WITHOUT ROWID;
CREATE TABLE id_buckets (id INTEGER PRIMARY KEY, entries BLOB NOT NULL);
DROP TABLE id_state;
CREATE TABLE id_state (
    salt BLOB NOT NULL,
    since REAL,
    flushes INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0
);
"""
# The IDs are known by their hashes only, which had no salt.
_END = """
INSERT INTO id_state (salt, since) VALUES (x'', coalesce((SELECT max(at) FROM id_periods), :now));
DROP TABLE ids;
DROP TABLE id_periods;
"""
_COUNT = "SELECT count(*), min(batch), max(batch) FROM ids WHERE batch >= ? AND batch < ?"
_READ = "SELECT hash, batch FROM ids WHERE hash >= ? AND hash < ? AND batch >= ? AND batch < ? ORDER BY hash"


def from_4(connection: sqlite3.Connection, now: float) -> None:
    """Make a generation of the IDs of each period; the recent ones stay as they are."""
    for statement in statements(_BEGIN):
        connection.execute(statement)
    for first_batch, end, since in _periods(connection, now):
        _move(connection, first_batch, end, since)
    for statement in statements(_END):
        connection.execute(statement, {"now": now})


def _periods(connection: sqlite3.Connection, now: float) -> Iterator[tuple[int, int, float]]:
    """Yield ranges of batches, each with the moment at which its period began."""
    (most,) = connection.execute("SELECT coalesce(max(batch), 0) + 1 FROM ids").fetchone()
    rows = connection.execute("SELECT first_batch, at FROM id_periods ORDER BY first_batch").fetchall() or [(0, now)]
    firsts = [0, *[first for first, _ in rows[1:]]]
    for first, end, (_, since) in zip(firsts, [*firsts[1:], most], rows, strict=True):
        for start in range(first, end, MOST_BATCHES):
            yield start, min(start + MOST_BATCHES, end), since


def _move(connection: sqlite3.Connection, first_batch: int, end_batch: int, since: float) -> None:
    """Make a generation of the IDs that a range of batches brought."""
    count, *batches = connection.execute(_COUNT, (first_batch, end_batch)).fetchone()
    if not count:
        return
    tables, bits = GenerationTables(connection), bits_for(count)
    made = tables.create(level=_LEVEL, ids=count, since=since, batches=(batches[0], batches[1]), bits=bits)
    buckets, shift = max(1, (_MOVED_AT_ONCE << bits) // count), WORD_BITS - bits
    for first in range(0, 1 << bits, buckets):
        end = min(first + buckets, 1 << bits)
        # Five bytes, since the end is beyond the last word.
        bounds = [(bucket << shift).to_bytes(WORD_BITS // 8 + 1, "big") for bucket in (first, end)]
        low = bounds[0][1:]
        high = bounds[1][1:] if end < 1 << bits else b"\xff" * 17
        rows = connection.execute(_READ, (low, high, first_batch, end_batch))
        tables.add_part(made, first, end, [*entries_of(rows)])
    tables.complete(made)
