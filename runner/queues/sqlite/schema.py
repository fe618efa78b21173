"""The tables of an outbox.

Small rows that change (batches) are separate from large ones that do not (bodies), since SQLite writes a row whole. It
reads a large row from its beginning, so what is asked for often comes first.
"""

from __future__ import annotations

from .audiences import TABLES as AUDIENCES

VERSION = 8
"""The format of the tables, which `PRAGMA user_version` says."""

APPLICATION_ID = 0x6B61626C
"""What `PRAGMA application_id` of an outbox says."""

TABLES = """
CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    action TEXT NOT NULL,
    batches INTEGER NOT NULL DEFAULT 0,
    events INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    delivered_at REAL,
    error TEXT,
    error_at REAL,
    stopped INTEGER NOT NULL DEFAULT 0,
    paused_until REAL NOT NULL DEFAULT 0,
    paused_for REAL NOT NULL DEFAULT 0,
    UNIQUE (account, action)
);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL,
    shard INTEGER,
    run INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted_at REAL NOT NULL,
    due REAL NOT NULL,
    owner TEXT,
    leased_until REAL NOT NULL DEFAULT 0,
    error TEXT,
    wait REAL NOT NULL DEFAULT 0
);
CREATE INDEX batches_in_order ON batches (lane, shard, id) WHERE shard IS NOT NULL;
CREATE INDEX batches_free ON batches (lane, due, id) WHERE shard IS NULL AND owner IS NULL;
CREATE INDEX batches_leased ON batches (owner) WHERE owner IS NOT NULL;
CREATE TABLE bodies (
    batch INTEGER PRIMARY KEY,
    about BLOB NOT NULL,
    payloads BLOB NOT NULL,
    events BLOB NOT NULL
);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL UNIQUE,
    run INTEGER NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    source TEXT NOT NULL,
    place INTEGER NOT NULL,
    unit TEXT NOT NULL,
    account TEXT NOT NULL,
    action TEXT,
    subscription TEXT,
    key TEXT,
    event BLOB,
    payload BLOB,
    problems TEXT NOT NULL,
    status_code INTEGER,
    request_id TEXT,
    path TEXT NOT NULL DEFAULT '',
    name BLOB,
    size INTEGER NOT NULL DEFAULT 0,
    group_id INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX dead_letters_by_name ON dead_letters (name) WHERE name IS NOT NULL;
CREATE INDEX dead_letter_bytes ON dead_letters (size);
CREATE INDEX dead_letters_by_group ON dead_letters (group_id, at);
CREATE TABLE recent_ids (batch INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE contents (batch INTEGER PRIMARY KEY, at REAL NOT NULL, digests BLOB NOT NULL);
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
CREATE TABLE id_state (
    salt BLOB NOT NULL,
    since REAL,
    flushes INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0
);
INSERT INTO id_state (salt) VALUES (randomblob(16));
CREATE TABLE checkpoints (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state BLOB NOT NULL,
    is_end INTEGER NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX checkpoints_ended ON checkpoints (at) WHERE is_end;
CREATE TABLE records (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE puts (run INTEGER PRIMARY KEY, number INTEGER NOT NULL, at REAL NOT NULL, result BLOB NOT NULL);
CREATE INDEX puts_by_moment ON puts (at);
CREATE TABLE rates (lane INTEGER NOT NULL, minute INTEGER NOT NULL, delivered INTEGER NOT NULL,
    PRIMARY KEY (lane, minute)) WITHOUT ROWID;
CREATE TABLE outcomes (run INTEGER NOT NULL, outcome TEXT NOT NULL, events INTEGER NOT NULL, PRIMARY KEY (run, outcome))
    WITHOUT ROWID;
""" + AUDIENCES.lstrip()  # fmt: skip


def statements(script: str) -> list[str]:
    """Return the statements of a script; SQLite's own way to run one would commit first."""
    return [statement for statement in script.strip().split(";\n") if statement.strip(" ;\n")]
