"""The one thread that works on a connection, so many small operations share one commit.

A commit costs a write to the disk whether it holds one batch or fifty. Whatever is asked for while one commit is under
way goes into the next. Nothing is ever cancelled inside a commit: a caller may go, and the thread continues.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..contract import QueueFullError, QueueLockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine import Tables

T = TypeVar("T")

_MOST_TOGETHER = 32


class Session(Protocol):
    """One connection to an engine's store, used by one thread."""

    def run(self, operations: Sequence[Callable[[Tables], Any]], *, writes: bool) -> list[Any]:
        """Run operations in one transaction, commit it, and return the result of each.

        Raises what an operation raises, or an error of the contract. Then nothing of the transaction is stored.
        """

    def make_room(self) -> None:
        """Free what can be freed after an operation found no room."""

    def close(self) -> None:
        """Close the connection."""


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


class GroupCommits:
    """Runs operations in a session, in transactions that it makes as large as the work that waits."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._closed = False
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()
        if (error := self._opened.get()) is not None:
            raise error

    async def write(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation and commit it.

        Raises what it raises, QueueFullError if there is no room, and QueueLockedError if another program does not let
        go of the store.
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
        """Finish what was asked for, and close the session. The event loop continues meanwhile."""
        self._closed = True
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        try:
            session = self._open()
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that waits for it
            self._opened.put(error)
            return
        self._opened.put(None)
        try:
            while (together := self._next()) is not None:
                self._run_together(session, together)
        finally:
            session.close()

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

    def _run_together(self, session: Session, together: list[_Asked]) -> None:
        """Run operations in one transaction; if it fails, each in one of its own."""
        writes = any(asked.writes for asked in together)
        try:
            results = session.run([asked.operation for asked in together], writes=writes)
        except Exception as error:  # noqa: BLE001 - it is raised for the caller
            self._run_apart(session, together, error, writes=writes)
            return
        for asked, result in zip(together, results, strict=True):
            asked.answer(result, None)

    def _run_apart(self, session: Session, together: list[_Asked], error: Exception, *, writes: bool) -> None:
        """Answer operations that failed together, as far as they fail by themselves too."""
        if isinstance(error, QueueLockedError):
            # Each of those that write would wait as long again.
            for asked in together:
                if asked.writes or not writes:
                    asked.answer(None, error)
            if writes and (readers := [asked for asked in together if not asked.writes]):
                self._run_together(session, readers)
            return
        if isinstance(error, QueueFullError):
            session.make_room()
        if len(together) == 1:
            together[0].answer(None, error)
            return
        for asked in together:
            self._run_together(session, [asked])
