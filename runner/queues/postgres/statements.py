"""The connection as tables see it: statements in, rows out."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection, Cursor

    Values: TypeAlias = Sequence[Any] | Mapping[str, Any]


_CHANGING = ("INSERT INTO", "DELETE FROM", " SET ")


class Statements:
    """Runs statements on the connection of the moment: a broken one is replaced, and tables need not know.

    `has_changed` says whether one was to change something since the value was set to false.
    """

    def __init__(self, connection: Connection[Any] | None = None) -> None:
        self.connection = connection
        self._waiting: list[tuple[str, Values]] = []
        self.has_changed = False

    def later(self, statement: str, values: Values = ()) -> None:
        """Send a statement together with the next one, in one round trip.

        If it fails, the next one raises the error. It must fail by itself if it may not do what it should.
        """
        self._waiting.append((statement, values))
        self.has_changed = True

    def forget(self) -> None:
        """Send nothing of what waits: its transaction has failed."""
        self._waiting.clear()

    def commit(self) -> str:
        """Send what waits and a commit, in one round trip; return what the server says of the commit."""
        return self._run("COMMIT", ()).statusmessage or ""

    def rows(self, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        return self._run(statement, values).fetchall()

    def row(self, statement: str, values: Values = ()) -> tuple[Any, ...] | None:
        """Run a statement, and return its first row; None if there is none."""
        return self._run(statement, values).fetchone()

    def run(self, statement: str, values: Values = ()) -> int:
        """Run a statement, and return how many rows it changed."""
        return self._run(statement, values).rowcount

    def last_row(self, script: str) -> tuple[Any, ...]:
        """Run several statements without values in one round trip, and return the row of the last one."""
        assert self.connection is not None  # noqa: S101 - a session connects first
        cursor = self.connection.execute(script.encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        assert row is not None  # noqa: S101 - the last statement selects
        return tuple(row)

    def script(self, script: str) -> str:
        """Run several statements without values in one round trip; return what the server says of the last one."""
        assert self.connection is not None  # noqa: S101 - a session connects first
        cursor = self.connection.execute(script.encode())
        while cursor.nextset():
            pass
        return cursor.statusmessage or ""

    def _run(self, statement: str, values: Values) -> Cursor[Any]:
        assert self.connection is not None  # noqa: S101 - a session connects first
        if not self.has_changed:
            self.has_changed = any(word in statement for word in _CHANGING)
        # In binary form: batches are bytes, and moments must come back as they were written.
        if not self._waiting:
            return self.connection.execute(statement.encode(), values, binary=True)
        waiting, self._waiting = self._waiting, []
        # An old libpq has no pipelines, and then each statement is a round trip.
        with self.connection.pipeline() if Pipeline.is_supported() else nullcontext():
            for early, early_values in waiting:
                self.connection.execute(early.encode(), early_values)
            return self.connection.execute(statement.encode(), values, binary=True)


def encoded(text: str) -> bytes:
    """Return a text as it is stored: lone surrogates and NUL, which PostgreSQL's own texts refuse, are kept."""
    return text.encode("utf-8", "surrogatepass")


def encoded_or_none(text: str | None) -> bytes | None:
    """Return a text as it is stored; None stays None."""
    return None if text is None else encoded(text)


def decoded(stored: bytes) -> str:
    """Return a stored text. What somebody has damaged is shown escaped, since it must hide nothing else."""
    try:
        return stored.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return stored.decode("utf-8", "backslashreplace")


def decoded_or_none(stored: bytes | None) -> str | None:
    """Return a stored text; None stays None."""
    return None if stored is None else decoded(stored)
