"""The operation behind `settle`: what happened to a leased batch is written, unless its lease was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Outcome, Settlement
    from .engine import Tables


def settle(tables: Tables, settlement: Settlement, *, owner: str, now: float) -> Sequence[int]:
    """Write the result of a batch that `owner` leased; return the positions whose lease was lost: all, or none."""
    leased, count = settlement.lease, settlement.lease.queued.count
    if tables.owner_of(leased.id) != owner:
        return range(count)
    if settlement.dead:
        _add_dead_letters(tables, settlement, now)
    rest: list[int] = []
    if len(settlement.delivered) < count:
        gone = {*settlement.delivered, *settlement.dead}
        rest = [position for position in range(count) if position not in gone]
    tables.settle(settlement, rest, now)
    outcomes: dict[Outcome, int] = {"delivered": len(settlement.delivered)}
    for letter in settlement.dead.values():
        outcomes[letter.reason] = outcomes.get(letter.reason, 0) + 1
    tables.count(leased.run, outcomes)
    return ()


def _add_dead_letters(tables: Tables, settlement: Settlement, now: float) -> None:
    leased = settlement.lease
    account, keys = leased.queued.account, leased.queued.batch.idempotency_keys
    names = tables.names(account, [keys[position] for position in settlement.dead])
    for (position, letter), name in zip(settlement.dead.items(), names, strict=True):
        if name is not None:
            identity = tables.name_identity(account, name)
        else:
            # What is left of the batch is shorter and counts its positions again.
            identity = tables.identity("lease", leased.id, leased.queued.count, position)
        tables.add_dead_letter(letter, identity, name, leased.run, now)
