"""The ids that the outbox has seen, each once, so that no usage event is sent twice.

Ids are random, and a table of random keys is written all over with each commit. So the latest ids are kept as they
came, a row for each batch, and in memory; tens of thousands of them at a time are sorted into the table.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from ..contract import QueuedBatch

HASH_BYTES = 16
_MOST_RECENT = 50_000
# One statement, so that Python can work on meanwhile. Where two batches brought an id, the later has it.
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
# The ids that are asked for are one parameter, sorted, so that the table is gone through once.
_FIND = f"""
WITH RECURSIVE places(place) AS (
    SELECT 1 UNION ALL SELECT place + {HASH_BYTES} FROM places WHERE place + {HASH_BYTES} <= length(:hashes)
)
SELECT hash, batch FROM places JOIN ids ON hash = substr(:hashes, place, {HASH_BYTES})
"""  # noqa: S608 - a constant


def hashes_of(queued: QueuedBatch) -> list[bytes | None]:
    """Name each usage event of a batch within all outboxes, by its account and its idempotency key.

    One without a key has no name (None): two of them may look alike and be two all the same. What keeps it from being
    put twice is that the place up to which its source was read is written together with it.
    """
    begun = _begun(queued.account)
    return [None if key is None else _ended(begun, key) for key in queued.batch.idempotency_keys]


def key_name(account: str, key: str) -> bytes:
    """Name the usage event of an account that has an idempotency key."""
    return _ended(_begun(account), key)


def _begun(account: str) -> hashlib.blake2b:
    return hashlib.blake2b(f"{account}\0key\0".encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES)


def _ended(begun: hashlib.blake2b, key: str) -> bytes:
    name = begun.copy()
    name.update(key.encode("utf-8", "surrogatepass"))
    return name.digest()


def letter_identity(*parts: str | bytes | int) -> bytes:
    """Name a dead letter, so that the same is not kept twice."""
    return _hash(*(part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape") for part in parts))


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=HASH_BYTES).digest()


class SeenIds:
    """What one process knows of the ids. Everything is asked within a transaction that has the file to itself."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing, so that everything is read anew: a transaction came to nothing."""
        self._recent: dict[bytes, int] = {}
        self._last_batch = 0
        self._merges = -1

    def known(self, connection: sqlite3.Connection, hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Find which ids are known, and the batch that brought each."""
        self._catch_up(connection)
        recent = self._recent
        found = {name: recent[name] for name in hashes if name in recent}
        for name, batch in connection.execute(_FIND, {"hashes": b"".join(sorted(hashes))}):
            found.setdefault(name, batch)
        return found

    def add(self, connection: sqlite3.Connection, batch: int, hashes: Iterable[bytes]) -> None:
        """Note the ids that a batch brings; where one was known, this batch has it now."""
        names = list(hashes)
        connection.execute("INSERT INTO recent_ids VALUES (?, ?)", (batch, b"".join(names)))
        self._recent.update(dict.fromkeys(names, batch))
        self._last_batch = max(self._last_batch, batch)
        if len(self._recent) >= _MOST_RECENT:
            self._merge(connection)

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """Learn what other processes have added."""
        merges = connection.execute("SELECT count FROM merges").fetchone()[0]
        if merges != self._merges:
            self.forget()
            self._merges = merges
        rows = connection.execute(
            "SELECT batch, hashes FROM recent_ids WHERE batch > ? ORDER BY batch", (self._last_batch,)
        )
        for batch, hashes in rows:
            self._recent.update(dict.fromkeys(_parted(hashes), batch))
            self._last_batch = batch

    def _merge(self, connection: sqlite3.Connection) -> None:
        connection.execute(_MERGE)
        connection.execute("DELETE FROM recent_ids")
        connection.execute("UPDATE merges SET count = count + 1")
        self._recent.clear()
        self._merges += 1


def forget_ids(connection: sqlite3.Connection, hashes: Iterable[bytes]) -> None:
    """Make some ids unknown, to every process that has the outbox open."""
    gone = set(hashes)
    connection.executemany("DELETE FROM ids WHERE hash = ?", [(name,) for name in gone])
    for batch, joined in connection.execute("SELECT batch, hashes FROM recent_ids").fetchall():
        names = _parted(joined)
        if not gone.isdisjoint(names):
            left = b"".join(name for name in names if name not in gone)
            connection.execute("UPDATE recent_ids SET hashes = ? WHERE batch = ?", (left, batch))
    connection.execute("UPDATE merges SET count = count + 1")


def _parted(joined: bytes) -> list[bytes]:
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
