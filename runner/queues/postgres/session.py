"""The transactions of one process: repeated until each is certainly committed, or certainly not."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING, Any

import psycopg

from ...delivery.clock import SystemClock
from ..contract import QueueLockedError, QueueOpenError
from .connecting import ServerClock, begin, connect
from .days import Days, day_of
from .installing import install, later_format, lock_key
from .marks import Marks
from .postgres_errors import RepeatedError, is_answered, is_lost, is_repeated, queue_error, told
from .schema import VERSION
from .statements import Statements
from .tables import PostgresTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine import EngineOptions, Tables
    from .address import Address

# The tables swing between empty and millions of rows: what the planner knows of their sizes is often wrong. Each
# statement of a write has one index that is right. Small statements are not worth being compiled, either.
_BY_INDEX = ("SET LOCAL enable_seqscan = off", "SET LOCAL enable_bitmapscan = off", "SET LOCAL jit = off")
_LONGEST_PAUSE = 2.0
_AWAY_SECONDS = 1.0
"""How long to try to reach a server that could not be reached before."""
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_catalog.pg_class
WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'
"""


class PostgresSession:
    """Runs operations in transactions, on a connection that is replaced when it breaks."""

    def __init__(self, address: Address, options: EngineOptions) -> None:
        self._address = address
        self._seconds = options.busy_seconds
        self._clock = options.clock
        # A test's clock is moved by hand, and the server's is not.
        self._has_server_clock = isinstance(options.clock, SystemClock)
        self.server_clock = ServerClock()
        self._database = Statements()
        self._days = Days(self._database, address)
        self._marks = Marks(self._database, address)
        self._settled_day: int | None = None
        self._is_unconfirmed = False
        self._is_away = False
        self._options = options
        self._salt = self._install()
        self._tables = PostgresTables(
            self._database, self._salt, self._days, self.server_clock.now if self._has_server_clock else None
        )

    def run(self, operations: Sequence[Callable[[Tables], Any]], *, writes: bool) -> list[Any]:
        """Run operations in one transaction, and return the result of each.

        Raises what an operation raises, QueueFullError if the server's disk is full, and QueueLockedError if the server
        could not be reached, or others held what is needed, for as long as the options say. Once it could not, the next
        hear so much sooner, until it can be reached again: each would wait as long as the one before.
        """
        deadline = time.monotonic() + (min(self._seconds, _AWAY_SECONDS) if self._is_away else self._seconds)
        attempt = 0
        while True:
            try:
                results = self._run_once(operations, writes=writes, deadline=deadline)
            except Exception as error:
                self._abandon(error)
                is_away = isinstance(error, psycopg.Error) and is_lost(error)
                if not (is_away or is_repeated(error)) or time.monotonic() >= deadline:
                    self._is_away = is_away or isinstance(error, QueueLockedError)
                    converted = queue_error(error, self._address.shown)
                    if converted is error:
                        raise
                    raise converted from error
                # The process that was first has committed by now. A server that is away needs longer.
                attempt = 0 if is_repeated(error) else attempt + 1
            else:
                self._is_away = False
                return results
            self._wait(attempt, deadline)

    def make_room(self) -> None:
        """Do nothing: the room is the server's."""

    def close(self) -> None:
        """Close the connection."""
        if self._database.connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._database.connection.close()

    def _install(self) -> bytes:
        """Connect, and make the tables if there are none; return the salt of IDs. Raises QueueOpenError."""
        options, deadline, attempt = self._options, time.monotonic() + self._seconds, 0
        while True:
            try:
                self._connect()
                return install(self._database, self._address, create=options.create, read_only=options.read_only)
            except QueueOpenError:
                self.close()
                raise
            except psycopg.Error as error:
                # A server that ends or begins says so. If none is there at all, the URL may be wrong.
                is_there = self._database.connection is not None or is_answered(error)
                is_passing = is_repeated(error) or (is_lost(error) and is_there)
                self._abandon(None)
                if not is_passing or time.monotonic() >= deadline:
                    shown = self._address.shown
                    message = str(queue_error(error, shown)) if is_repeated(error) else told(error)
                    raise QueueOpenError(f"the outbox {shown} cannot be opened: {message}") from None
            attempt += 1
            self._wait(attempt, deadline)

    def size(self) -> int:
        """Return the bytes of all tables and indexes."""
        row = self._database.row(_SIZE, (self._address.quoted,))
        return 0 if row is None else int(row[0])

    def _run_once(self, operations: Sequence[Callable[[Tables], Any]], *, writes: bool, deadline: float) -> list[Any]:
        self._connect()
        day = day_of(self._now())
        if writes:
            self._days.make(day)
        self._begin(day, writes=writes)
        self._tables.begin(writes=writes)
        results = [operation(self._tables) for operation in operations]
        if not writes:
            self._database.script("COMMIT")
            return results
        if self._database.has_changed:
            self._marks.add()
        try:
            if self._database.commit() != "COMMIT":
                # A transaction with an error ends so, and the error was hidden.
                raise RepeatedError
        except psycopg.Error as error:
            if not is_lost(error):
                raise
            # The answer to the commit is lost. If anything was to change, only the server knows whether it has.
            self._end(None)
            if self._database.has_changed and not self._was_committed(deadline):
                raise
        # On this server it is. If that fails before its replica has it, the next server may know nothing of it.
        if self._is_unconfirmed and not self._was_committed(deadline):
            raise RepeatedError
        self._settled_day = day
        self._tables.committed()
        self._drop_expired()
        return results

    def _connect(self) -> None:
        connection = self._database.connection
        if connection is not None and not connection.closed and not connection.broken:
            return
        self._database.connection = connect(self._address, self._note_unconfirmed)

    def _note_unconfirmed(self) -> None:
        self._is_unconfirmed = True

    def _begin(self, day: int, *, writes: bool) -> None:
        """Begin a transaction. While one that writes on a day is open, no ID can come on a later day."""
        script = begin(self._address)
        if writes:
            script += _BY_INDEX
            if self._settled_day != day:
                # IDs are unique within a day by an index, and across days by a look. Nobody may be between the two.
                script.append(f"SELECT pg_advisory_xact_lock({lock_key(self._address, 'day', day - 1)})")
            script.append(f"SELECT pg_advisory_xact_lock_shared({lock_key(self._address, 'day', day)})")
        else:
            script.append("SET TRANSACTION READ ONLY")
        # While this is open, no other version can change the format.
        script.append("SELECT extract(epoch FROM clock_timestamp())::float8, version, salt FROM outbox")
        moment, version, salt = self._database.last_row("; ".join(script))
        if version != VERSION:
            raise later_format(self._address, version)
        if salt != self._salt:
            shown = self._address.shown
            raise QueueOpenError(f"the outbox {shown} was deleted and made again meanwhile; start this again")
        self._database.has_changed = False
        self.server_clock.set(moment)
        if writes and day_of(self._now()) != day:
            raise RepeatedError

    def _was_committed(self, deadline: float) -> bool:
        """Ask about a transaction that is not known to be on all servers that must have it. Raises QueueLockedError.

        The question is a transaction, too: once its commit is confirmed, so are all that the answer relies on.
        """
        attempt = 0
        while True:
            attempt += 1
            self._is_unconfirmed = False
            try:
                self._connect()
                was_committed = self._marks.was_committed()
                if not self._is_unconfirmed:
                    return was_committed
                reason = "its replica has not confirmed it"
            except psycopg.Error as error:
                self._end(None)
                self._is_unconfirmed = True
                reason = told(error)
                if not (is_lost(error) or is_repeated(error)):
                    deadline = time.monotonic()
            if time.monotonic() >= deadline:
                raise QueueLockedError(f"it does not say whether it stored what was written ({reason})")
            self._wait(attempt, deadline)

    def _drop_expired(self) -> None:
        """Drop days whose IDs have expired, now that no transaction is open."""
        if (before := self._tables.expired_before()) is not None:
            with contextlib.suppress(psycopg.Error):
                # What could not be dropped is dropped after a later put.
                self._days.drop(before)

    def _abandon(self, error: Exception | None) -> None:
        """End a transaction that failed, and forget what was learnt in it."""
        if hasattr(self, "_tables"):
            self._tables.reset()
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        """Roll back, or close a connection that is lost (or if there is no error)."""
        self._database.forget()
        connection = self._database.connection
        if connection is None:
            return
        if error is None or (isinstance(error, psycopg.Error) and is_lost(error)):
            self.close()
            return
        if isinstance(error, psycopg.Error) and error.sqlstate == "23514":
            self._days.forget()
        try:
            if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._database.script("ROLLBACK")
        except psycopg.Error:
            self.close()

    def _now(self) -> float:
        return self.server_clock.now() if self._has_server_clock else self._clock.now().timestamp()

    def _wait(self, attempt: int, deadline: float) -> None:
        """Wait before another attempt: longer each time, and not as long as others."""
        seconds = min(_LONGEST_PAUSE, 0.01 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        time.sleep(max(0.0, min(seconds, deadline - time.monotonic())))
