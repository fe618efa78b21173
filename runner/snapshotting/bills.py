"""The bill of the events in a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..billing.bill import Bill
from ..billing.changes import BillChanges, bill_changes
from ..billing.usage_fields import UsageFields, usage_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...definitions import DestinationDefinition
    from .files import Section


def snapshot_bill_changes(
    definition: DestinationDefinition, recorded: Mapping[str | None, Section], current: Mapping[str | None, Section]
) -> BillChanges:
    """Return how the bill of some events changes. Renamed subscriptions must have their present names in both."""
    # An ID counts where it occurs first, so both bills go through the subscriptions in one order.
    order = dict.fromkeys((*current, *recorded))
    before, after = (
        _bill(definition, [found[name] for name in order if name in found]) for found in (recorded, current)
    )
    return bill_changes(before, after)


def _bill(definition: DestinationDefinition, sections: Iterable[Section]) -> Bill:
    bill = Bill()
    fields = {key: usage_fields(action) for key, action in definition.actions.items()}
    for section in sections:
        # The action may be gone; then any field of the others may be there.
        known = fields.get(section.action or "") or _any_of(fields)
        for record in section.events:
            if record.outcome == "planned":
                bill.add_json(bytes(record.body), known)
    return bill


def _any_of(fields: Mapping[str, UsageFields]) -> UsageFields:
    first = next(iter(fields.values()), UsageFields(frozenset()))
    return UsageFields(
        frozenset().union(*(each.keys for each in fields.values())),
        first.customer,
        first.id,
        first.time,
        first.measured,
    )
