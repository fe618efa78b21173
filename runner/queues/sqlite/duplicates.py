"""Usage events that were there already under the same id, and where they are in the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from .records import holds
from .seen_ids import key_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ..contract import State
    from .seen_ids import SeenIds

Duplicate: TypeAlias = "tuple[State, str, str, int]"
"""One of them: where it was, its account and key, and the batch that brought it."""

_MOST_PENDING = 10_000


class Duplicates:
    """Counts those of one run. Those that were queued are looked for in the end; of very many only their batches."""

    def __init__(self) -> None:
        self._states: Counter[State] = Counter()
        self._pending: list[tuple[str, str]] = []
        self._pending_in: Counter[int] = Counter()

    def add(self, duplicates: Iterable[Duplicate]) -> None:
        """Count some more."""
        for state, account, key, batch in duplicates:
            if state != "queued":
                self._states[state] += 1
            elif len(self._pending) < _MOST_PENDING:
                self._pending.append((account, key))
            else:
                self._pending_in[batch] += 1

    def states(self, connection: sqlite3.Connection, seen: SeenIds) -> Counter[State]:
        """Count them by where they are now."""
        states = self._states.copy()
        for account, key in self._pending:
            name = key_name(account, key)
            batch = seen.known(connection, [name]).get(name)
            states["delivered" if batch is None else state_of(connection, name, batch, key)] += 1
        for batch, count in self._pending_in.items():
            is_queued = connection.execute("SELECT 1 FROM batches WHERE id = ?", (batch,)).fetchone() is not None
            states["queued" if is_queued else "delivered"] += count
        return states


def state_of(connection: sqlite3.Connection, name: bytes, batch: int, key: str) -> State:
    """Tell where a usage event is whose id is known."""
    row = connection.execute("SELECT about FROM bodies WHERE batch = ?", (batch,)).fetchone()
    if row is not None and holds(row[0], key):
        return "queued"
    letter = connection.execute("SELECT reason FROM letters WHERE identity = ?", (name,)).fetchone()
    state: State = "delivered" if letter is None else letter[0]
    return state
