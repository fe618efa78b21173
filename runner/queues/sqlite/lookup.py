"""Where IDs are in the generations: filters in memory say where to look, and the file says whether they are there."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .filters import LANES, FilterGroup, Sought

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .generations import Generation, GenerationTables, Place

_FEW = 500
"""As long as a process has asked for no more IDs, it looks for them in the file. To load the filters takes longer."""


class Lookup:
    """Finds IDs in generations, and keeps their filters."""

    def __init__(self, tables: GenerationTables) -> None:
        self._tables = tables
        self._asked = 0
        self._groups: dict[tuple[int, ...], Sequence[Generation]] = {}
        self._filters: dict[tuple[int, ...], FilterGroup] = {}

    def use(self, generations: Iterable[Generation]) -> None:
        """Look into these generations from now on."""
        # What has moved to a generation that is being made is found by way of where it was.
        complete = [each for each in generations if each.merged_to is None]
        together: list[Sequence[Generation]] = []
        for _, same in groupby(sorted(complete, key=lambda each: (each.bits, each.id)), key=lambda each: each.bits):
            some = [*same]
            together += [some[at : at + LANES] for at in range(0, len(some), LANES)]
        self._groups = {tuple(each.id for each in group): group for group in together}
        self._filters = {ids: found for ids, found in self._filters.items() if ids in self._groups}

    def places(self, names: Collection[bytes]) -> Iterator[Place]:
        """Yield the buckets that have some of the IDs."""
        self._asked += len(names)
        sought = Sought([*names])
        for ids, group in self._groups.items():
            for generation, numbers in zip(group, self._candidates(ids, group, sought), strict=True):
                yield from self._tables.places(generation, [(sought.names[at], sought.words[at]) for at in numbers])

    def _candidates(self, ids: tuple[int, ...], group: Sequence[Generation], sought: Sought) -> Sequence[Iterable[int]]:
        """Return for each generation of a group which IDs may be there, by their numbers."""
        filters = self._filters.get(ids)
        if filters is None:
            if self._asked <= _FEW:
                return [range(len(sought.names))] * len(group)
            filters = self._filters[ids] = FilterGroup(group[0].bits, [self._tables.filter_of(each) for each in group])
        return filters.candidates(sought)
