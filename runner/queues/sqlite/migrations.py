"""The steps that bring an outbox of an earlier format to this one, each in a transaction that `file` begins.

Format 1 had several variants under one number. Step 1 makes one of them all: format 2.

Another process, of an earlier version of this program, may have the outbox open meanwhile. It is between two
transactions then. Its next one fails, because its tables are gone: it ends with an error, and nothing of what it wanted
to write is written. What it was sending is leased to it until it ends, or for a minute, and is then sent again under
the same IDs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..contract import LONGEST_PAUSE_SECONDS
from ..engine import EVERY_SHARD
from ..stored.packing import pack
from .audiences import TABLES as AUDIENCES
from .format_3 import TABLES
from .from_format_4 import from_4
from .from_format_5 import from_5
from .schema import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

_PACKED = b"\x28\xb5\x2f\xfd"
"""How compressed data begins. A list of payloads begins with a bracket."""


def migrate(connection: sqlite3.Connection, version: int, now: float) -> None:
    """Bring an outbox of a format to the next one."""
    STEPS[version](connection, now)


def from_1(connection: sqlite3.Connection, now: float) -> None:  # noqa: ARG001 - the signature of all steps
    """Add the columns that only the later variants had, and compress what the earlier ones did not."""
    if "paused_until" not in _columns(connection, "lanes"):
        connection.execute("ALTER TABLE lanes ADD COLUMN paused_until REAL NOT NULL DEFAULT 0")
    if "bytes" not in _columns(connection, "batches"):
        connection.execute("ALTER TABLE batches ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0")
        for number, size in connection.execute(
            # Between two events there is one separator.
            "SELECT batch, length(payloads) + length(bodies.events) - (batches.events - 1)"
            " FROM bodies JOIN batches ON id = batch"
        ).fetchall():
            connection.execute("UPDATE batches SET bytes = ? WHERE id = ?", (size, number))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS outcomes (run INTEGER NOT NULL, outcome TEXT NOT NULL, events INTEGER NOT NULL,"
        " PRIMARY KEY (run, outcome)) WITHOUT ROWID"
    )
    for (number,) in connection.execute("SELECT batch FROM bodies ORDER BY batch").fetchall():
        payloads, events = connection.execute(
            "SELECT payloads, events FROM bodies WHERE batch = ?", (number,)
        ).fetchone()
        if not payloads.startswith(_PACKED):
            connection.execute(
                "UPDATE bodies SET payloads = ?, events = ? WHERE batch = ?", (pack(payloads), pack(events), number)
            )


def from_2(connection: sqlite3.Connection, now: float) -> None:
    """Add shards, origins of several units, checkpoints of any source, records, and puts that can be repeated."""
    connection.execute("DROP INDEX batches_by_lane")
    for table in _REPLACED:
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in statements(TABLES):
        if statement.split()[2] not in _UNCHANGED:
            connection.execute(statement)
    for statement in statements(_MOVE):
        connection.execute(statement, {"now": now, "every": EVERY_SHARD})
    for key, name, line, size, digest, is_end in connection.execute("SELECT * FROM old_positions").fetchall():
        # As sources of files write it: nothing else had a checkpoint.
        state = msgspec.json.encode({"line": line, "size": size, "digest": digest.hex(), "is_end": bool(is_end)})
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?)", (key, name, state, is_end, now))
    for table in _REPLACED:
        connection.execute(f"DROP TABLE old_{table}")


def from_3(connection: sqlite3.Connection, now: float) -> None:  # noqa: ARG001 - the signature of all steps
    """Say how long each wait and pause was to be, and by what a dead letter is known beside its identity."""
    for statement in statements(_ADD_4):
        connection.execute(statement, {"longest": LONGEST_PAUSE_SECONDS})


def from_6(connection: sqlite3.Connection, now: float) -> None:  # noqa: ARG001 - the signature of all steps
    """Make room for the contents of events, which no earlier version compared."""
    connection.execute("CREATE TABLE contents (batch INTEGER PRIMARY KEY, at REAL NOT NULL, digests BLOB NOT NULL)")


def from_7(connection: sqlite3.Connection, now: float) -> None:  # noqa: ARG001 - likewise
    """Make room for audiences, which no earlier version synced."""
    for statement in statements(AUDIENCES):
        connection.execute(statement)


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


_REPLACED = ("batches", "bodies", "lanes", "letters", "positions", "rates", "merges")
_UNCHANGED = ("ids", "recent_ids", "outcomes")
_MOVE = """
INSERT INTO lanes (account, action, delivered, delivered_at, error, error_at, stopped, paused_until)
    SELECT account, action, delivered, delivered_at, error, error_at, stopped, paused_until FROM old_lanes;
INSERT OR IGNORE INTO lanes (account, action) SELECT DISTINCT account, action FROM old_batches;
INSERT INTO batches
    SELECT old.id, lanes.id, CASE WHEN length(orders) > 0 THEN :every END, run, old.events, old.bytes, attempts,
        accepted_at, due, owner, coalesce(leased_until, 0), old.error
    FROM old_batches AS old JOIN old_bodies ON batch = old.id JOIN lanes USING (account, action);
INSERT INTO bodies SELECT batch, about, payloads, events FROM old_bodies;
UPDATE lanes SET (batches, events, bytes) = (
    SELECT count(*), coalesce(sum(events), 0), coalesce(sum(bytes), 0) FROM batches WHERE lane = lanes.id
);
INSERT INTO rates
    SELECT lanes.id, minute, old.delivered FROM old_rates AS old JOIN lanes ON lane = account || ' ' || action;
INSERT INTO dead_letters
    SELECT id, identity, run, at, reason, message, source, line, 'line', account, action, subscription, key, event,
        payload, problems, status_code, request_id
    FROM old_letters;
DELETE FROM sqlite_sequence WHERE name IN ('batches', 'dead_letters');
INSERT INTO sqlite_sequence SELECT 'batches', seq FROM sqlite_sequence WHERE name = 'old_batches';
INSERT INTO sqlite_sequence SELECT 'dead_letters', seq FROM sqlite_sequence WHERE name = 'old_letters';
UPDATE id_state SET merges = (SELECT count FROM old_merges), merged = (SELECT count(*) FROM ids);
INSERT INTO id_periods VALUES (0, :now);
"""

# SQLite can add a column only at the end of a table, or in front of its constraints.
_ADD_4 = """
ALTER TABLE lanes ADD COLUMN paused_for REAL NOT NULL DEFAULT 0;
UPDATE lanes SET paused_for = :longest WHERE paused_until > 0;
ALTER TABLE batches ADD COLUMN wait REAL NOT NULL DEFAULT 0;
UPDATE batches SET wait = :longest WHERE due > accepted_at;
ALTER TABLE dead_letters ADD COLUMN path TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN name BLOB;
ALTER TABLE dead_letters ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE dead_letters SET name = CASE WHEN key IS NOT NULL THEN identity END,
    bytes = length(message) + coalesce(length(event), 0) + coalesce(length(payload), 0);
CREATE INDEX dead_letters_by_name ON dead_letters (name) WHERE name IS NOT NULL;
CREATE INDEX dead_letter_bytes ON dead_letters (bytes);
"""

STEPS: Mapping[int, Callable[[sqlite3.Connection, float], None]] = {
    1: from_1,
    2: from_2,
    3: from_3,
    4: from_4,
    5: from_5,
    6: from_6,
    7: from_7,
}
"""By the format that a step begins with."""
