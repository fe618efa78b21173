"""Everything that an outbox holds, read in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import (
    LONGEST_PAUSE_SECONDS,
    ExportedBatch,
    ExportedIds,
    ExportedMemberships,
    ExportedRecord,
    KeptDeadLetter,
    Lane,
)
from ..stored.damaged import Damaged
from ..stored.packing import UNREADABLE, queued_of
from .audiences import AudienceTable
from .days import SECONDS_A_DAY
from .dead_letters import DeadLetterTable
from .lanes import LaneTable
from .notes import NoteTables
from .owners import Owners
from .statements import decoded, decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..contract import Exported
    from ..engine import Candidate
    from .statements import Statements

_BATCHES = """
SELECT batches.id, batches.lane, events, run, attempts, accepted_at, due, batches.error, account, action, shard, about,
    payloads, contents
FROM batches JOIN lanes ON lanes.id = lane WHERE batches.id > %s ORDER BY batches.id LIMIT %s
"""
_PAGE = 50
_MEMBERS_AT_ONCE = 5_000
_IDS_AT_ONCE = 10_000


def everything(
    database: Statements, salt: bytes, now: float, is_held: Callable[[Candidate], bool]
) -> Iterator[Exported]:
    """Yield lanes, batches, dead letters, checkpoints, records, audiences, and the hashes of known IDs."""
    yield from LaneTable(database, Owners(database), 0).statuses(now, now + LONGEST_PAUSE_SECONDS, is_held)
    yield from _batches(database)
    yield from DeadLetterTable(database).all()
    notes = NoteTables(database, 0)
    yield from notes.every_checkpoint()
    for key, value in notes.records("").items():
        yield ExportedRecord(key, value)
    yield from _memberships(AudienceTable(database))
    yield from _ids(database, salt)


def _memberships(table: AudienceTable) -> Iterator[Exported]:
    for audience in table.all():
        last = b""
        while memberships := table.memberships(audience.id, last, _MEMBERS_AT_ONCE):
            yield ExportedMemberships(audience, memberships)
            last = memberships[-1][0]
        if not last:
            yield ExportedMemberships(audience, ())


def _batches(database: Statements) -> Iterator[Exported]:
    last = 0
    while rows := database.rows(_BATCHES, (last, _PAGE)):
        for last, lane, events, run, attempts, accepted_at, due, error, account, action, *columns in rows:
            try:
                queued = queued_of((decoded(account), decoded(action), *columns))
            except UNREADABLE as damage:
                # It takes the place of the batch, as a lease would.
                damaged = Damaged(last, lane, run, events, str(damage))
                letter = damaged.letter(Lane(decoded(account), decoded(action)))
                yield KeptDeadLetter(0, accepted_at, letter)
                continue
            yield ExportedBatch(queued, run, attempts, accepted_at, due, decoded_or_none(error))


def _ids(database: Statements, salt: bytes) -> Iterator[ExportedIds]:
    """Yield hashes with the beginning of the day on which they came."""
    for (day,) in database.rows("SELECT DISTINCT day FROM id_counts ORDER BY day"):
        last = b""
        query = f"SELECT name FROM known_ids WHERE day = {day} AND name > %s ORDER BY name LIMIT %s"  # noqa: S608
        while names := [name for (name,) in database.rows(query, (last, _IDS_AT_ONCE))]:
            yield ExportedIds(names, float(day * SECONDS_A_DAY), salt)
            last = names[-1]
