"""What an error of SQLite means for an outbox: no room, or another program that has the file to itself."""

from __future__ import annotations

import sqlite3

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_FULL_MESSAGES = ("disk is full", "disk I/O error")
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether an error means that there is no room: on the disk, or within the limit of the file."""
    return _code(error) in _FULL or any(message in str(error) for message in _FULL_MESSAGES)


def is_locked(error: sqlite3.Error) -> bool:
    """Tell whether an error means that another program has not let go of the file."""
    return _code(error) in _LOCKED


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
