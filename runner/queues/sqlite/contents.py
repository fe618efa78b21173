"""The contents of events, as digests: a row for each batch, which is written once, since IDs are random."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_NAME_BYTES = 4
"""Enough to distinguish the events of one batch; the whole name was compared when its batch was found."""

_DIGEST_BYTES = 8
_ENTRY_BYTES = _NAME_BYTES + _DIGEST_BYTES


class ContentTable:
    """The table of contents."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def note(self, batch: int, names: Sequence[bytes | None], digests: Sequence[bytes], now: float) -> None:
        """Store the digest of each event of a batch that has a name."""
        pairs = zip(names, digests, strict=True)
        entries = b"".join([name[:_NAME_BYTES] + digest for name, digest in pairs if name is not None])
        self._connection.execute("INSERT INTO contents VALUES (?, ?, ?)", (batch, now, entries))

    def of(self, batch: int, name: bytes) -> bytes | None:
        """Return the digest of the event with this name; None if it is not stored."""
        row = self._connection.execute("SELECT digests FROM contents WHERE batch = ?", (batch,)).fetchone()
        if row is None:
            return None
        entries: bytes = row[0]
        for at in range(0, len(entries), _ENTRY_BYTES):
            if entries.startswith(name[:_NAME_BYTES], at):
                return entries[at + _NAME_BYTES : at + _ENTRY_BYTES]
        return None

    def prune(self, before: float, most: int) -> None:
        """Delete up to `most` rows from before a moment, the oldest first."""
        rows = self._connection.execute("SELECT batch, at FROM contents ORDER BY batch LIMIT ?", (most,))
        old = [(batch,) for batch, at in rows if at < before]
        self._connection.executemany("DELETE FROM contents WHERE batch = ?", old)
