"""Chunks that were accepted in part, since the queue became full and nobody waits for room any more."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..sources.contract import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..queues.contract import Put


def take_accepted(chunks: Sequence[Chunk], done: Sequence[Put], left: Sequence[Put]) -> list[Chunk]:
    """Take out of chunks the events that were put, and return these as chunks. What stays was not accepted.

    An event with a batch that is left was not accepted, even if another batch has it for another subscription.
    """
    accepted = Counter(_texts(done))
    for text in _texts(left):
        accepted.pop(text, None)
    return [part for chunk in chunks if (part := _take(chunk, accepted)).count]


def _texts(puts: Sequence[Put]) -> Iterator[bytes]:
    for put in puts:
        for queued in put.batches:
            yield from queued.batch.events.kept


def _take(chunk: Chunk, accepted: Counter[bytes]) -> Chunk:
    part, rest = list[tuple[int, bytes]](), list[tuple[int, bytes]]()
    for place, text in zip(chunk.places, chunk.texts, strict=True):
        (part if accepted[text] > 0 else rest).append((place, text))
        accepted[text] -= 1
    chunk.places, chunk.texts = [place for place, _ in rest], [text for _, text in rest]
    places, texts = [place for place, _ in part], [text for _, text in part]
    return Chunk(chunk.source, chunk.key, unit=chunk.unit, places=places, texts=texts)
