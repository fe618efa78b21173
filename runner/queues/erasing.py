"""The erasure of a customer: which events are theirs, and the operations that delete these and keep all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from .contract import Erased
from .leasing import holds_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import DeadLetter, Erasure, QueuedBatch
    from .engine import Tables

AT_ONCE = 100
"""So many batches or dead letters are looked at in one transaction, so nobody waits for long."""

Belonging = Literal["yes", "no", "unsure"]

_IDENTITIES = (("userId",), ("anonymousId",), ("groupId",), ("previousId",), ("context", "groupId"))


def erase_batches(tables: Tables, *, erasure: Erasure, after: int, now: float, dry_run: bool) -> tuple[int, Erased]:
    """Erase a customer's events in the next queued batches after one; return the last of these (0: there was none).

    What somebody has leased stays: it may be on its way. The IDs of events that are erased stay known, so they do
    not come back when their source is read again.
    """
    held = holds_at(now)
    last, erased = 0, Erased()
    for candidate in tables.batches_after(after, AT_ONCE):
        last = candidate.id
        queued = tables.read_batch(candidate.id)
        if queued is None:
            erased.damaged.append(candidate.id)
            continue
        rest = _others(erasure, queued)
        count = queued.count - len(rest)
        if not count:
            continue
        if candidate.owner is not None and held(candidate):
            erased.leased += count
            continue
        erased.queued += count
        if not dry_run:
            tables.keep_events(candidate.id, queued, rest)
    return last, erased


def erase_letters(tables: Tables, *, erasure: Erasure, ids: Sequence[int], dry_run: bool) -> Erased:
    """Erase a customer's dead letters among some. Their IDs stay known, as those of queued events do."""
    theirs, erased = [], Erased()
    for kept in tables.read_dead_letters(ids):
        belonging = _belonging(erasure, kept.letter)
        if belonging == "yes":
            theirs.append(kept.id)
        elif belonging == "unsure":
            erased.unsure.append(kept.id)
    erased.dead_letters += len(theirs)
    if theirs and not dry_run:
        tables.take_dead_letters(theirs)
    return erased


def _others(erasure: Erasure, queued: QueuedBatch) -> list[int]:
    """Return the positions of the events of a batch that are of other customers."""
    batch = queued.batch
    fields = erasure.fields.get(batch.action, ())
    payloads = _read(batch.payloads.text)
    if not isinstance(payloads, list) or len(payloads) != queued.count:
        payloads = [None] * queued.count
    return [
        position
        for position, (payload, event) in enumerate(zip(payloads, batch.events.kept, strict=True))
        if not _is_theirs(erasure, fields, payload, event)
    ]


def _belonging(erasure: Erasure, letter: DeadLetter) -> Belonging:
    fields = erasure.fields.get(letter.action or "", ())
    payload = None if letter.payload is None else _read(letter.payload)
    if _is_theirs(erasure, fields, payload, letter.event or b""):
        return "yes"
    if _named(payload, fields):
        return "no"
    # An ID that is not part of another word may be a customer's that a mapping of the user's own names.
    return "unsure" if msgspec.json.encode(erasure.customer) in (letter.event or b"") else "no"


def _is_theirs(erasure: Erasure, fields: Sequence[str], payload: Any, event: bytes) -> bool:
    named = _named(payload, fields)
    return erasure.customer in (named or _identities(_read(event)))


def _named(payload: Any, fields: Sequence[str]) -> list[str]:
    """Return the customers that a payload names in some fields."""
    if not isinstance(payload, dict):
        return []
    values = [payload.get(field) for field in fields]
    return [str(value) for value in values if value is not None and value != ""]


def _identities(event: Any) -> list[str]:
    """Return the customers that an event names by the IDs of Segment."""
    found = []
    for path in _IDENTITIES:
        value = event
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str | int) and not isinstance(value, bool):
            found.append(str(value))
    return found


def _read(text: bytes) -> Any:
    """Return JSON; None if it is none, or nested too deeply."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
