"""The processes that lease batches, by number: a lease writes four bytes, and its row has room for them.

A lease is the number of its process and a moment, and nothing else: what this table says decides nothing. A number that
it does not know any more is that of a process on another machine, whose lease ends by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .statements import decoded, encoded

if TYPE_CHECKING:
    from .statements import Statements

_MAKE = """
INSERT INTO owners (name, seen_at) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
RETURNING id
"""


class Owners:
    """The processes of an outbox, as this one knows them."""

    def __init__(self, database: Statements) -> None:
        self._database = database
        self._names: dict[int, str] = {}
        self._ids: dict[str, int] = {}

    def reset(self) -> None:
        """Know nothing: a transaction was rolled back."""
        self._names.clear()
        self._ids.clear()

    def use(self, name: str, now: float) -> int:
        """Return the number of a process, which it gets if it is new."""
        if name not in self._ids:
            row = self._database.row(_MAKE, (encoded(name), now))
            assert row is not None  # noqa: S101 - it was just made
            self._ids[name] = row[0]
            self._names[row[0]] = name
        return self._ids[name]

    def find(self, name: str) -> int:
        """Return the number of a process; 0 if it never leased anything."""
        return self._ids.get(name, 0)

    def name(self, number: int | None) -> str | None:
        """Return the name of a process; of no number, none."""
        if number is None:
            return None
        if number not in self._names:
            rows = self._database.rows("SELECT id, name FROM owners")
            self._names.update({each: decoded(name) for each, name in rows})
        return self._names.setdefault(number, "")

    def prune(self, before: float) -> None:
        """Delete processes that began before a moment, and sessions whose last transaction was then."""
        self._database.later("DELETE FROM owners WHERE seen_at < %s", (before,))
        self._database.later("DELETE FROM sessions WHERE at < %s", (before,))
