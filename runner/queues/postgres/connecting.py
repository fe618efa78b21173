"""Connections to the database, and the clock that all of them share: that of the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address

_UNCONFIRMED = "01000"


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


def connect(address: Address, on_unconfirmed: Callable[[], None] | None = None) -> psycopg.Connection[Any]:
    """Open a connection that keeps no state on the server beyond a transaction, so pgbouncer may be between.

    `on_unconfirmed` is called if a commit is on this server only, since the wait for its replica was cut off.
    Raises psycopg.Error.
    """
    # Prepared statements belong to a server's session, which a transaction behind pgbouncer shares with others.
    connection: psycopg.Connection[Any] = psycopg.connect(address.url, autocommit=True, prepare_threshold=None)

    def notice(diagnostic: psycopg.errors.Diagnostic) -> None:
        if on_unconfirmed is not None and diagnostic.sqlstate == _UNCONFIRMED and diagnostic.severity == "WARNING":
            on_unconfirmed()

    connection.add_notice_handler(notice)
    return connection
