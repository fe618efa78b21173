"""The contents of events, as digests: a row for each batch, which is written once, since IDs are random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stored.contents import content_entries, digest_of_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


class ContentTable:
    """The table of contents."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def note(self, batch: int, names: Sequence[bytes | None], digests: Sequence[bytes], now: float) -> None:
        """Store the digest of each event of a batch that has a name."""
        entries = content_entries(names, digests)
        self._connection.execute("INSERT INTO contents VALUES (?, ?, ?)", (batch, now, entries))

    def of(self, batch: int, name: bytes) -> bytes | None:
        """Return the digest of the event with this name; None if it is not stored."""
        row = self._connection.execute("SELECT digests FROM contents WHERE batch = ?", (batch,)).fetchone()
        return None if row is None else digest_of_name(row[0], name)

    def prune(self, before: float, most: int) -> None:
        """Delete up to `most` rows from before a moment, the oldest first."""
        rows = self._connection.execute("SELECT batch, at FROM contents ORDER BY batch LIMIT ?", (most,))
        old = [(batch,) for batch, at in rows if at < before]
        self._connection.executemany("DELETE FROM contents WHERE batch = ?", old)
