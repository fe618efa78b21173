"""Everything that an outbox holds, read in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import ExportedBatch, ExportedIds, ExportedMemberships, ExportedRecord, KeptDeadLetter, Lane
from ..stored.damaged import Damaged
from ..stored.hashes import KEPT_BYTES, parted
from ..stored.packing import UNREADABLE, queued_of
from .audiences import AudienceTable
from .dead_letters import DeadLetterTable
from .generations import GenerationTables, split
from .lanes import LaneTable
from .notes import NoteTables

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from ..contract import Exported
    from ..engine import Candidate

_BATCHES = """
SELECT batches.id, batches.lane, batches.events,
    run, attempts, accepted_at, due, batches.error, account, action, shard, about, payloads, bodies.events
FROM batches JOIN bodies ON batch = batches.id JOIN lanes ON lanes.id = lane ORDER BY batches.id
"""
_MEMBERS_AT_ONCE = 5_000
_RECENT_IDS = "SELECT hashes FROM recent_ids ORDER BY batch"


def everything(connection: sqlite3.Connection, now: float, is_held: Callable[[Candidate], bool]) -> Iterator[Exported]:
    """Yield lanes, batches, dead letters, checkpoints, records, audiences, and the hashes of known IDs."""
    yield from LaneTable(connection).statuses(now, is_held)
    for number, lane, events, run, attempts, accepted_at, due, error, *columns in connection.execute(_BATCHES):
        try:
            queued = queued_of(tuple(columns))
        except UNREADABLE as damage:
            # It takes the place of the batch, as a lease would.
            damaged = Damaged(number, lane, run, events, str(damage))
            yield KeptDeadLetter(0, accepted_at, damaged.letter(Lane(columns[0], columns[1])))
            continue
        yield ExportedBatch(queued, run, attempts, accepted_at, due, error)
    yield from DeadLetterTable(connection).all()
    notes = NoteTables(connection)
    yield from notes.every_checkpoint()
    for key, value in notes.records("").items():
        yield ExportedRecord(key, value)
    yield from _memberships(AudienceTable(connection))
    yield from _ids(connection)


def _memberships(table: AudienceTable) -> Iterator[ExportedMemberships]:
    for audience in table.all():
        last = b""
        while memberships := table.memberships(audience.id, last, _MEMBERS_AT_ONCE):
            yield ExportedMemberships(audience, memberships)
            last = memberships[-1][0]
        if not last:
            yield ExportedMemberships(audience, ())


def _ids(connection: sqlite3.Connection) -> Iterator[ExportedIds]:
    """Yield hashes with the beginning of the period in which they came."""
    salt, since = connection.execute("SELECT salt, since FROM id_state").fetchone()
    tables = GenerationTables(connection)
    for generation in tables.load({}):
        for entries in tables.entries(generation):
            if entries:
                yield ExportedIds([entry[:KEPT_BYTES] for entry in split(entries)], generation.since, salt)
    for (hashes,) in connection.execute(_RECENT_IDS):
        if hashes:
            yield ExportedIds([name[:KEPT_BYTES] for name in parted(hashes)], since or 0.0, salt)
