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

from ..queue import QueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Operation = "Callable[[sqlite3.Connection], Any]"

_MOST_TOGETHER = 32
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_FULL_MESSAGES = ("disk is full", "disk I/O error")


class _Asked:
    """An operation, and the future that waits for its result."""

    __slots__ = ("future", "loop", "operation")

    def __init__(self, operation: Callable[[sqlite3.Connection], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.operation = operation
        self.loop = loop
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
        """Run an operation and commit it. Raises what it raises, and QueueFullError where there is no room."""
        asked = _Asked(operation, asyncio.get_running_loop())
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
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [asked.operation(connection) for asked in together]
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            self._roll_back(connection)
            if isinstance(error, sqlite3.Error) and is_full(error):
                _make_room(connection)
            if len(together) == 1:
                together[0].answer(None, _told(error))
                return
            for asked in together:
                self._run_together(connection, [asked])
            return
        for asked, result in zip(together, results, strict=True):
            asked.answer(result, None)

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        self._rolled_back()
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _make_room(connection: sqlite3.Connection) -> None:
    """Fold the log into the file, so that what stands in both takes its place once."""
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _told(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error) and is_full(error):
        return QueueFullError(str(error))
    return error


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether an error means that there is no room: on the disk, or within the limit of the file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _FULL or any(message in str(error) for message in _FULL_MESSAGES)
