"""When generations of IDs become one, and how: a bit at a time, so nobody waits for it.

As in any log-structured merge tree, generations of a size become one of the next: the smallest as soon as there are
eight, larger ones when there are so many that to look into all of them takes longer than to write eight of them again.
So an ID is written twice as long as there are fewer than sixteen million, and then three or four times.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .filters import LANES
from .generations import ALL_WORDS, MOST_BATCHES, bits_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .generations import Generation, GenerationTables

_AT_MOST = LANES
"""It costs nearly the same to look into so many filters as into one."""

_MANY_LARGE = 4 * LANES
"""Larger ones wait until there are so many. To look into four groups of filters takes less time than to merge one."""

_LARGE_LEVEL = 2
"""The level of some four million IDs."""

_BUCKETS_AT_ONCE = 256
"""Some 16,000 IDs."""


def sources_of_next(generations: Sequence[Generation], since: float | None) -> list[Generation]:
    """Return generations that may become one: of one period, so they expire together; and the smallest first.

    Those of a period that is over (it began at another moment than `since`) need not be of a size: it gets no more.
    """
    free = [each for each in generations if each.is_complete and each.merged_into is None]
    for sources in _groups(free, since):
        first, last = _batches(sources)
        if last - first < MOST_BATCHES:
            return sources
    return []


def _groups(free: Sequence[Generation], since: float | None) -> Iterator[list[Generation]]:
    """Yield generations that are enough to become one, the oldest of each size."""
    in_order = sorted(free, key=lambda each: (each.level, each.since, each.last_batch))
    for (level, _), same in groupby(in_order, key=lambda each: (each.level, each.since)):
        of_level = list(same)
        if len(of_level) >= (_MANY_LARGE if level else _AT_MOST):
            yield of_level[:_AT_MOST]
    for period in sorted({each.since for each in free if each.since != since}):
        small = [each for each in in_order if each.since == period and each.level < _LARGE_LEVEL]
        if len(small) > 1:
            yield small


def _batches(generations: Sequence[Generation]) -> tuple[int, int]:
    return min(each.first_batch for each in generations), max(each.last_batch for each in generations)


def begin(tables: GenerationTables, sources: Sequence[Generation]) -> Generation:
    """Begin to make one generation of some."""
    level = sources[-1].level + 1
    if sources[0].level < sources[-1].level or len(sources) < _AT_MOST:
        # It is all that is left of a period, and is not to be merged again.
        level = _LARGE_LEVEL
    target = tables.create(level, bits_for(tables.count(sources)), sources[0].since, _batches(sources))
    tables.merge(sources, target)
    return target


def go_on(tables: GenerationTables, sources: Sequence[Generation], target: Generation) -> None:
    """Move the next IDs. When all have moved, the target is complete, and the sources are deleted."""
    # In steps of whole buckets of each.
    bits = min([target.bits, *[source.bits for source in sources]])
    steps = max(1, _BUCKETS_AT_ONCE >> target.bits - bits)
    end = min(target.end_word + steps * (ALL_WORDS >> bits), ALL_WORDS)
    entries = [entry for source in sources for entry in tables.take(source, end)]
    tables.add_part(target, end, sorted(entries))
    if target.is_complete:
        for source in sources:
            tables.delete(source)
