"""A whole outbox that is copied from a database, or to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from ..contract import QueueOpenError
from ..engine import Candidate
from ..rules import is_held
from ..stored.transfer import TABLES, CopiedIds, Numbers
from .address import address_of
from .connecting import begin, connect
from .days import SECONDS_A_DAY, Days, day_of
from .dead_letters import COUNT_LETTERS
from .installing import install
from .owners import Owners
from .postgres_errors import queue_error
from .statements import Statements, decoded_or_none, encoded, encoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..engine import EngineOptions
    from ..stored.transfer import Row

_TEXTS = {
    "lanes": {"account", "action", "error"},
    "batches": {"error"},
    "dead_letters": {
        *("message", "source", "account", "action", "subscription", "key", "problems", "request_id", "path"),
    },
    "checkpoints": {"key", "name"},
    "records": {"key"},
    "audiences": {"id", "account", "name"},
}
"""The columns of text that are stored as bytes."""

_SELECT = {
    "lanes": """
        SELECT id, account, action, coalesce(sum(delivered), 0)::bigint, max(delivered_at), error, error_at, stopped,
            paused_until, paused_for FROM lanes LEFT JOIN lane_counts ON lane = id GROUP BY id ORDER BY id
    """,
    "contents": f"SELECT batch, (day * {SECONDS_A_DAY})::float8, digests FROM batch_ids WHERE digests IS NOT NULL",  # noqa: S608
    "rates": "SELECT lane, minute, sum(delivered)::bigint FROM rates GROUP BY lane, minute",
    "outcomes": "SELECT run, outcome, sum(events)::bigint FROM outcomes GROUP BY run, outcome",
}
_LOCKED = (
    "lanes, lane_counts, batches, dead_letters, known_ids, batch_ids, checkpoints, records, puts, rates, outcomes,"
    " audiences, memberships"
)

_ADD_IDS = """
INSERT INTO known_ids (day, name, batch) SELECT %(day)s, name, batch
FROM unnest(%(names)s::bytea[], %(batches)s::bigint[]) AS added(name, batch)
ON CONFLICT (name, day) DO UPDATE SET batch = greatest(known_ids.batch, excluded.batch)
"""
_COUNT_LANES = """
INSERT INTO lane_counts (lane, slot, batches, events, bytes)
SELECT lane, 0, count(*), sum(events), sum(bytes) FROM batches GROUP BY lane
ON CONFLICT (lane, slot) DO UPDATE
SET batches = excluded.batches, events = excluded.events, bytes = excluded.bytes
"""
_COUNT_IDS = "INSERT INTO id_counts (day, slot, ids) SELECT day, 0, count(*) FROM known_ids GROUP BY day"
_PAGE = 10_000


class _Transfer:
    """A connection in a transaction of its own."""

    def __init__(self, location: str, options: EngineOptions, *, create: bool) -> None:
        self.address = address_of(location, writes=True)
        self.database = Statements()
        self.now = options.clock.now().timestamp()
        try:
            self.connection = self.database.connection = connect(self.address)
            install(self.database, self.address, create=create, read_only=False)
        except psycopg.Error as error:
            self.close()
            raise self.told(error) from None
        except QueueOpenError:
            self.close()
            raise

    def told(self, error: Exception) -> Exception:
        """Return an error that says why this cannot be done."""
        converted = queue_error(error, self.address.shown)
        if isinstance(converted, QueueOpenError) or converted is error:
            return converted
        return QueueOpenError(f"the outbox {self.address.shown} cannot be used: {converted}")

    def begin(self) -> None:
        """Begin a transaction in which nobody else writes. Raises QueueOpenError if somebody does."""
        # The other side of a copy may be slow.
        self.database.script("; ".join(begin(self.address, lock_timeout="2s", idle_timeout="0")))
        try:
            # Readers are not disturbed. A process that writes now is not waited for.
            self.database.script(f"LOCK TABLE {_LOCKED} IN SHARE ROW EXCLUSIVE MODE NOWAIT")
        except psycopg.errors.LockNotAvailable:
            self.close()
            message = f"another process writes to the outbox {self.address.shown}; end it, and run again"
            raise QueueOpenError(message) from None

    def close(self) -> None:
        """End the transaction, and close the connection."""
        if self.database.connection is not None:
            self.database.connection.close()


class PostgresTransferSource:
    """An outbox that is locked for all who write. Raises QueueOpenError if somebody does."""

    def __init__(self, location: str, options: EngineOptions) -> None:
        self._transfer = _Transfer(location, options, create=False)
        self._database = self._transfer.database
        self._transfer.begin()
        owners = Owners(self._database)
        leases = self._database.rows("SELECT DISTINCT owner, leased_until FROM batches WHERE owner IS NOT NULL")
        ((now,),) = self._database.rows("SELECT extract(epoch FROM clock_timestamp())::float8")
        held = [Candidate(0, None, 0, 0, owners.name(owner), until) for owner, until in leases]
        if any(is_held(candidate, now) for candidate in held):
            self.close()
            message = f"another process sends from the outbox {self._transfer.address.shown}; end it, and run again"
            raise QueueOpenError(message)

    def salt(self) -> bytes:
        """Return with what IDs are hashed."""
        ((salt,),) = self._database.rows("SELECT salt FROM outbox")
        return bytes(salt)

    def numbers(self) -> Numbers:
        """Return the last IDs."""
        query = "SELECT (SELECT last_value FROM batches_id_seq), (SELECT last_value FROM dead_letters_id_seq)"
        ((batch, letter),) = self._database.rows(query)
        return Numbers(batch, letter)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table."""
        columns = TABLES[table]
        texts = {at for at, column in enumerate(columns) if column in _TEXTS.get(table, ())}
        query = _SELECT.get(table, f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1")  # noqa: S608 - constants
        # In steps, so a large table is never in memory as a whole.
        with self._transfer.connection.cursor(name="copied") as cursor:
            cursor.itersize = 200
            for row in cursor.execute(query.encode(), binary=True):
                yield tuple(decoded_or_none(value) if at in texts else value for at, value in enumerate(row))

    def ids(self, now: float) -> Iterator[CopiedIds]:
        """Yield all known IDs, in groups."""
        for (day,) in self._database.rows("SELECT DISTINCT day FROM id_counts ORDER BY day"):
            since = float(day * SECONDS_A_DAY)
            last = b""
            query = f"SELECT name, batch FROM known_ids WHERE day = {day} AND name > %s ORDER BY name LIMIT %s"  # noqa: S608
            while some := self._database.rows(query, (last, _PAGE)):
                yield CopiedIds(dict(some), since, min(now, since + SECONDS_A_DAY - 1))
                last = some[-1][0]

    def close(self) -> None:
        """Let others write again."""
        self._transfer.close()


class PostgresTransferTarget:
    """An outbox in a new schema, or an empty one."""

    def __init__(self, location: str, options: EngineOptions) -> None:
        self._transfer = _Transfer(location, options, create=True)
        self._database = self._transfer.database
        self._days = Days(self._database, self._transfer.address)

    def begin(self, salt: bytes) -> None:
        """Begin. Raises QueueOpenError if there is something already."""
        today = day_of(self._transfer.now)
        for day in range(today - self._transfer.address.unique_days, today + 1):
            self._days.make(day)
        self._transfer.begin()
        for table in (*TABLES, "known_ids"):
            name = "batch_ids" if table == "contents" else table
            if self._database.row(f"SELECT 1 FROM {name} LIMIT 1"):  # noqa: S608 - constants
                raise QueueOpenError(f"the outbox {self._transfer.address.shown} is not empty; name another schema")
        self._database.run("UPDATE outbox SET salt = %s", (salt,))

    def add(self, table: str, rows: Iterable[Row]) -> int:
        """Store the rows of a table; return how many."""
        if table == "contents":
            return self._add_contents(rows)
        columns = TABLES[table]
        if table == "lanes":
            return self._add_lanes(rows)
        slots = ("slot",) if table in {"rates", "outcomes"} else ()
        texts = {at for at, column in enumerate(columns) if column in _TEXTS.get(table, ())}
        count = 0
        statement = f"COPY {table} ({', '.join((*columns, *slots))}) FROM STDIN"
        with self._transfer.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                values = [encoded_or_none(value) if at in texts else value for at, value in enumerate(row)]
                copy.write_row([*values, *(0 for _ in slots)])
                count += 1
        return count

    def _add_lanes(self, rows: Iterable[Row]) -> int:
        count = 0
        for number, account, action, delivered, delivered_at, error, *rest in rows:
            self._database.run(
                "INSERT INTO lanes (id, account, action, error, error_at, stopped, paused_until, paused_for)"
                " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (number, encoded(account), encoded(action), encoded_or_none(error), *rest),
            )
            self._database.run(
                "INSERT INTO lane_counts (lane, slot, delivered, delivered_at) VALUES (%s, 0, %s, %s)",
                (number, delivered, delivered_at),
            )
            count += 1
        return count

    def _add_contents(self, rows: Iterable[Row]) -> int:
        """Store digests with the day of today, the only one that is certainly kept long enough."""
        day, count = day_of(self._transfer.now), 0
        for batch, _, digests in rows:
            self._database.run(
                "INSERT INTO batch_ids (day, batch, run, names, digests) VALUES (%s, %s, 0, '', %s)",
                (day, batch, digests),
            )
            count += 1
        return count

    def add_ids(self, ids: CopiedIds, now: float) -> int:
        """Store known IDs; return how many, without those that have expired by the rules of this engine."""
        day = day_of(ids.until)
        if day < day_of(now) - self._transfer.address.unique_days:
            return 0
        pairs: list[tuple[bytes, Any]] = [*ids.batches.items()]
        for start in range(0, len(pairs), _PAGE):
            some = pairs[start : start + _PAGE]
            names, batches = [name for name, _ in some], [batch for _, batch in some]
            self._database.run(_ADD_IDS, {"day": day, "names": names, "batches": batches})
        return len(pairs)

    def finish(self, numbers: Numbers) -> None:
        """Count what lanes hold, dead letters and IDs, and commit."""
        self._database.run(_COUNT_LANES)
        self._database.run(COUNT_LETTERS)
        self._database.run(_COUNT_IDS)
        for table, last in zip(("batches", "dead_letters"), numbers, strict=True):
            self._database.run("SELECT setval(%s, greatest(%s::bigint, 1))", (f"{table}_id_seq", last))
        self._database.run("SELECT setval('lanes_id_seq', (SELECT coalesce(max(id), 1) FROM lanes))")
        self._database.run("SELECT setval('audiences_number_seq', (SELECT coalesce(max(number), 1) FROM audiences))")
        self._database.script("COMMIT")

    def close(self) -> None:
        """Close the outbox. Without `finish`, nothing is stored."""
        self._transfer.close()
