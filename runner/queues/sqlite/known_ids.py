"""The IDs that the outbox knows, each once, so that no event is sent twice.

IDs are random, and a table of random keys is written all over with each commit. So the latest IDs are kept as they
came, a row for each batch, and in memory; tens of thousands of them at a time are sorted into the table.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

HASH_BYTES = 16
_MOST_RECENT = 50_000
_PERIOD_SECONDS = 30 * 86_400.0
"""IDs are deleted by the period in which they came, so they are kept up to so much longer."""

# One statement, so that Python can work meanwhile. Where two batches brought an ID, the later has it.
_MERGE = f"""
WITH RECURSIVE places(place) AS (
    SELECT 0 UNION ALL
    SELECT place + 1 FROM places WHERE place + 1 < (SELECT max(length(hashes)) / {HASH_BYTES} FROM recent_ids)
)
INSERT OR REPLACE INTO ids
SELECT substr(hashes, place * {HASH_BYTES} + 1, {HASH_BYTES}) AS hash, batch
FROM recent_ids JOIN places ON place < length(hashes) / {HASH_BYTES}
ORDER BY hash, batch
"""  # noqa: S608 - a constant
# The IDs that are asked for are one parameter, sorted, so that the table is gone through once.
_FIND = f"""
WITH RECURSIVE places(place) AS (
    SELECT 1 UNION ALL SELECT place + {HASH_BYTES} FROM places WHERE place + {HASH_BYTES} <= length(:hashes)
)
SELECT hash, batch FROM places JOIN ids ON hash = substr(:hashes, place, {HASH_BYTES})
"""  # noqa: S608 - a constant
_COUNT_RECENT = f"SELECT coalesce(sum(length(hashes)), 0) / {HASH_BYTES} FROM recent_ids"  # noqa: S608 - a constant


def names_of(account: str, keys: Sequence[str | None]) -> list[bytes | None]:
    """Return a hash of the account and each ID. An event without an ID has none (None).

    Two events without an ID may look alike and be two all the same. None of them is put twice, because how far its
    source was read is written together with it.
    """
    begun = hashlib.blake2b(f"{account}\0key\0".encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES)
    return [None if key is None else _name(begun, key) for key in keys]


def _name(begun: hashlib.blake2b, key: str) -> bytes:
    name = begun.copy()
    name.update(key.encode("utf-8", "surrogatepass"))
    return name.digest()


def identity_of(*parts: str | bytes | int) -> bytes:
    """Return the identity of a dead letter without an ID, so that it is not kept twice."""
    encoded = [part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape") for part in parts]
    return hashlib.blake2b(b"\0".join(encoded), digest_size=HASH_BYTES).digest()


class KnownIds:
    """What one process knows of the IDs. Everything is asked within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.reset()

    def reset(self) -> None:
        """Know nothing, so that everything is read again: a transaction came to nothing."""
        self._recent: dict[bytes, int] = {}
        self._last_batch = 0
        self._merges = -1
        self._period: float | None = None

    def known(self, names: AbstractSet[bytes]) -> Mapping[bytes, int]:
        """Return which IDs are known, and the batch that brought each."""
        self._catch_up()
        recent = self._recent
        found = {} if recent.keys().isdisjoint(names) else {name: recent[name] for name in names if name in recent}
        for name, batch in self._connection.execute(_FIND, {"hashes": b"".join(sorted(names))}):
            found.setdefault(name, batch)
        return found

    def add(self, batch: int, names: Iterable[bytes | None], now: float) -> None:
        """Store the IDs that a batch brings; where one was known, this batch has it now."""
        with_ids = [name for name in names if name is not None]
        self._connection.execute("INSERT INTO recent_ids VALUES (?, ?)", (batch, b"".join(with_ids)))
        self._recent.update(dict.fromkeys(with_ids, batch))
        self._last_batch = max(self._last_batch, batch)
        self._note_period(batch, now)
        if len(self._recent) >= _MOST_RECENT:
            self._merge()

    def forget(self, names: Collection[bytes]) -> None:
        """Make IDs unknown, to every process that has the outbox open."""
        gone = set(names)
        if not gone:
            return
        deleted = sum([self._connection.execute("DELETE FROM ids WHERE hash = ?", (name,)).rowcount for name in gone])
        for batch, joined in self._connection.execute("SELECT batch, hashes FROM recent_ids").fetchall():
            hashes = parted(joined)
            if not gone.isdisjoint(hashes):
                left = b"".join([name for name in hashes if name not in gone])
                self._connection.execute("UPDATE recent_ids SET hashes = ? WHERE batch = ?", (left, batch))
        self._connection.execute("UPDATE id_state SET merges = merges + 1, merged = merged - ?", (deleted,))

    def count(self) -> int:
        """Return how many IDs are known."""
        merged = self._connection.execute("SELECT merged FROM id_state").fetchone()[0]
        return int(merged) + int(self._connection.execute(_COUNT_RECENT).fetchone()[0])

    def prune(self, before: float, most: int) -> None:
        """Look at the next `most` IDs of the table, if some are from a period that ended before a moment."""
        pruning_before, pruned_to = self._connection.execute(
            "SELECT pruning_before, pruned_to FROM id_state"
        ).fetchone()
        if pruning_before is None:
            pruning_before, pruned_to = self._begin_to_prune(before), b""
        if pruning_before is None:
            return
        hashes = [
            row[0]
            for row in self._connection.execute(
                "SELECT hash FROM ids WHERE hash > ? ORDER BY hash LIMIT ?", (pruned_to, most)
            )
        ]
        if hashes:
            deleted = self._connection.execute(
                "DELETE FROM ids WHERE hash > ? AND hash <= ? AND batch < ?", (pruned_to, hashes[-1], pruning_before)
            ).rowcount
            self._connection.execute("UPDATE id_state SET merged = merged - ?", (deleted,))
        if len(hashes) < most:
            self._connection.execute("DELETE FROM id_periods WHERE first_batch < ?", (pruning_before,))
            self._connection.execute("UPDATE id_state SET pruning_before = NULL, pruned_to = NULL")
        else:
            self._connection.execute("UPDATE id_state SET pruned_to = ?", (hashes[-1],))

    def _begin_to_prune(self, before: float) -> int | None:
        """Return the first batch whose IDs are kept, if there may be IDs before it."""
        first, first_kept = self._connection.execute(
            "SELECT min(first_batch), min(CASE WHEN at > ? THEN first_batch END) FROM id_periods",
            (before - _PERIOD_SECONDS,),
        ).fetchone()
        if first_kept is None or first_kept == first:
            return None
        if self._connection.execute("SELECT 1 FROM recent_ids WHERE batch < ? LIMIT 1", (first_kept,)).fetchone():
            self._merge()
        self._connection.execute("UPDATE id_state SET pruning_before = ?, pruned_to = ?", (first_kept, b""))
        return int(first_kept)

    def _note_period(self, batch: int, now: float) -> None:
        """Begin a period when the last one has lasted long enough; also if the clock was set back."""
        if self._period is None:
            newest = "SELECT at FROM id_periods ORDER BY first_batch DESC LIMIT 1"
            row = self._connection.execute(newest).fetchone()
            self._period = -_PERIOD_SECONDS if row is None else float(row[0])
        if now >= self._period + _PERIOD_SECONDS:
            self._connection.execute("INSERT OR IGNORE INTO id_periods VALUES (?, ?)", (batch, now))
            self._period = now

    def _catch_up(self) -> None:
        """Learn what other processes have added."""
        merges = self._connection.execute("SELECT merges FROM id_state").fetchone()[0]
        if merges != self._merges:
            self.reset()
            self._merges = merges
        rows = self._connection.execute(
            "SELECT batch, hashes FROM recent_ids WHERE batch > ? ORDER BY batch", (self._last_batch,)
        )
        for batch, hashes in rows:
            self._recent.update(dict.fromkeys(parted(hashes), batch))
            self._last_batch = batch

    def _merge(self) -> None:
        count = self._connection.execute(_COUNT_RECENT).fetchone()[0]
        self._connection.execute(_MERGE)
        self._connection.execute("DELETE FROM recent_ids")
        self._connection.execute("UPDATE id_state SET merges = merges + 1, merged = merged + ?", (count,))
        self._recent.clear()
        self._merges += 1


def parted(joined: bytes) -> list[bytes]:
    """Return the hashes that were joined."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
