"""The engine in PostgreSQL, for any number of processes on any number of machines."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import psycopg

from ..stored.group_commits import GroupCommits
from .address import address_of
from .connecting import begin, connect
from .export import everything
from .installing import install
from .postgres_errors import queue_error
from .session import PostgresSession
from .statements import Statements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ..contract import Exported
    from ..engine import Candidate, EngineOptions
    from .address import Address

T = TypeVar("T")

_EXPORTED_AT_ONCE = 50
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


class PostgresEngine:
    """An outbox. Raises QueueOpenError if it cannot be used."""

    is_durable = True

    def __init__(self, address: Address, options: EngineOptions) -> None:
        self._address = address
        self._options = options
        self._session: PostgresSession | None = None
        self._commits = GroupCommits(self._open)
        self.write = self._commits.write
        self.read = self._commits.read

    async def export(self, now: float, is_held: Callable[[Candidate], bool]) -> AsyncIterator[Exported]:
        """Yield everything, as of one moment: in a transaction that only reads, on a connection of its own."""
        database, salt = await asyncio.to_thread(self._snapshot)
        try:
            items = everything(database, salt, now, is_held)
            while some := await asyncio.to_thread(list, islice(items, _EXPORTED_AT_ONCE)):
                for item in some:
                    yield item
        except psycopg.Error as error:
            raise queue_error(error, self._address.shown) from None
        finally:
            if database.connection is not None:
                database.connection.close()

    def size(self) -> int:
        """Return the bytes of all tables and indexes. Asked within an operation, in the thread of the session."""
        return 0 if self._session is None else self._session.size()

    async def close(self) -> None:
        """Finish what was asked for, and close the connection."""
        await self._commits.close()

    def _open(self) -> PostgresSession:
        self._session = PostgresSession(self._address, self._options)
        return self._session

    def _snapshot(self) -> tuple[Statements, bytes]:
        database = Statements()
        try:
            database.connection = connect(self._address)
            salt = install(database, self._address, create=False, read_only=True)
            # The reader of an export may be slow; what that holds up is only the cleaning of deleted rows.
            first, *others = begin(self._address, idle_timeout="10min")
            database.script("; ".join((first, _SNAPSHOT, *others)))
        except psycopg.Error as error:
            raise queue_error(error, self._address.shown) from None
        return database, salt


def open_engine(location: str, options: EngineOptions) -> PostgresEngine:
    """Open the outbox at a URL without its scheme. Raises QueueOpenError."""
    return PostgresEngine(address_of(location, writes=not options.read_only), options)
