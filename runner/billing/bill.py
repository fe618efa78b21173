"""A bill: usage events, summed per customer and dimension."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from .exact import Number, exact_sum
from .seen_ids import SeenIds
from .usage_fields import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .usage_fields import UsageFields

MOST_DIMENSIONS = 1_000
"""So many names of dimensions are told apart; a property with a number or a time in its name would make millions."""

_LONGEST_NAME = 200
_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(slots=True)
class DimensionUsage:
    """How many usage events measure a dimension with a number, and the exact sum of these."""

    count: int = 0
    total: Number = 0


@dataclass(slots=True)
class CustomerUsage:
    """What one customer is billed for: the usage events, and each dimension."""

    events: int = 0
    dimensions: dict[str, DimensionUsage] = field(default_factory=dict)


@dataclass(slots=True)
class Bill:
    """Usage events, summed. An event whose ID is on the bill already is a duplicate, as it is for the destination.

    - `customers`: by their IDs; None: the events of an action that has no field for a customer.
    - `not_numbers`: how many events have something else than a number at a dimension (a null is nothing).
    - `first`, `last`: the earliest and the latest moment of an event; `days`: the events of each day in UTC.
    - `oldest`: a day (`2026-03-04`); events from before it are not billed, and `too_old` counts them. None: all are.
    - `not_told_apart`: measured values whose dimensions are beyond the number that is told apart; they are in no sum.
    """

    # What may be long is in no repr: asyncio makes one of the result of its main task when it ends.

    customers: dict[str | None, CustomerUsage] = field(default_factory=dict, repr=False)
    events: int = 0
    duplicates: int = 0
    not_numbers: Counter[str] = field(default_factory=Counter, repr=False)
    first: datetime | None = None
    last: datetime | None = None
    days: Counter[date] = field(default_factory=Counter, repr=False)
    not_told_apart: int = 0
    oldest: str | None = None
    too_old: int = 0
    _names: set[str] = field(default_factory=set, repr=False)
    _ids: SeenIds = field(default_factory=SeenIds, repr=False)

    def add_json(self, text: bytes | bytearray | memoryview, fields: UsageFields) -> None:
        """Add the usage events of a body, or of a list of payloads."""
        for event in fields.usage_events(_decoder.decode(text)):
            self.add(event, fields)

    def add(self, event: dict[str, Any], fields: UsageFields) -> None:
        """Add a usage event, whose fractions are Decimals."""
        time = event.get(fields.time) if fields.time is not None else None
        if self.oldest is not None and isinstance(time, str) and time < self.oldest:
            self.too_old += 1
            return
        key = event.get(fields.id) if fields.id is not None else None
        if key is not None and not self._ids.add(_text(key)):
            self.duplicates += 1
            return
        name = event.get(fields.customer) if fields.customer is not None else None
        customer = None if name is None else _text(name)
        usage = self.customers.get(customer)
        if usage is None:
            usage = self.customers[customer] = CustomerUsage()
        self.events += 1
        usage.events += 1
        self._note_time(time)
        for dimension, value in fields.dimensions(event):
            self._measure(usage, dimension, value)

    def total(self) -> CustomerUsage:
        """Return the usage of all customers together; of its dimensions, those first that most events measure."""
        totals: dict[str, DimensionUsage] = {}
        for usage in self.customers.values():
            for name, measured in usage.dimensions.items():
                total = totals.setdefault(name, DimensionUsage())
                total.count += measured.count
                total.total = exact_sum(total.total, measured.total)
        return CustomerUsage(self.events, dict(by_size(totals)))

    def largest(self) -> list[tuple[str | None, CustomerUsage]]:
        """Return the customers, those first that cause most events."""
        return sorted(self.customers.items(), key=lambda item: (-item[1].events, item[0] or ""))

    def unsummed(self) -> list[tuple[str, int]]:
        """Return the dimensions with something else than a number, and in how many usage events; these first."""
        return sorted(self.not_numbers.items(), key=lambda item: (-item[1], item[0]))

    def _measure(self, usage: CustomerUsage, name: str, value: Any) -> None:
        if value is None:
            return
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        if name not in self._names:
            if len(self._names) >= MOST_DIMENSIONS:
                self.not_told_apart += 1
                return
            self._names.add(name)
        if not is_number(value):
            self.not_numbers[name] += 1
            return
        measured = usage.dimensions.get(name)
        if measured is None:
            measured = usage.dimensions[name] = DimensionUsage()
        measured.count += 1
        measured.total = exact_sum(measured.total, value)

    def _note_time(self, text: Any) -> None:
        moment = _moment(text)
        if moment is None:
            return
        self.first = moment if self.first is None else min(self.first, moment)
        self.last = moment if self.last is None else max(self.last, moment)
        self.days[moment.date()] += 1


def by_size(dimensions: dict[str, DimensionUsage]) -> Iterator[tuple[str, DimensionUsage]]:
    """Yield dimensions, those first that most events measure."""
    yield from sorted(dimensions.items(), key=lambda item: (-item[1].count, item[0]))


def _text(value: Any) -> str:
    """Return an ID as text: a payload holds texts, unless an action has its own form."""
    return value if isinstance(value, str) else str(value)


def _moment(text: Any) -> datetime | None:
    """Return a moment in UTC; None if it is none, or only one beyond the calendar that Python knows."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if ":60" not in text:
            return None
        # A leap second, which Python does not know: the second before is near enough for the ends of a range.
        return _moment(text.replace(":60", ":59", 1))
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
