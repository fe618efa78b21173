"""A whole outbox that is copied from its file, or to one."""

from __future__ import annotations

import sqlite3
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract import QueueOpenError
from ..engine import Candidate, EngineOptions
from ..rules import is_held
from ..stored.hashes import KEPT_BYTES, parted
from ..stored.transfer import FLAGS, TABLES, CopiedIds, Numbers
from .file import connect
from .generations import ENTRY_BYTES, GenerationTables
from .known_ids import PERIOD_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..stored.transfer import Row

_SELECT = {
    "batches": "SELECT id, lane, shard, run, batches.events, bytes, attempts, accepted_at, due, error, wait, about,"
    " payloads, bodies.events FROM batches JOIN bodies ON batch = id ORDER BY id"
}
_COUNT_LANES = """
UPDATE lanes SET (batches, events, bytes) = (
    SELECT count(*), coalesce(sum(events), 0), coalesce(sum(bytes), 0) FROM batches WHERE lane = lanes.id
)
"""
_MOST_IN_GENERATION = 65_536
_AT_ONCE = 500


class SqliteTransferSource:
    """An outbox in a file, which is locked for all who write. Raises QueueOpenError if somebody does."""

    def __init__(self, location: str, options: EngineOptions) -> None:
        self._connection = connect(Path(location), options)
        try:
            # Readers are not disturbed, and no writer comes in between.
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            message = f"another process writes to the outbox {location}; end it, and run again ({error})"
            raise QueueOpenError(message) from None
        now = options.clock.now().timestamp()
        leases = self._connection.execute("SELECT DISTINCT owner, leased_until FROM batches WHERE owner IS NOT NULL")
        if any(is_held(Candidate(0, None, 0, 0, *lease), now) for lease in leases.fetchall()):
            self.close()
            raise QueueOpenError(f"another process sends from the outbox {location}; end it, and run again")

    def salt(self) -> bytes:
        """Return with what IDs are hashed."""
        salt: bytes = self._connection.execute("SELECT salt FROM id_state").fetchone()[0]
        return salt

    def numbers(self) -> Numbers:
        """Return the last IDs."""
        last = dict(self._connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        return Numbers(last.get("batches", 0), last.get("dead_letters", 0))

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table."""
        columns = TABLES[table]
        query = _SELECT.get(table, f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1")  # noqa: S608 - constants
        flags = [at for at, column in enumerate(columns) if column in FLAGS]
        for row in self._connection.execute(query):
            values = [*row]
            for at in flags:
                values[at] = bool(values[at])
            yield tuple(values)

    def ids(self, now: float) -> Iterator[CopiedIds]:
        """Yield all known IDs, in groups."""
        tables = GenerationTables(self._connection)
        for generation in tables.load({}):
            batches = {}
            for entries in tables.entries(generation):
                for at in range(0, len(entries), ENTRY_BYTES):
                    batches[entries[at : at + KEPT_BYTES]] = generation.batch_of(entries, at)
                if len(batches) >= _MOST_IN_GENERATION:
                    yield CopiedIds(batches, generation.since, min(now, generation.since + PERIOD_SECONDS))
                    batches = {}
            if batches:
                yield CopiedIds(batches, generation.since, min(now, generation.since + PERIOD_SECONDS))
        since = self._connection.execute("SELECT since FROM id_state").fetchone()[0] or now
        recent: dict[bytes, int] = {}
        for batch, hashes in self._connection.execute("SELECT batch, hashes FROM recent_ids ORDER BY batch"):
            recent.update(dict.fromkeys([name[:KEPT_BYTES] for name in parted(hashes)], batch))
        if recent:
            yield CopiedIds(recent, since, now)

    def close(self) -> None:
        """Let others write again."""
        self._connection.rollback()
        self._connection.close()


class SqliteTransferTarget:
    """An outbox in a new file."""

    def __init__(self, location: str, options: EngineOptions) -> None:
        self._location = location
        self._connection = connect(Path(location), options)

    def begin(self, salt: bytes) -> None:
        """Begin. Raises QueueOpenError if there is something already."""
        self._connection.execute("BEGIN IMMEDIATE")
        for table in (*TABLES, "recent_ids", "id_generations"):
            if self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 - constants
                raise QueueOpenError(f"the outbox {self._location} is not empty; name a new file")
        self._connection.execute("UPDATE id_state SET salt = ?, changes = changes + 1", (salt,))

    def add(self, table: str, rows: Iterable[Row]) -> int:
        """Store the rows of a table; return how many."""
        if table == "batches":
            return self._add_batches(rows)
        columns = TABLES[table]
        values = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - constants
        return self._connection.executemany(statement, rows).rowcount

    def _add_batches(self, rows: Iterable[Row]) -> int:
        columns = TABLES["batches"][:-3]
        values = ", ".join("?" * len(columns))
        statement = f"INSERT INTO batches ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - constants
        count, iterator = 0, iter(rows)
        while some := [*islice(iterator, _AT_ONCE)]:
            self._connection.executemany(statement, [row[:-3] for row in some])
            self._connection.executemany(
                "INSERT INTO bodies VALUES (?, ?, ?, ?)", [(row[0], *row[-3:]) for row in some]
            )
            count += len(some)
        return count

    def add_ids(self, ids: CopiedIds, now: float) -> int:  # noqa: ARG002 - IDs expire later than in any other engine
        """Store known IDs; return how many."""
        items = iter(sorted(ids.batches.items(), key=_by_batch))
        tables = GenerationTables(self._connection)
        while some := dict(islice(items, _MOST_IN_GENERATION)):
            tables.write(some, ids.since)
        return len(ids.batches)

    def finish(self, numbers: Numbers) -> None:
        """Count what lanes hold, and commit."""
        self._connection.execute(_COUNT_LANES)
        for table, last in zip(("batches", "dead_letters"), numbers, strict=True):
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            self._connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the outbox. Without `finish`, nothing is stored."""
        self._connection.rollback()
        self._connection.close()


def _by_batch(item: tuple[bytes, Any]) -> Any:
    return item[1]
