"""Generations of known IDs. Each is written once, in the order of the hashes, and deleted as a whole.

A generation is divided by the first bits of the hashes into buckets of some 64 IDs, each a row. It is written in parts,
each a range of buckets with its piece of the generation's filter. The filter is kept in memory. It says of nearly every
ID that is not there that it is not, so a new ID is hardly ever looked for in the file.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from .filters import Filter, filter_of
from .hashes import WORD_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

KEPT_BYTES = 12
"""So much of each hash is kept."""

_BATCH_BYTES = 3
ENTRY_BYTES = KEPT_BYTES + _BATCH_BYTES
"""An entry is the beginning of a hash, and of the number of the batch that brought the ID its lowest bytes."""

MOST_BATCHES = 1 << 8 * _BATCH_BYTES
"""The batches of a generation are not further apart, so that those bytes and its first batch tell each."""

_LEAST_IN_BUCKET = 45
_MOST_BITS = WORD_BITS

_READ = "SELECT entries FROM id_buckets WHERE id >= ? AND id < ? ORDER BY id"
_DELETE = "DELETE FROM id_buckets WHERE id >= ? AND id < ?"


@dataclass(slots=True, eq=False)
class Generation:
    """What a row of `id_generations` says, and what this process has read of the rest.

    `since` is when the period began in which its IDs came. While its IDs move to another generation, `target` is that;
    those whose word is less than `target.merged_to` have moved. `merged_to` is None of a generation that is complete.
    """

    id: int
    level: int
    bits: int
    ids: int
    since: float
    first_batch: int
    last_batch: int
    merged_into: int | None = None
    merged_to: int | None = None
    target: Generation | None = None
    filter: Filter | None = None
    buckets: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    @property
    def held(self) -> tuple[int, int]:
        """The buckets that it has, from the first until the end of a range.

        The rows of others that it had, or is yet to have, may belong to another generation.
        """
        shift = WORD_BITS - self.bits
        first = 0 if self.target is None else (self.target.merged_to or 0) >> shift
        return first, 1 << self.bits if self.merged_to is None else self.merged_to >> shift

    def row_of(self, word: int) -> int:
        """Return the row that has an ID, if any has."""
        bucket = word >> WORD_BITS - self.bits
        part = bisect_right(self.buckets, bucket) - 1
        return self.rows[part] + bucket - self.buckets[part]

    def add_part(self, bucket: int, row: int) -> None:
        """Note where the rows of some buckets begin."""
        self.buckets.append(bucket)
        self.rows.append(row)

    def batch_of(self, entries: bytes, at: int) -> int:
        """Return the batch that brought the ID of an entry."""
        low = int.from_bytes(entries[at + KEPT_BYTES : at + ENTRY_BYTES], "big")
        return self.first_batch + (low - self.first_batch) % MOST_BATCHES


class Place(NamedTuple):
    """A bucket of a generation, and which of the IDs that were looked for it has, each with where its entry begins."""

    generation: Generation
    row: int
    entries: bytes
    found: dict[bytes, int]


def bits_for(count: int) -> int:
    """Return by how many bits to divide so many IDs, so that a bucket has 45 to 90 of them."""
    return min(max(0, (count // _LEAST_IN_BUCKET).bit_length() - 1), _MOST_BITS)


def split(joined: bytes) -> list[bytes]:
    """Return the entries that were joined."""
    return [joined[at : at + ENTRY_BYTES] for at in range(0, len(joined), ENTRY_BYTES)]


def entries_of(brought: Iterable[tuple[bytes, int]]) -> Iterator[bytes]:
    """Yield the entries of hashes, each with the batch that brought it."""
    batch, suffix = -1, b""
    for name, number in brought:
        if number != batch:
            batch, suffix = number, (number % MOST_BATCHES).to_bytes(_BATCH_BYTES, "big")
        yield name[:KEPT_BYTES] + suffix


def _find(entries: bytes, name: bytes) -> int:
    """Return where the entry of a hash begins, or -1."""
    kept = name[:KEPT_BYTES]
    at = entries.find(kept)
    # It may be found across two entries, too.
    while at > 0 and at % ENTRY_BYTES:
        at = entries.find(kept, at + 1)
    return at


class GenerationTables:
    """The tables of generations: themselves, their parts and their buckets."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def load(self, known: dict[int, Generation]) -> list[Generation]:
        """Return all generations, the latest first; of those in `known`, nothing more need be read."""
        generations = {
            row[0]: self._load(Generation(*row), known.get(row[0]))
            for row in self._connection.execute(
                "SELECT id, level, bits, ids, since, first_batch, last_batch, merged_into, merged_to"
                " FROM id_generations ORDER BY last_batch DESC, id DESC"
            ).fetchall()
        }
        for generation in generations.values():
            if generation.merged_into is not None:
                generation.target = generations[generation.merged_into]
        return [*generations.values()]

    def _load(self, generation: Generation, known: Generation | None) -> Generation:
        if known is not None and known.merged_to is None:
            generation.buckets, generation.rows, generation.filter = known.buckets, known.rows, known.filter
            return generation
        for part in self._connection.execute(
            "SELECT first_bucket, first_row FROM id_parts WHERE generation = ? ORDER BY first_bucket", (generation.id,)
        ):
            generation.add_part(*part)
        return generation

    def filter_of(self, generation: Generation) -> Filter:
        """Return the filter of a complete generation."""
        if generation.filter is None:
            pieces = [
                Filter(*row)
                for row in self._connection.execute(
                    "SELECT filter, second_filter FROM id_parts WHERE generation = ? ORDER BY first_bucket",
                    (generation.id,),
                )
            ]
            first, second = zip(*pieces, strict=True)
            generation.filter = Filter(b"".join(first), b"".join(second))
        return generation.filter

    def write(self, brought: Mapping[bytes, int], since: float) -> Generation:
        """Make a generation of hashes, each with the batch that brought it."""
        batches, bits = brought.values(), bits_for(len(brought))
        made = self.create(level=0, ids=len(brought), since=since, batches=(min(batches), max(batches)), bits=bits)
        self.add_part(made, 0, 1 << bits, sorted(entries_of(brought.items())))
        self.complete(made)
        return made

    def create(self, *, level: int, ids: int, since: float, batches: tuple[int, int], bits: int) -> Generation:
        """Make a generation whose parts are then added, and return it. It is not complete."""
        number = self._connection.execute(
            "INSERT INTO id_generations (level, bits, ids, since, first_batch, last_batch, merged_to)"
            " VALUES (?, ?, ?, ?, ?, ?, 0)",
            (level, bits, ids, since, *batches),
        ).lastrowid
        assert number is not None  # noqa: S101 - an insertion has made a row
        return Generation(number, level, bits, ids, since, *batches, merged_to=0)

    def complete(self, generation: Generation) -> None:
        """Let a generation be complete."""
        generation.merged_to = None
        self._connection.execute("UPDATE id_generations SET merged_to = NULL WHERE id = ?", (generation.id,))

    def add_part(self, generation: Generation, first: int, end: int, entries: Sequence[bytes]) -> None:
        """Write the buckets from `first` until `end`; `entries` are all of theirs, sorted."""
        # New rows come after all others, so that the pages of the file become full.
        (row,) = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM id_buckets").fetchone()
        joined, shift = b"".join(entries), WORD_BITS - generation.bits
        bounds = [
            bisect_left(entries, (bucket << shift).to_bytes(WORD_BITS // 8, "big")) * ENTRY_BYTES
            for bucket in range(first, end)
        ]
        buckets = [joined[start:stop] for start, stop in zip(bounds, [*bounds[1:], len(joined)], strict=True)]
        self._connection.executemany("INSERT INTO id_buckets VALUES (?, ?)", enumerate(buckets, row))
        self._connection.execute(
            "INSERT INTO id_parts VALUES (?, ?, ?, ?, ?)", (generation.id, first, row, *filter_of(buckets, ENTRY_BYTES))
        )
        generation.add_part(first, row)

    def take(self, generation: Generation, first: int, end: int) -> list[bytes]:
        """Delete the buckets from `first` until `end`, and return their entries."""
        taken = []
        for rows in self._ranges(generation, first, end):
            taken += [entries for (entries,) in self._connection.execute(_READ, rows)]
            self._connection.execute(_DELETE, rows)
        return split(b"".join(taken))

    def entries(self, generation: Generation) -> Iterator[bytes]:
        """Yield all entries of a generation, those of each bucket joined."""
        for rows in self._ranges(generation, *generation.held):
            for (entries,) in self._connection.execute(_READ, rows):
                yield entries

    def _ranges(self, generation: Generation, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the rows of the buckets from `first` until `end`, part by part."""
        ends = [*islice(generation.buckets, 1, None), 1 << generation.bits]
        for bucket, bucket_end, row in zip(generation.buckets, ends, generation.rows, strict=True):
            start, stop = max(first, bucket), min(end, bucket_end)
            if start < stop:
                yield row + start - bucket, row + stop - bucket

    def places(self, generation: Generation, maybe: Sequence[tuple[bytes, int]]) -> Iterator[Place]:
        """Yield the buckets that have some of the IDs which, by the filter of a generation, may be there.

        An ID is given by its hash and the first word of it.
        """
        place: Place | None = None
        # In the order of the file, so that a page is read once.
        for name, word in sorted(maybe):
            target = generation.target
            holder = target if target is not None and word < (target.merged_to or 0) else generation
            row = holder.row_of(word)
            if place is None or place.row != row:
                if place is not None and place.found:
                    yield place
                place = Place(holder, row, self._bucket(row), {})
            at = _find(place.entries, name)
            if at >= 0:
                place.found[name] = at
        if place is not None and place.found:
            yield place

    def _bucket(self, row: int) -> bytes:
        found: tuple[bytes] | None = self._connection.execute(
            "SELECT entries FROM id_buckets WHERE id = ?", (row,)
        ).fetchone()
        if found is None:
            raise sqlite3.DatabaseError(f"row {row} of the table id_buckets is missing")
        return found[0]

    def remove(self, place: Place) -> None:
        """Remove from a bucket what was found there."""
        entries, generation = place.entries, place.generation
        left = [entry for at, entry in enumerate(split(entries)) if at * ENTRY_BYTES not in place.found.values()]
        self._connection.execute("UPDATE id_buckets SET entries = ? WHERE id = ?", (b"".join(left), place.row))
        # The generation counts what has not moved, too.
        counted = generation.id if generation.merged_into is None else generation.merged_into
        self._connection.execute("UPDATE id_generations SET ids = ids - ? WHERE id = ?", (len(place.found), counted))

    def count(self, generations: Sequence[Generation]) -> int:
        """Return how many IDs generations have; some may have been removed since they were read."""
        query = "SELECT ids FROM id_generations WHERE id = ?"
        return sum([self._connection.execute(query, (each.id,)).fetchone()[0] for each in generations])

    def move(self, sources: Sequence[Generation], target: Generation) -> None:
        """Note that the IDs of some generations move to another one, which counts them from now on."""
        for source in sources:
            source.merged_into, source.target, source.ids = target.id, target, 0
            self._connection.execute(
                "UPDATE id_generations SET merged_into = ?, ids = 0 WHERE id = ?", (target.id, source.id)
            )

    def moved_to(self, target: Generation, word: int) -> None:
        """Note which IDs have moved to a generation."""
        target.merged_to = word
        self._connection.execute("UPDATE id_generations SET merged_to = ? WHERE id = ?", (word, target.id))

    def delete(self, generation: Generation) -> None:
        """Delete a generation."""
        for rows in self._ranges(generation, *generation.held):
            self._connection.execute(_DELETE, rows)
        self._connection.execute("DELETE FROM id_parts WHERE generation = ?", (generation.id,))
        self._connection.execute("DELETE FROM id_generations WHERE id = ?", (generation.id,))
