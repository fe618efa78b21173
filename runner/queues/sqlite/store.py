"""The one thread that works on the file, so many small operations share one commit.

A commit costs a write to the disk whether it holds one batch or fifty. Whatever is asked for while one commit is under
way goes into the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from ..contract import QueueFullError, QueueLockedError
from .sqlite_errors import queue_error
from .tables import SqliteTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine import Tables

T = TypeVar("T")

_MOST_TOGETHER = 32


class _Asked:
    """An operation, whether it writes, and the future that waits for its result."""

    __slots__ = ("future", "loop", "operation", "writes")

    def __init__(self, operation: Callable[[Tables], Any], loop: asyncio.AbstractEventLoop, *, writes: bool) -> None:
        self.operation = operation
        self.loop = loop
        self.writes = writes
        self.future: asyncio.Future[Any] = loop.create_future()

    def answer(self, result: Any, error: Exception | None) -> None:
        """Give the result to the caller, unless the loop is gone."""
        # The loop was closed while somebody still waited, so nobody does any more.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Store:
    """Runs operations on a connection, in transactions that it makes as large as the work that waits.

    `name` names the file in errors.
    """

    def __init__(self, name: object, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._name = name
        self._open = open_connection
        self._closed = False
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()
        if (error := self._opened.get()) is not None:
            raise error

    async def write(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation and commit it.

        Raises what it raises, QueueFullError if there is no room, and QueueLockedError if another program has locked
        the file.
        """
        return await self._run(operation, writes=True)

    async def read(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation that only reads, even while others write. Raises what it raises."""
        return await self._run(operation, writes=False)

    async def _run(self, operation: Callable[[Tables], T], *, writes: bool) -> T:
        if self._closed:
            raise RuntimeError("the queue is closed")
        asked = _Asked(operation, asyncio.get_running_loop(), writes=writes)
        self._asked.put(asked)
        result: T = await asked.future
        return result

    async def close(self) -> None:
        """Finish what was asked for, and close the file. The event loop continues meanwhile."""
        self._closed = True
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        try:
            tables = SqliteTables(self._open())
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that waits for it
            self._opened.put(error)
            return
        self._opened.put(None)
        try:
            while (together := self._next()) is not None:
                self._run_together(tables, together)
        finally:
            tables.connection.close()

    def _next(self) -> list[_Asked] | None:
        first = self._asked.get()
        if first is None:
            return None
        together = [first]
        while len(together) < _MOST_TOGETHER:
            try:
                more = self._asked.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._asked.put(None)
                break
            together.append(more)
        return together

    def _run_together(self, tables: SqliteTables, together: list[_Asked]) -> None:
        """Run operations in one transaction; if it fails, each in one of its own."""
        writes = any(asked.writes for asked in together)
        try:
            tables.connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            tables.begin()
            results = [asked.operation(tables) for asked in together]
            tables.connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - it is raised for the caller
            self._roll_back(tables)
            self._run_apart(tables, together, queue_error(error, self._name), writes=writes)
            return
        for asked, result in zip(together, results, strict=True):
            asked.answer(result, None)

    def _run_apart(self, tables: SqliteTables, together: list[_Asked], error: Exception, *, writes: bool) -> None:
        """Answer operations that failed together, as far as they fail by themselves too."""
        if isinstance(error, QueueLockedError):
            # Each of those that write would wait as long again.
            for asked in together:
                if asked.writes or not writes:
                    asked.answer(None, error)
            if writes and (readers := [asked for asked in together if not asked.writes]):
                self._run_together(tables, readers)
            return
        if isinstance(error, QueueFullError):
            _make_room(tables.connection)
        if len(together) == 1:
            together[0].answer(None, error)
            return
        for asked in together:
            self._run_together(tables, [asked])

    def _roll_back(self, tables: SqliteTables) -> None:
        tables.reset()
        if tables.connection.in_transaction:
            tables.connection.execute("ROLLBACK")


def _make_room(connection: sqlite3.Connection) -> None:
    """Fold the log into the file, so what is in both takes its place once."""
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
