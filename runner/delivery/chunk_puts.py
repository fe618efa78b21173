"""What chunks are put as: batches, dead letters, and how far each source is accepted with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..queues.contract import Checkpoint, Put, RereadText
from ..sources.contract import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..queues.contract import Token
    from ..sources.contract import Chunk
    from .planning import Planned


def put_of(chunks: Sequence[Chunk], planned: Planned, account: str, token: Token, *, compares_contents: bool) -> Put:
    """Return the put of some chunks that were planned together."""
    # The last checkpoint of a source counts.
    checkpoints = {
        key: Checkpoint(key, chunk.source, chunk.checkpoint, chunk.is_end)
        for chunk in chunks
        if chunk.key is not None and chunk.checkpoint is not None
        for key in (chunk.key, *chunk.other_keys)
    }
    expects: dict[str, bytes | None] = {}
    for chunk in chunks:
        if chunk.key is not None and chunk.fence is not None:
            expects.setdefault(chunk.key, chunk.fence.expected)
    reread = [
        RereadText(account, _begin_of(chunk), chunk.texts[0], chunk.earlier_path or chunk.path)
        for chunk in chunks
        if chunk.reread
    ]
    return Put(
        token,
        planned.batches,
        planned.dead_letters,
        tuple(checkpoints.values()),
        records={key: value for chunk in chunks for key, value in chunk.records.items()},
        reread=reread,
        too_old=planned.too_old,
        compares_contents=compares_contents,
        unkept={chunk.source for chunk in chunks if not chunk.keeps_rejected},
        expects=expects,
    )


def one_by_one(put: Put, next_token: Callable[[], Token]) -> Iterator[Put]:
    """Divide what is too much to be accepted together: the checkpoints are written with the last part."""
    *batches, last = range(len(put.batches))
    for at in batches:
        yield Put(next_token(), [put.batches[at]], too_old=_only(put.too_old, at))
    yield replace(put, token=next_token(), batches=[put.batches[last]], too_old=_only(put.too_old, last))


def are_known_by_id(put: Put) -> bool:
    """Return whether a part of it can be accepted again without being sent twice."""
    return all(key is not None for queued in put.batches for key in queued.batch.idempotency_keys)


def _only(too_old: Mapping[int, AbstractSet[int]], batch: int) -> dict[int, AbstractSet[int]]:
    return {0: too_old[batch]} if batch in too_old else {}


def _begin_of(chunk: Chunk) -> Origin:
    """Return where a chunk begins. A batch was not a batch, only text on its line, before it was complete."""
    first = Origin(chunk.source, chunk.places[0], chunk.unit)
    return first._replace(place=first.line)
