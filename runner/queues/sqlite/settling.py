"""Writing what became of a leased batch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .letters import put_letter
from .records import body, size_of
from .seen_ids import hashes_of, letter_identity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ..contract import Outcome, Settlement


def settle(connection: sqlite3.Connection, settlement: Settlement, run: int, now: float) -> Counter[Outcome]:
    """Write what became of a batch that a run has put; count what that was."""
    lease, queued = settlement.lease, settlement.lease.queued
    names = hashes_of(queued) if settlement.dead else []
    for position, letter in settlement.dead.items():
        put_letter(connection, letter, names[position] or letter_identity(lease.id, position), run, now)
    gone = {*settlement.delivered, *settlement.dead}
    rest = [position for position in range(len(queued)) if position not in gone]
    if not rest:
        connection.execute("DELETE FROM batches WHERE id = ?", (lease.id,))
        connection.execute("DELETE FROM bodies WHERE batch = ?", (lease.id,))
    else:
        _keep_rest(connection, settlement, rest)
    outcomes: Counter[Outcome] = Counter(letter.reason for letter in settlement.dead.values())
    outcomes["delivered"] += len(settlement.delivered)
    connection.executemany(
        "INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events",
        [(run, outcome, events) for outcome, events in outcomes.items()],
    )
    return outcomes


def _keep_rest(connection: sqlite3.Connection, settlement: Settlement, rest: Sequence[int]) -> None:
    lease, error = settlement.lease, settlement.error
    if len(rest) < len(lease.queued):
        part = lease.queued.part(rest)
        _, about, payloads, events = body(part)
        connection.execute(
            "UPDATE bodies SET payloads = ?, events = ?, about = ? WHERE batch = ?",
            (payloads, events, about, lease.id),
        )
        connection.execute(
            "UPDATE batches SET events = ?, bytes = ? WHERE id = ?", (len(part), size_of(part), lease.id)
        )
    connection.execute(
        "UPDATE batches SET owner = NULL, leased_until = NULL, attempts = attempts + ?, due = max(due, ?),"
        " error = ? WHERE id = ?",
        (settlement.attempts, settlement.due, None if error is None else error.message, lease.id),
    )
