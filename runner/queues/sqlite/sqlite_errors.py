"""What an error of SQLite means for an outbox: no room, or another program that has locked the file."""

from __future__ import annotations

import sqlite3

from ..contract import QueueFullError, QueueLockedError, QueueOpenError

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
_FULL_MESSAGES = ("disk is full", "disk I/O error")
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (0, sqlite3.SQLITE_CORRUPT)


def is_full(error: sqlite3.Error) -> bool:
    """Return whether an error means that nothing can be written: the disk or the file is full, or read-only."""
    return _code(error) in _FULL or any(message in str(error) for message in _FULL_MESSAGES)


def is_locked(error: sqlite3.Error) -> bool:
    """Return whether an error means that another program has not let go of the file."""
    return _code(error) in _LOCKED


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error says that something in the file is damaged: a page, or a text, which has no code."""
    return _code(error) in _DAMAGED


def queue_error(error: Exception, path: object) -> Exception:
    """Return the error of the contract for an error of SQLite; other errors as they are."""
    if not isinstance(error, sqlite3.Error):
        return error
    if is_locked(error):
        return QueueLockedError(f"another program has it to itself ({error})")
    if is_full(error):
        return QueueFullError(str(error))
    return QueueOpenError(f"the outbox {path} cannot be used: {error}")


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
