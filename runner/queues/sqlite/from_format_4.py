"""The step from format 4: its table of IDs, which was written all over as IDs came, becomes generations.

IDs are read and written in the order of their hashes, some at a time, so it does not matter how many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stored.hashes import HASH_BYTES, WORD_BITS
from .generations import ALL_WORDS, MOST_BATCHES, GenerationTables, bits_for, entries_of
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
    first_word INTEGER NOT NULL,
    end_word INTEGER NOT NULL,
    merged_into INTEGER
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
    tables = GenerationTables(connection)
    made = tables.create(_LEVEL, bits_for(count), since, (batches[0], batches[1]))
    step = max(1, (_MOVED_AT_ONCE << made.bits) // count) * (ALL_WORDS >> made.bits)
    while not made.is_complete:
        end_word = min(made.end_word + step, ALL_WORDS)
        low, high = _hash(made.end_word), _hash(end_word)
        rows = connection.execute(_READ, (low, high, first_batch, end_batch))
        tables.add_part(made, end_word, [*entries_of(rows)])


def _hash(word: int) -> bytes:
    """Return the first hash with a word; behind the last word, one that is longer than any."""
    return b"\xff" * (HASH_BYTES + 1) if word == ALL_WORDS else word.to_bytes(WORD_BITS // 8, "big")
