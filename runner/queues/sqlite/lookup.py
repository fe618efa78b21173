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
        self._groups: dict[tuple[int, ...], _Group] = {}

    def use(self, generations: Iterable[Generation]) -> None:
        """Look into these generations from now on."""
        before, self._groups = self._groups, {}
        in_order = sorted(generations, key=lambda each: (each.bits, each.id))
        for _, same in groupby(in_order, key=lambda each: each.bits):
            some = [*same]
            for together in [some[at : at + LANES] for at in range(0, len(some), LANES)]:
                ids = tuple(each.id for each in together)
                group = self._groups[ids] = before.get(ids) or _Group()
                group.use(together)

    def places(self, names: Collection[bytes]) -> Iterator[Place]:
        """Yield the buckets that have some of the IDs."""
        self._asked += len(names)
        sought, tables = Sought([*names]), self._tables
        for group in self._groups.values():
            candidates = group.candidates(tables, sought) if self._asked > _FEW else None
            for lane, generation in enumerate(group.generations):
                numbers = range(len(sought.names)) if candidates is None else candidates[lane]
                yield from tables.places(generation, [(sought.names[at], sought.words[at]) for at in numbers])


class _Group:
    """Generations whose filters are kept together."""

    def __init__(self) -> None:
        self.generations: Sequence[Generation] = ()
        self._filters: FilterGroup | None = None
        self._loaded: list[int] = []
        self._is_loaded = False

    def use(self, generations: Sequence[Generation]) -> None:
        """Take the generations as they are now: some may have more parts."""
        self.generations = generations
        self._is_loaded = False

    def candidates(self, tables: GenerationTables, sought: Sought) -> Sequence[Sequence[int]]:
        """Return for each generation which IDs may be there, by their numbers."""
        if self._filters is None:
            self._filters = FilterGroup(self.generations[0].bits, len(self.generations))
            self._loaded = [0] * len(self.generations)
        if not self._is_loaded:
            for lane, generation in enumerate(self.generations):
                end = generation.bucket_of(generation.end_word)
                if self._loaded[lane] < end:
                    for bucket, piece in tables.pieces(generation, self._loaded[lane]):
                        self._filters.put(lane, bucket, piece)
                    self._loaded[lane] = end
            self._is_loaded = True
        return self._filters.candidates(sought)
