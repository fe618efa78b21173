"""The one thread that works on the file, so that many small operations share one commit.

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
from .sqlite_errors import is_full, is_locked

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Operation = "Callable[[sqlite3.Connection], Any]"

_MOST_TOGETHER = 32


class _Asked:
    """An operation, whether it writes, and the future that waits for its result."""

    __slots__ = ("future", "loop", "operation", "writes")

    def __init__(
        self, operation: Callable[[sqlite3.Connection], Any], loop: asyncio.AbstractEventLoop, *, writes: bool
    ) -> None:
        self.operation = operation
        self.loop = loop
        self.writes = writes
        self.future: asyncio.Future[Any] = loop.create_future()

    def answer(self, result: Any, error: Exception | None) -> None:
        """Give the result to who waits, unless the loop is gone."""
        try:
            self.loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:
            return

    def _settle(self, result: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Store:
    """Runs operations on a connection in transactions that it makes as large as the work that waits.

    `rolled_back` is called when a transaction came to nothing, so that what was remembered of it can be forgotten.
    """

    def __init__(self, open_connection: Callable[[], sqlite3.Connection], rolled_back: Callable[[], None]) -> None:
        self._open = open_connection
        self._rolled_back = rolled_back
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()
        if (error := self._opened.get()) is not None:
            raise error

    async def run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run an operation and commit it.

        Raises what it raises, QueueFullError where there is no room, and QueueLockedError where another program has
        the file to itself.
        """
        return await self._run(operation, writes=True)

    async def read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run an operation that only reads, whoever else is writing. Raises what it raises."""
        return await self._run(operation, writes=False)

    async def _run(self, operation: Callable[[sqlite3.Connection], T], *, writes: bool) -> T:
        asked = _Asked(operation, asyncio.get_running_loop(), writes=writes)
        self._asked.put(asked)
        result: T = await asked.future
        return result

    def close(self) -> None:
        """Finish what was asked for, and close the file."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            connection = self._open()
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that waits for it
            self._opened.put(error)
            return
        self._opened.put(None)
        try:
            while (together := self._next()) is not None:
                self._run_together(connection, together)
        finally:
            connection.close()

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

    def _run_together(self, connection: sqlite3.Connection, together: list[_Asked]) -> None:
        """Run operations in one transaction; where it fails, each in one of its own."""
        writes = any(asked.writes for asked in together)
        try:
            connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            results = [asked.operation(connection) for asked in together]
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            self._roll_back(connection)
            self._run_apart(connection, together, _told(error), writes=writes)
            return
        for asked, result in zip(together, results, strict=True):
            asked.answer(result, None)

    def _run_apart(
        self, connection: sqlite3.Connection, together: list[_Asked], error: Exception, *, writes: bool
    ) -> None:
        """Answer operations that failed together, as far as they fail by themselves too."""
        if isinstance(error, QueueLockedError):
            # Each of those that write would wait as long again.
            for asked in together:
                if asked.writes or not writes:
                    asked.answer(None, error)
            if writes and (readers := [asked for asked in together if not asked.writes]):
                self._run_together(connection, readers)
            return
        if isinstance(error, QueueFullError):
            _make_room(connection)
        if len(together) == 1:
            together[0].answer(None, error)
            return
        for asked in together:
            self._run_together(connection, [asked])

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        self._rolled_back()
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _make_room(connection: sqlite3.Connection) -> None:
    """Fold the log into the file, so that what stands in both takes its place once."""
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _told(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error) and is_locked(error):
        return QueueLockedError(f"another program has it to itself ({error})")
    if isinstance(error, sqlite3.Error) and is_full(error):
        return QueueFullError(str(error))
    return error
