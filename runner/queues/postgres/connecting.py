"""Connections to the database, and the clock that all of them share: that of the server."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import psycopg

from .address import KEEPALIVES, USER_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address

# It warns of whatever breaks off with a connection, and names the server; each of these errors is dealt with.
logging.getLogger("psycopg").setLevel(logging.ERROR)

_UNCONFIRMED = "01000"
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    # Whatever the role has: a commit that waits for a replica must not be cancelled, and a warning about it be heard.
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL client_min_messages = warning",
    # If the client's packets vanish in the middle of a statement, no other limit ends the transaction and its locks.
    *(f"SET LOCAL tcp_{name} = {value}" for name, value in KEEPALIVES.items()),
    *(f"SET LOCAL {name} = {value}" for name, value in USER_TIMEOUT.items()),
    # Events are billed, so a commit is on disk, and on the replica if there is one, before its answer.
    (
        "SELECT pg_catalog.set_config('synchronous_commit', 'on', true)"
        " WHERE pg_catalog.current_setting('synchronous_commit') <> 'remote_apply'"
    ),
)


class ServerClock:
    """The server's time, by what it last said and how long ago that was.

    The clocks of machines differ, so a moment that one writes and another compares is the server's. In between, the
    monotonic clock of this machine counts seconds; it is never compared with anybody's.
    """

    def __init__(self) -> None:
        self._moment = time.time()
        self._at = time.monotonic()

    def set(self, moment: float) -> None:
        """Take the moment that the server has just said."""
        self._moment, self._at = moment, time.monotonic()

    def now(self) -> float:
        """Return the server's moment, in seconds since 1970."""
        return self._moment + (time.monotonic() - self._at)


def begin(address: Address, *, lock_timeout: str = "10s", idle_timeout: str = "15s") -> list[str]:
    """Return the statements that begin a transaction, whatever is set for the role or its database."""
    return [
        *_BEGIN,
        f"SET LOCAL lock_timeout = '{lock_timeout}'",
        # A client that is frozen in a transaction would hold its locks for hours.
        f"SET LOCAL idle_in_transaction_session_timeout = '{idle_timeout}'",
        f"SET LOCAL search_path = {address.quoted}",
    ]


def connect(address: Address, on_unconfirmed: Callable[[], None] | None = None) -> psycopg.Connection[Any]:
    """Open a connection that keeps no state on the server beyond a transaction, so pgbouncer may be between.

    `on_unconfirmed` is called if a commit is on this server only, since the wait for its replica was cut off.
    Raises psycopg.Error.
    """
    # Prepared statements belong to a server's session, which a transaction behind pgbouncer shares with others.
    connection: psycopg.Connection[Any] = psycopg.connect(address.url, autocommit=True, prepare_threshold=None)

    def notice(diagnostic: psycopg.errors.Diagnostic) -> None:
        if on_unconfirmed is not None and _is_unconfirmed(diagnostic):
            on_unconfirmed()

    connection.add_notice_handler(notice)
    return connection


def _is_unconfirmed(diagnostic: psycopg.errors.Diagnostic) -> bool:
    """Return whether a notice is the warning that a commit may not be on the replica. Its text has many languages."""
    return diagnostic.sqlstate == _UNCONFIRMED and diagnostic.severity_nonlocalized == "WARNING"
