"""Everything that an outbox holds, read in one transaction."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ..contract import ExportedBatch, ExportedIds, ExportedRecord
from .dead_letters import DeadLetterTable
from .known_ids import parted
from .lanes import LaneTable
from .notes import NoteTables
from .packing import queued_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from ..contract import Exported
    from ..engine import Candidate

_BATCHES = """
SELECT run, attempts, accepted_at, due, batches.error, account, action, shard, about, payloads, bodies.events
FROM batches JOIN bodies ON batch = batches.id JOIN lanes ON lanes.id = lane ORDER BY batches.id
"""
_IDS = """
SELECT (SELECT at FROM id_periods WHERE first_batch <= batch ORDER BY first_batch DESC LIMIT 1) AS at, hash FROM ids
"""
_RECENT_IDS = """
SELECT (SELECT at FROM id_periods WHERE first_batch <= batch ORDER BY first_batch DESC LIMIT 1), hashes FROM recent_ids
ORDER BY batch
"""
_MOST_IDS = 10_000


def everything(connection: sqlite3.Connection, now: float, is_held: Callable[[Candidate], bool]) -> Iterator[Exported]:
    """Yield lanes, batches, dead letters, checkpoints, records, and the hashes of known IDs."""
    yield from LaneTable(connection).statuses(now, is_held)
    for run, attempts, accepted_at, due, error, *columns in connection.execute(_BATCHES):
        yield ExportedBatch(queued_of(tuple(columns)), run, attempts, accepted_at, due, error)
    yield from DeadLetterTable(connection).all()
    notes = NoteTables(connection)
    yield from notes.checkpoints()
    for key, value in notes.records("").items():
        yield ExportedRecord(key, value)
    yield from _ids(connection)


def _ids(connection: sqlite3.Connection) -> Iterator[ExportedIds]:
    """Yield hashes with the beginning of the period in which they came."""
    merged = connection.execute(_IDS)
    while rows := merged.fetchmany(_MOST_IDS):
        for at, group in groupby(sorted(rows, key=lambda row: row[0] or 0.0), key=lambda row: row[0]):
            yield ExportedIds([name for _, name in group], at or 0.0)
    for at, hashes in connection.execute(_RECENT_IDS):
        if hashes:
            yield ExportedIds(parted(hashes), at or 0.0)
