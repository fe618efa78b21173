"""The connection that operations on an outbox share, and its transactions."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from .sqlite_errors import queue_error
from .tables import SqliteTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine import Tables


class SqliteSession:
    """Runs operations on a connection. `name` names the file in errors."""

    def __init__(self, name: object, connection: sqlite3.Connection) -> None:
        self._name = name
        self._connection = connection
        self._tables = SqliteTables(connection)

    def run(self, operations: Sequence[Callable[[Tables], Any]], *, writes: bool) -> list[Any]:
        """Run operations in one transaction, and return the result of each."""
        try:
            # Who writes takes the lock at once: to get it later, SQLite would not wait.
            self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            self._tables.begin()
            results = [operation(self._tables) for operation in operations]
            self._connection.execute("COMMIT")
        except Exception as error:
            self._tables.reset()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if (told := queue_error(error, self._name)) is error:
                raise
            raise told from error
        return results

    def make_room(self) -> None:
        """Fold the log into the file, so what is in both takes its place once."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
