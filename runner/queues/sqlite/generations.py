"""Generations of known IDs. Each is written once, in the order of the hashes, and deleted as a whole.

A generation is divided by the first bits of the hashes into buckets of some 64 IDs, each a row. It is written in parts,
each a range of buckets with its piece of the generation's filter. The filter is kept in memory. It says of nearly every
ID that is not there that it is not, so a new ID is hardly ever looked for in the file.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..stored.hashes import KEPT_BYTES, WORD_BITS
from .filters import Filter, filter_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BATCH_BYTES = 3
ENTRY_BYTES = KEPT_BYTES + _BATCH_BYTES
"""An entry is the beginning of a hash, and of the number of the batch that brought the ID its lowest bytes."""

MOST_BATCHES = 1 << 8 * _BATCH_BYTES
"""The batches of a generation are not further apart, so those bytes and its first batch are enough to find each."""

_LEAST_IN_BUCKET = 45
_MOST_BITS = WORD_BITS

ALL_WORDS = 1 << WORD_BITS

_READ = "SELECT entries FROM id_buckets WHERE id >= ? AND id < ? ORDER BY id"
_COUNT = f"SELECT coalesce(sum(length(entries)), 0) / {ENTRY_BYTES} FROM id_buckets WHERE id >= ? AND id < ?"  # noqa: S608
_DELETE = "DELETE FROM id_buckets WHERE id >= ? AND id < ?"
# A part is deleted when all of its buckets have moved.
_DELETE_PARTS = """
DELETE FROM id_parts WHERE generation = :generation AND first_bucket < (
    SELECT max(first_bucket) FROM id_parts WHERE generation = :generation AND first_bucket <= :bucket
)
"""


@dataclass(slots=True, eq=False)
class Generation:
    """What a row of `id_generations` says, and where the rows of its buckets are.

    `since` is when the period began in which its IDs came. It has the IDs whose words are from `first_word` until
    `end_word`: these are not all while it is being made, or while its IDs move to another (`merged_into`).
    """

    id: int
    level: int
    bits: int
    since: float
    first_batch: int
    last_batch: int
    first_word: int = 0
    end_word: int = 0
    merged_into: int | None = None
    buckets: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been written."""
        return self.end_word == ALL_WORDS

    def bucket_of(self, word: int) -> int:
        """Return the bucket of an ID."""
        return word >> WORD_BITS - self.bits

    def row_of(self, bucket: int) -> int:
        """Return the row of a bucket."""
        part = bisect_right(self.buckets, bucket) - 1
        return self.rows[part] + bucket - self.buckets[part]

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
    """Return by how many bits to divide so many IDs, so a bucket has 45 to 90 of them."""
    return min(max(0, (count // _LEAST_IN_BUCKET).bit_length() - 1), _MOST_BITS)


def split(together: bytes) -> list[bytes]:
    """Return the entries that were joined."""
    return [together[at : at + ENTRY_BYTES] for at in range(0, len(together), ENTRY_BYTES)]


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

    def load(self, known: Mapping[int, Generation]) -> list[Generation]:
        """Return all generations, the latest first; what is in `known` of their rows need not be read."""
        rows = self._connection.execute(
            "SELECT id, level, bits, since, first_batch, last_batch, first_word, end_word, merged_into"
            " FROM id_generations ORDER BY last_batch DESC, id DESC"
        )
        return [self._load(Generation(*row), known.get(row[0])) for row in rows.fetchall()]

    def _load(self, generation: Generation, known: Generation | None) -> Generation:
        if known is not None and known.end_word == generation.end_word:
            generation.buckets, generation.rows = known.buckets, known.rows
            return generation
        query = "SELECT first_bucket, first_row FROM id_parts WHERE generation = ? ORDER BY first_bucket"
        for bucket, row in self._connection.execute(query, (generation.id,)):
            generation.buckets.append(bucket)
            generation.rows.append(row)
        return generation

    def pieces(self, generation: Generation, bucket: int) -> Iterator[tuple[int, Filter]]:
        """Yield the pieces of a filter from a bucket on, each with its first bucket."""
        for first, *halves in self._connection.execute(
            "SELECT first_bucket, filter, second_filter FROM id_parts WHERE generation = ? AND first_bucket >= ?",
            (generation.id, bucket),
        ):
            yield first, Filter(*halves)

    def write(self, brought: Mapping[bytes, int], since: float) -> Generation:
        """Make a generation of hashes, each with the batch that brought it."""
        batches = brought.values()
        made = self.create(0, bits_for(len(brought)), since, (min(batches), max(batches)))
        self.add_part(made, ALL_WORDS, sorted(entries_of(brought.items())))
        return made

    def create(self, level: int, bits: int, since: float, batches: tuple[int, int]) -> Generation:
        """Make a generation, which has no part yet."""
        number = self._connection.execute(
            "INSERT INTO id_generations (level, bits, ids, since, first_batch, last_batch, first_word, end_word)"
            " VALUES (?, ?, 0, ?, ?, ?, 0, 0)",
            (level, bits, since, *batches),
        ).lastrowid
        assert number is not None  # noqa: S101 - an insertion has made a row
        return Generation(number, level, bits, since, *batches)

    def add_part(self, made: Generation, end_word: int, entries: Sequence[bytes]) -> None:
        """Write all IDs of a generation that come next, until a word, by their sorted entries."""
        # New rows come after all others, so the pages of the file become full.
        (row,) = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM id_buckets").fetchone()
        first, together = made.bucket_of(made.end_word), b"".join(entries)
        words = range(made.end_word, end_word, ALL_WORDS >> made.bits)
        bounds = [bisect_left(entries, word.to_bytes(WORD_BITS // 8, "big")) * ENTRY_BYTES for word in words]
        buckets = [together[start:stop] for start, stop in pairwise([*bounds, len(together)])]
        self._connection.executemany("INSERT INTO id_buckets VALUES (?, ?)", enumerate(buckets, row))
        self._connection.execute(
            "INSERT INTO id_parts VALUES (?, ?, ?, ?, ?)", (made.id, first, row, *filter_of(buckets, ENTRY_BYTES))
        )
        made.buckets.append(first)
        made.rows.append(row)
        made.end_word = end_word
        self._connection.execute(
            "UPDATE id_generations SET end_word = ?, ids = ids + ? WHERE id = ?", (end_word, len(entries), made.id)
        )

    def take(self, source: Generation, end_word: int) -> list[bytes]:
        """Delete the first IDs of a generation, until a word, and return their entries."""
        taken = list[bytes]()
        for rows in self._rows(source, source.bucket_of(source.first_word), source.bucket_of(end_word)):
            taken += [entries for (entries,) in self._connection.execute(_READ, rows)]
            self._connection.execute(_DELETE, rows)
        entries = split(b"".join(taken))
        self._shorten(source, end_word, len(entries))
        return entries

    def discard(self, generation: Generation, most: int) -> int:
        """Delete the first IDs of a generation, up to so many rows, and itself with the last; return how many rows."""
        first, end = generation.bucket_of(generation.first_word), generation.bucket_of(generation.end_word)
        end = min(end, first + most)
        count = 0
        for rows in self._rows(generation, first, end):
            count += self._connection.execute(_COUNT, rows).fetchone()[0]
            self._connection.execute(_DELETE, rows)
        self._shorten(generation, end * (ALL_WORDS >> generation.bits), count)
        if generation.first_word >= generation.end_word:
            self.delete(generation)
        return end - first

    def _shorten(self, generation: Generation, first_word: int, count: int) -> None:
        """Note where a generation begins without its first IDs."""
        generation.first_word = first_word
        self._connection.execute(
            "UPDATE id_generations SET first_word = ?, ids = ids - ? WHERE id = ?", (first_word, count, generation.id)
        )
        bucket = generation.bucket_of(first_word)
        self._connection.execute(_DELETE_PARTS, {"generation": generation.id, "bucket": bucket})

    def entries(self, generation: Generation) -> Iterator[bytes]:
        """Yield all entries of a generation, those of each bucket joined."""
        # Rows that it had, or may yet have, can be those of another.
        first, end = generation.bucket_of(generation.first_word), generation.bucket_of(generation.end_word)
        for rows in self._rows(generation, first, end):
            for (entries,) in self._connection.execute(_READ, rows):
                yield entries

    def places(self, generation: Generation, maybe: Iterable[tuple[bytes, int]]) -> Iterator[Place]:
        """Yield the buckets that have some of the IDs which, by the filter of a generation, may be there.

        An ID is given by its hash and the first word of it.
        """
        place: Place | None = None
        # In the order of the file, so a page is read once.
        for name, word in sorted(maybe):
            if not generation.first_word <= word < generation.end_word:
                continue
            row = generation.row_of(generation.bucket_of(word))
            if place is None or place.row != row:
                if place is not None and place.found:
                    yield place
                place = Place(generation, row, self._bucket(row), {})
            at = _find(place.entries, name)
            if at >= 0:
                place.found[name] = at
        if place is not None and place.found:
            yield place

    def remove(self, place: Place) -> None:
        """Remove from a bucket what was found there."""
        starts = set(place.found.values())
        left = [entry for at, entry in enumerate(split(place.entries)) if at * ENTRY_BYTES not in starts]
        self._connection.execute("UPDATE id_buckets SET entries = ? WHERE id = ?", (b"".join(left), place.row))
        self._connection.execute(
            "UPDATE id_generations SET ids = ids - ? WHERE id = ?", (len(starts), place.generation.id)
        )

    def count(self, generations: Iterable[Generation]) -> int:
        """Return how many IDs generations have; some may have been removed since they were read."""
        query = "SELECT ids FROM id_generations WHERE id = ?"
        return sum([self._connection.execute(query, (each.id,)).fetchone()[0] for each in generations])

    def merge(self, sources: Iterable[Generation], target: Generation) -> None:
        """Note that the IDs of some generations are to move to another one."""
        for source in sources:
            source.merged_into = target.id
            self._connection.execute("UPDATE id_generations SET merged_into = ? WHERE id = ?", (target.id, source.id))

    def delete(self, generation: Generation) -> None:
        """Delete a generation that has no IDs any more."""
        self._connection.execute("DELETE FROM id_parts WHERE generation = ?", (generation.id,))
        self._connection.execute("DELETE FROM id_generations WHERE id = ?", (generation.id,))

    def _bucket(self, row: int) -> bytes:
        query = "SELECT entries FROM id_buckets WHERE id = ?"
        found: tuple[bytes] | None = self._connection.execute(query, (row,)).fetchone()
        if found is None:
            raise sqlite3.DatabaseError(f"row {row} of the table id_buckets is missing")
        return found[0]

    def _rows(self, generation: Generation, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the first row and the end of the rows of the buckets from `first` until `end`, part by part."""
        ends = [*generation.buckets[1:], 1 << generation.bits]
        for bucket, bucket_end, row in zip(generation.buckets, ends, generation.rows, strict=True):
            start, stop = max(first, bucket), min(end, bucket_end)
            if start < stop:
                yield row + start - bucket, row + stop - bucket
