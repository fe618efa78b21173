"""When generations of IDs become one, and how: a bit at a time, so that nobody waits for it.

As in any log-structured merge tree, four generations of a size become one of the next. So an ID is written some four
times in all, however many there are, and there are few places to look for one.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .generations import MOST_BATCHES, bits_for
from .hashes import WORD_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .generations import Generation, GenerationTables

_FULL_LEVEL = 2
"""The level of about a million IDs. From here on it is cheaper to look for an ID in up to eight than to merge four."""

_MERGED_AT_ONCE = 24_576


def sources_of_next(generations: Sequence[Generation], since: float | None) -> list[Generation]:
    """Return generations that may become one: of one period, so that they expire together.

    Those of a period that is over (it began at another moment than `since`) need not be of a size: it gets no more.
    """
    free = [each for each in generations if each.merged_to is None and each.target is None]
    for sources, most in _groups(free, since):
        chosen = sources[:most]
        if len(chosen) > 1 and _batches(chosen)[1] - _batches(chosen)[0] < MOST_BATCHES:
            return chosen
    return []


def _groups(free: Sequence[Generation], since: float | None) -> Iterator[tuple[list[Generation], int]]:
    """Yield generations that are enough to become one, the oldest first, and how many of them do."""
    in_order = sorted(free, key=lambda each: (each.since, each.level, each.last_batch))
    for period, some in groupby(in_order, key=lambda each: each.since):
        of_period = list(some)
        for level, same in groupby(of_period, key=lambda each: each.level):
            of_level, most = list(same), 4 if level < _FULL_LEVEL else 8
            if len(of_level) >= most:
                yield of_level, most
        if period != since:
            small = [each for each in of_period if each.level < _FULL_LEVEL]
            yield small, len(small)


def _batches(generations: Sequence[Generation]) -> tuple[int, int]:
    return min(each.first_batch for each in generations), max(each.last_batch for each in generations)


def begin(tables: GenerationTables, sources: Sequence[Generation], since: float | None) -> Generation:
    """Begin to make one generation of some."""
    ids = tables.count(sources)
    level = sources[0].level + 1 if sources[0].since == since else max(_FULL_LEVEL, sources[-1].level + 1)
    target = tables.create(level=level, ids=ids, since=sources[0].since, batches=_batches(sources), bits=bits_for(ids))
    tables.move(sources, target)
    return target


def go_on(tables: GenerationTables, sources: Sequence[Generation], target: Generation) -> None:
    """Move the next IDs. When all have moved, the target is complete, and the sources are deleted."""
    assert target.merged_to is not None  # noqa: S101 - it is being made
    # In steps of whole buckets of each.
    bits = min([target.bits, *[source.bits for source in sources]])
    steps = max(1, (_MERGED_AT_ONCE << bits) // max(target.ids, 1))
    start = target.merged_to
    end = min(start + (steps << WORD_BITS - bits), 1 << WORD_BITS)
    entries = []
    for source in sources:
        entries += tables.take(source, start >> WORD_BITS - source.bits, end >> WORD_BITS - source.bits)
    entries.sort()
    tables.add_part(target, start >> WORD_BITS - target.bits, end >> WORD_BITS - target.bits, entries)
    tables.moved_to(target, end)
    if end == 1 << WORD_BITS:
        for source in sources:
            tables.delete(source)
        tables.complete(target)
