"""The engine in one SQLite file, for any number of processes."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..stored.group_commits import GroupCommits
from .export import everything
from .file import connect, connect_to_read
from .session import SqliteSession
from .sqlite_errors import queue_error

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable

    from ..contract import Exported
    from ..engine import Candidate, EngineOptions

T = TypeVar("T")

_EXPORTED_AT_ONCE = 50


class SqliteEngine:
    """An outbox. Raises QueueOpenError if the file cannot be used."""

    is_durable = True

    def __init__(self, path: Path, options: EngineOptions) -> None:
        self._path = path
        self._options = options
        self._store = GroupCommits(lambda: SqliteSession(path, connect(path, options)))
        self.write = self._store.write
        self.read = self._store.read

    async def export(self, now: float, is_held: Callable[[Candidate], bool]) -> AsyncIterator[Exported]:
        """Yield everything, as of one moment: in a transaction that only reads, beside the thread of the store."""
        connection = await asyncio.to_thread(self._snapshot)
        try:
            items = everything(connection, now, is_held)
            while some := await asyncio.to_thread(list, islice(items, _EXPORTED_AT_ONCE)):
                for item in some:
                    yield item
        finally:
            connection.close()

    def size(self) -> int:
        """Return the bytes of the file and its log."""
        paths = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        return sum(path.stat().st_size for path in paths if path.exists())

    async def close(self) -> None:
        """Finish what was asked for, and close the file."""
        await self._store.close()

    def _snapshot(self) -> sqlite3.Connection:
        try:
            connection = connect_to_read(self._path, self._options)
            connection.execute("BEGIN")
        except Exception as error:  # noqa: BLE001 - as an error of the contract, or as it is
            raise queue_error(error, self._path) from None
        return connection


def open_sqlite(location: str, options: EngineOptions, /) -> SqliteEngine:
    """Open the outbox at a path. Raises QueueOpenError."""
    return SqliteEngine(Path(location), options)
