"""The tables of the outbox, and how its file is opened.

Small rows that change (batches) stand apart from large ones that do not (bodies), since SQLite writes a row whole. It
reads a large row from its beginning, so what is asked for often stands there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from .sqlite_errors import is_locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 2
"""What `PRAGMA user_version` of an outbox is."""

_APPLICATION_ID = 0x6B61626C
_PAGE_BYTES = 16_384
_CHECKPOINT_PAGES = 2_048
_CACHE_KIB = 16_384

BUSY_SECONDS = 60.0
"""How long another program may have the file to itself before that is an error."""

_TABLES = """
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane TEXT NOT NULL,
    account TEXT NOT NULL,
    action TEXT NOT NULL,
    run INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted_at REAL NOT NULL,
    due REAL NOT NULL,
    owner TEXT,
    leased_until REAL,
    error TEXT
);
CREATE INDEX batches_by_lane ON batches (lane, id);
CREATE TABLE bodies (
    batch INTEGER PRIMARY KEY,
    orders BLOB NOT NULL,
    about BLOB NOT NULL,
    payloads BLOB NOT NULL,
    events BLOB NOT NULL
);
CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL UNIQUE,
    run INTEGER NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    source TEXT NOT NULL,
    line INTEGER NOT NULL,
    account TEXT NOT NULL,
    action TEXT,
    subscription TEXT,
    key TEXT,
    event BLOB,
    payload BLOB,
    problems TEXT NOT NULL,
    status_code INTEGER,
    request_id TEXT
);
CREATE TABLE ids (hash BLOB PRIMARY KEY, batch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE recent_ids (batch INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE positions (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    line INTEGER NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    is_end INTEGER NOT NULL
);
CREATE TABLE lanes (
    lane TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    action TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    delivered_at REAL,
    error TEXT,
    error_at REAL,
    stopped INTEGER NOT NULL DEFAULT 0,
    paused_until REAL NOT NULL DEFAULT 0
);
CREATE TABLE rates (lane TEXT NOT NULL, minute INTEGER NOT NULL, delivered INTEGER NOT NULL, PRIMARY KEY (lane, minute))
    WITHOUT ROWID;
CREATE TABLE outcomes (run INTEGER NOT NULL, outcome TEXT NOT NULL, events INTEGER NOT NULL, PRIMARY KEY (run, outcome))
    WITHOUT ROWID;
CREATE TABLE merges (count INTEGER NOT NULL);
INSERT INTO merges VALUES (0);
"""


class OutboxError(Exception):
    """A file cannot be used as an outbox; the message says why, and what to do."""


def connect(path: Path, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open an outbox, and make it when there is none. Every commit is on disk before it returns.

    Who has the file to itself is waited for so many seconds. The file is for its owner alone, since it holds events.
    Raises OutboxError.
    """
    if not create and not path.exists():
        raise OutboxError(f"there is no outbox at {path}; deliver makes one, and --outbox names another")
    try:
        if create:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    except OSError as error:
        raise OutboxError(f"the outbox {path} cannot be made: {error.strerror}") from None
    except sqlite3.Error as error:
        raise OutboxError(f"the outbox {path} cannot be opened: {error}") from None
    try:
        _prepare(connection)
    except (sqlite3.Error, OutboxError) as error:
        connection.close()
        raise unusable(path, error) from None
    return connection


def unusable(path: Path, error: Exception) -> OutboxError:
    """Say why an outbox cannot be used, and what to do where another program has it to itself."""
    if isinstance(error, sqlite3.Error) and is_locked(error):
        error = OutboxError("another program has it to itself; end that program, or wait for it, and run again")
    return OutboxError(f"the outbox {path} cannot be used: {error}")


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Some builds overwrite all that is deleted, and so write twice what is delivered.
    connection.execute("PRAGMA secure_delete = FAST")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    _make_tables(connection)


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none. Where there are some, somebody may be writing meanwhile."""
    with _transaction(connection, "BEGIN"):
        if _has_tables(connection):
            _check_version(connection)
            return
    with _transaction(connection, "BEGIN IMMEDIATE"):
        if _has_tables(connection):
            _check_version(connection)
            return
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _check_version(connection: sqlite3.Connection) -> None:
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        raise OutboxError("it is another program's database")
    version = _pragma(connection, "user_version")
    if version != VERSION:
        raise OutboxError(f"it has version {version}, and this program works with version {VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
