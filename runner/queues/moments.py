"""Moments between two clocks: that of the caller, and one that all machines of an engine share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .contract import Leased

if TYPE_CHECKING:
    from .contract import Settlement


def shifted_settlement(settlement: Settlement, seconds: float) -> Settlement:
    """Return a settlement whose moment is later, by a number of seconds."""
    return replace(settlement, due=settlement.due + seconds) if seconds and settlement.due else settlement


def shifted_leased(leased: Leased, seconds: float) -> Leased:
    """Return what was leased with later moments, by a number of seconds."""
    if not seconds:
        return leased
    leases = [replace(each, accepted_at=each.accepted_at + seconds) for each in leased.leases]
    depths = {
        lane: depth if depth.next_due is None else replace(depth, next_due=depth.next_due + seconds)
        for lane, depth in leased.depths.items()
    }
    return Leased(leases, depths)
