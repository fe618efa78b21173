"""The IDs that the outbox knows, each once, so no event is sent twice.

IDs are random, and a table of random keys is written all over with each commit. So the latest IDs are kept as they
came, a row for each batch, and in memory. Tens of thousands of them at a time become a generation, which is written
once (generations.py). Generations of about the same size become a larger one (merging.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stored.hashes import HASH_BYTES, parted
from . import merging
from .generations import MOST_BATCHES, GenerationTables
from .lookup import Lookup

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from .generations import Generation

_MOST_RECENT = 65_536
_MERGE_EVERY = 4_096
"""How many IDs come before some IDs of generations move: four times as many, so each merge ends in time.

An ID moves once for each level of generations, and three levels are enough for thirty million IDs.
"""
PERIOD_SECONDS = 30 * 86_400.0
"""A generation has IDs of one period. It is deleted when all of them have expired, so some are kept so much longer."""

_COUNT_RECENT = f"SELECT coalesce(sum(length(hashes)), 0) / {HASH_BYTES} FROM recent_ids"  # noqa: S608 - a constant
_COUNT = f"SELECT coalesce(sum(ids), 0) + ({_COUNT_RECENT}) FROM id_generations"  # noqa: S608 - a constant


class KnownIds:
    """What one process knows of the IDs. Everything is asked within a transaction, after `begin`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables = GenerationTables(connection)
        self.reset()

    def reset(self) -> None:
        """Know nothing, so everything is read again: a transaction was rolled back."""
        self._recent: dict[bytes, int] = {}
        self._first_batch = self._last_batch = 0
        self._generations: list[Generation] = []
        self._lookup = Lookup(self._tables)
        self._changes = self._flushes = -1
        self._since: float | None = None
        self.begin()

    def begin(self) -> None:
        """Another transaction has begun, so other processes may have changed what was read."""
        self._is_current = False

    def salt(self) -> bytes:
        """Return what the IDs of this outbox are hashed with."""
        found: bytes = self._connection.execute("SELECT salt FROM id_state").fetchone()[0]
        return found

    def known(self, names: AbstractSet[bytes]) -> Mapping[bytes, int]:
        """Return which IDs are known, and the batch that brought each."""
        self._catch_up()
        recent = self._recent
        found = {} if recent.keys().isdisjoint(names) else {name: recent[name] for name in names if name in recent}
        for place in self._lookup.places(names):
            for name, at in place.found.items():
                # Where two generations have an ID, the later batch has it.
                found[name] = max(found.get(name, 0), place.generation.batch_of(place.entries, at))
        return found

    def add(self, batch: int, names: Iterable[bytes | None], now: float) -> None:
        """Store the IDs that a batch brings; where one was known, this batch has it now."""
        self._catch_up()
        with_ids = [name for name in names if name is not None]
        if not with_ids:
            return
        recent = self._recent
        if self._since is None or abs(now - self._since) >= PERIOD_SECONDS:
            self._begin_period(now)
        elif recent and batch - self._first_batch >= MOST_BATCHES:
            self._flush()
        self._connection.execute("INSERT INTO recent_ids VALUES (?, ?)", (batch, b"".join(with_ids)))
        before = len(recent) // _MERGE_EVERY
        self._learn(batch, with_ids)
        for _ in range(len(recent) // _MERGE_EVERY - before):
            self._merge()
        if len(recent) >= _MOST_RECENT:
            self._flush()

    def forget(self, names: Collection[bytes]) -> None:
        """Make IDs unknown, to every process that has the outbox open."""
        self._catch_up()
        gone = set(names)
        self._forget_recent(gone & self._recent.keys())
        for place in self._lookup.places(gone):
            self._tables.remove(place)

    def count(self) -> int:
        """Return how many IDs are known."""
        return int(self._connection.execute(_COUNT).fetchone()[0])

    def prune(self, before: float, most: int) -> None:
        """Delete up to `most` rows of generations that have IDs from before a moment only."""
        self._catch_up()
        before -= PERIOD_SECONDS
        if self._recent and self._since is not None and self._since <= before:
            self._empty_recent()
        expired = [each for each in self._generations if each.since <= before]
        while expired and most > 0:
            generation = expired.pop()
            most -= self._tables.discard(generation, most)
            if generation.first_word >= generation.end_word:
                self._generations.remove(generation)
            self._note_change()

    def _forget_recent(self, gone: AbstractSet[bytes]) -> None:
        if not gone:
            return
        for batch, joined in self._connection.execute("SELECT batch, hashes FROM recent_ids").fetchall():
            hashes = parted(joined)
            if not gone.isdisjoint(hashes):
                left = b"".join([name for name in hashes if name not in gone])
                self._connection.execute("UPDATE recent_ids SET hashes = ? WHERE batch = ?", (left, batch))
        for name in gone:
            del self._recent[name]
        self._note_flush()

    def _begin_period(self, now: float) -> None:
        """Let the recent IDs be a generation of their own, since they expire before those that come now."""
        if self._recent:
            self._flush()
        self._since = now
        self._connection.execute("UPDATE id_state SET since = ?", (now,))

    def _learn(self, batch: int, names: Sequence[bytes]) -> None:
        if not self._recent:
            self._first_batch = batch
        self._recent.update(dict.fromkeys(names, batch))
        self._last_batch = max(self._last_batch, batch)

    def _catch_up(self) -> None:
        """Learn what other processes have changed."""
        if self._is_current:
            return
        flushes, changes, self._since = self._connection.execute(
            "SELECT flushes, changes, since FROM id_state"
        ).fetchone()
        if flushes != self._flushes:
            self._recent, self._last_batch, self._flushes = {}, 0, flushes
        if changes != self._changes:
            known = {generation.id: generation for generation in self._generations}
            self._generations, self._changes = self._tables.load(known), changes
            self._lookup.use(self._generations)
        rows = self._connection.execute(
            "SELECT batch, hashes FROM recent_ids WHERE batch > ? ORDER BY batch", (self._last_batch,)
        )
        for batch, hashes in rows:
            self._learn(batch, parted(hashes))
        self._is_current = True

    def _flush(self) -> None:
        """Make a generation of the recent IDs."""
        assert self._since is not None  # noqa: S101 - they came in some period
        self._generations.insert(0, self._tables.write(self._recent, self._since))
        self._empty_recent()
        self._note_change()

    def _empty_recent(self) -> None:
        self._connection.execute("DELETE FROM recent_ids")
        self._recent.clear()
        self._note_flush()

    def _merge(self) -> None:
        """Move some IDs of generations to the one that is made of them, if there are enough to make one."""
        # Several may be made at a time: a large one takes long, and small ones must not become many meanwhile.
        targets = [each for each in self._generations if not each.is_complete]
        sources = merging.sources_of_next(self._generations, self._since)
        if sources and all(sources[-1].level + 1 < each.level for each in targets):
            target = merging.begin(self._tables, sources)
            self._generations.insert(0, target)
        elif targets:
            target = min(targets, key=lambda each: each.level)
            sources = [each for each in self._generations if each.merged_into == target.id]
        else:
            return
        merging.go_on(self._tables, sources, target)
        if target.is_complete:
            self._generations = [each for each in self._generations if each.merged_into != target.id]
        self._note_change()

    def _note_change(self) -> None:
        """Look into the generations that there are now, and let other processes read which these are."""
        self._lookup.use(self._generations)
        self._connection.execute("UPDATE id_state SET changes = changes + 1")
        self._changes += 1

    def _note_flush(self) -> None:
        """Let other processes read the recent IDs again."""
        self._connection.execute("UPDATE id_state SET flushes = flushes + 1")
        self._flushes += 1
