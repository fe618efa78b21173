"""What an error of PostgreSQL means for an outbox: repeat, connect again, wait for room, or stop."""

from __future__ import annotations

import psycopg

from ..contract import QueueFullError, QueueLockedError, QueueOpenError

_REPEATED = {"40001", "40P01", "55P03", "57014", "23502", "23505", "23514"}
"""Serialization, deadlock, a lock that was not had in time, a cancelled statement, a day without a partition.

And what other processes have written meanwhile: an ID that is there by now (23505), a put that is (23502).
"""

_LOST = {"57P01", "57P02", "57P03", "57P05", "25006", "25P03", "25P04", "53300"}
"""The server ends, begins, has cut an idle transaction, only reads since a fail-over, or has no connection left."""

_ENDS_CONNECTION = {"FATAL", "PANIC"}

_FULL = {"53000", "53100", "53200"}
_ANSWERS = (
    "the database system is",
    "too many c",
    "remaining connection slots",
    "closed the connection unexpectedly",
    "Connection reset by peer",
)
_READ_ONLY = (
    "; name the primary in the URL, or several hosts, and look whether default_transaction_read_only is on for the"
    " role, its database or the server"
)
_NOT_OWNED = (
    "; the role of the URL must own its schema: an administrator makes it with CREATE SCHEMA … AUTHORIZATION …"
    " (to look only, USAGE on the schema and SELECT on its tables are enough)"
)
_REMEDIES = {"25006": _READ_ONLY, "3F000": _NOT_OWNED, "42501": _NOT_OWNED}
_CONNECTION_CLASS = "08"


class RepeatedError(Exception):
    """Another process has changed meanwhile what an operation relies on. The transaction is run again."""


def is_lost(error: psycopg.Error) -> bool:
    """Return whether the connection is of no use any more, and another one may be."""
    state = error.sqlstate
    if error.diag.severity_nonlocalized in _ENDS_CONNECTION:
        # Such as a server without room for its log. It restarts, and only then it knows what it has committed.
        return True
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state in _LOST or state.startswith(_CONNECTION_CLASS)


def is_answered(error: psycopg.Error) -> bool:
    """Return whether an error of connecting shows that a server is there, which begins, ends, or is busy.

    Such an error has no code. In another language than English, the server counts as none.
    """
    return any(text in str(error) for text in _ANSWERS)


def is_repeated(error: Exception) -> bool:
    """Return whether the transaction may succeed if it is run again on the same connection."""
    return isinstance(error, RepeatedError) or (isinstance(error, psycopg.Error) and error.sqlstate in _REPEATED)


def queue_error(error: Exception, shown: str) -> Exception:
    """Return the error of the contract for an error of PostgreSQL; other errors as they are."""
    if isinstance(error, RepeatedError):
        return QueueLockedError("other processes change the same events again and again")
    if not isinstance(error, psycopg.Error):
        return error
    message = told(error)
    if error.sqlstate in _FULL:
        return QueueFullError(message)
    if is_lost(error):
        return QueueLockedError(f"the database cannot be reached ({message})")
    if is_repeated(error):
        return QueueLockedError(f"other processes hold it ({message})")
    return QueueOpenError(f"the outbox {shown} cannot be used: {message}")


def told(error: psycopg.Error) -> str:
    """Return what the server or libpq says, in one line and without what a URL may hold; and what to do, if known."""
    if error.diag.message_primary:
        return error.diag.message_primary + _REMEDIES.get(error.sqlstate or "", "")
    if isinstance(error, psycopg.ProgrammingError):
        # libpq shows the part of a URL that it cannot read, which may be a password.
        return "libpq cannot read its URL"
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return lines[0] + (_READ_ONLY if "read-only" in lines[0] or "hot standby" in lines[0] else "")
