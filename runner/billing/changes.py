"""How two bills differ, per customer and dimension."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .bill import CustomerUsage, DimensionUsage
from .exact import Number, exact_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .bill import Bill

_NOTHING, _NO_DIMENSION = CustomerUsage(), DimensionUsage()


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in two bills."""

    before: Number
    after: Number

    @property
    def difference(self) -> Number:
        """What the second bill has more; negative: less."""
        return exact_difference(self.after, self.before)


@dataclass(frozen=True, slots=True)
class DimensionChange:
    """A dimension whose count or sum is another one."""

    dimension: str
    count: Amount
    total: Amount


@dataclass(frozen=True, slots=True)
class UsageChange:
    """What changes for one customer, or for all of them; `dimensions` lists those that change."""

    events: Amount
    dimensions: Sequence[DimensionChange]


@dataclass(frozen=True, slots=True)
class BillChanges:
    """What changes for all customers together, and for each customer with a change.

    Nothing may change for all together although something does for two of them.
    """

    total: UsageChange
    customers: Sequence[tuple[str | None, UsageChange]] = field(default_factory=list)


def bill_changes(before: Bill, after: Bill) -> BillChanges:
    """Return how a bill changes. Customers whose number of events changes most come first."""
    customers = [
        (name, change)
        for name in {**before.customers, **after.customers}
        if (change := _change(before.customers.get(name, _NOTHING), after.customers.get(name, _NOTHING))) is not None
    ]
    customers.sort(key=lambda item: (*_rank(item[1]), item[0] or ""))
    total = _change(before.total(), after.total())
    return BillChanges(total or UsageChange(Amount(before.events, after.events), ()), customers)


def _change(before: CustomerUsage, after: CustomerUsage) -> UsageChange | None:
    dimensions = [
        DimensionChange(name, Amount(was.count, now.count), Amount(was.total, now.total))
        for name in {**after.dimensions, **before.dimensions}
        if (was := before.dimensions.get(name, _NO_DIMENSION)) != (now := after.dimensions.get(name, _NO_DIMENSION))
    ]
    if before.events == after.events and not dimensions:
        return None
    return UsageChange(Amount(before.events, after.events), dimensions)


def _rank(change: UsageChange) -> tuple[int, int, int]:
    """Return what customers are sorted by: only numbers of events, since sums of two dimensions have no common unit."""
    counts = sum(abs(int(dimension.count.difference)) for dimension in change.dimensions)
    return -abs(int(change.events.difference)), -counts, -int(change.events.after)
