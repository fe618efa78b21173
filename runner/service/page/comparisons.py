"""What a change of a draft does to many events: event by event, and in the bill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.routing import Route

from ....definitions import SetupError
from ...billing.exact import number_text
from ...snapshotting.comparison import compared
from ...snapshotting.recording import record
from ...sources.text_source import TextSource
from .drafts import Draft  # noqa: TC001 - msgspec reads it at run time
from .messages import Asked, Message, PageError, answer, body_of, places, reader
from .operation import page_operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import Destination
    from ...billing.changes import Amount, BillChanges, DimensionChange
    from ...snapshotting.difference import Difference
    from ...snapshotting.recording import Recording
    from ..operations import Operation
    from .drafts import Drafts

MOST_EVENTS_BYTES = 16 * 1024 * 1024
MOST_EVENTS = 20_000
_MOST_BYTES = 2 * MOST_EVENTS_BYTES
"""JSON within JSON is longer: it has a backslash before every quotation mark."""

_MOST_CHANGES = 500
_MOST_CUSTOMERS = 50
_MOST_DIMENSIONS = 20
_AT_ONCE = 1


class AskedComparison(Asked, frozen=True, kw_only=True):
    """Two drafts, and events as NDJSON or as a JSON array."""

    before: Draft
    after: Draft
    events: str


class FieldChange(Message, frozen=True, kw_only=True):
    """A field with another value, as JSON or words; null: there was or is nothing."""

    field: str
    before: str | None
    after: str | None


class EventChange(Message, frozen=True, kw_only=True):
    """What changes for one event under one subscription (null: none); without `line`, for all events of it."""

    line: int | None
    message_id: str | None
    subscription: str | None
    changes: list[FieldChange]


class AmountChange(Message, frozen=True, kw_only=True):
    """A number before and after, and what is more after, with all digits, as text."""

    before: str
    after: str
    difference: str


class DimensionChanges(Message, frozen=True, kw_only=True):
    """A dimension whose count or sum changes."""

    dimension: str
    count: AmountChange
    sum: AmountChange


class UsageChanges(Message, frozen=True, kw_only=True):
    """What changes for one customer (null: the usage events name none), or for all of them."""

    customer: str | None
    events: AmountChange
    dimensions: list[DimensionChanges]


class BillChange(Message, frozen=True, kw_only=True):
    """How the bill changes: for all customers together, and for those with a change."""

    total: UsageChanges
    customers: list[UsageChanges]
    customers_left_out: int


class ComparisonAnswer(Message, frozen=True, kw_only=True):
    """How two drafts differ. `before` and `after` count what happens to the events."""

    events: int
    changed_events: int
    before: dict[str, int]
    after: dict[str, int]
    changes: list[EventChange]
    changes_left_out: int
    bill: BillChange


class Comparisons:
    """The endpoint of comparisons."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._read = reader(AskedComparison)
        # A comparison takes seconds, and one after the other they take no longer.
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route("/page/api/compare", self._answer, methods=["POST"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        return [
            page_operation(
                "post",
                "/page/api/compare",
                "compare",
                "Compare two drafts over many events.",
                ComparisonAnswer,
                body=AskedComparison,
            ),
        ]

    async def _answer(self, request: Request) -> Response:
        body = await body_of(request, _MOST_BYTES)
        async with self._turns:
            return await asyncio.to_thread(self._compared, body)

    def _compared(self, body: bytes) -> Response:
        asked = self._read(body)
        text = asked.events.encode("utf-8", "replace")
        if len(text) > MOST_EVENTS_BYTES:
            raise PageError(413, "too_large", f"The events have more than {MOST_EVENTS_BYTES:,} bytes; take fewer.")
        if text.count(b"\n") > 2 * MOST_EVENTS:
            raise PageError(413, "too_large", f"There are more than {MOST_EVENTS:,} events; take fewer.")
        before, after = self._drafts.prepare(asked.before), self._drafts.prepare(asked.after)
        for name, prepared in (("before", before), ("after", after)):
            if prepared.problems or prepared.destination is None:
                told = f"The draft {name} the change has mistakes, so it cannot be compared."
                raise PageError(400, "invalid_draft", told, places(prepared.problems))
        if asked.before.destination != asked.after.destination:
            raise PageError(400, "two_destinations", "Two drafts of different destinations cannot be compared.")
        recorded = self._recorded(before.destination, text)
        now = self._recorded(after.destination, text)
        comparison = compared(after.definition, recorded.sections, now)
        changes = comparison.differences
        return answer(
            ComparisonAnswer(
                events=len(now.lines),
                changed_events=comparison.changed_events,
                before=dict(recorded.outcomes),
                after=dict(now.outcomes),
                changes=[_event_change(each, now, recorded) for each in changes[:_MOST_CHANGES]],
                changes_left_out=max(0, len(changes) - _MOST_CHANGES),
                bill=_bill(comparison.bill),
            ),
            after.redactor,
        )

    def _recorded(self, destination: Destination | None, text: bytes) -> Recording:
        assert destination is not None  # noqa: S101 - it was checked
        try:
            found = asyncio.run(record(destination, destination.redactor, TextSource("events", text)))
        except SetupError as error:
            raise PageError(400, "invalid_events", error.message, places(error.problems)) from None
        if len(found.lines) > MOST_EVENTS:
            raise PageError(413, "too_large", f"There are more than {MOST_EVENTS:,} events; take fewer.")
        return found


def _event_change(difference: Difference, now: Recording, before: Recording) -> EventChange:
    key = difference.key
    name = None if key is None else key[0]
    return EventChange(
        line=None if key is None else now.lines.get(key, before.lines.get(key)),
        message_id=name if isinstance(name, str) else None,
        subscription=difference.subscription,
        changes=[FieldChange(field=change.field, before=change.was, after=change.now) for change in difference.changes],
    )


def _bill(bill: BillChanges) -> BillChange:
    total = bill.total
    return BillChange(
        total=UsageChanges(customer=None, events=_amount(total.events), dimensions=_dimensions(total.dimensions)),
        customers=[
            UsageChanges(customer=name, events=_amount(change.events), dimensions=_dimensions(change.dimensions))
            for name, change in bill.customers[:_MOST_CUSTOMERS]
        ],
        customers_left_out=max(0, len(bill.customers) - _MOST_CUSTOMERS),
    )


def _dimensions(changes: Sequence[DimensionChange]) -> list[DimensionChanges]:
    return [
        DimensionChanges(dimension=item.dimension, count=_amount(item.count), sum=_amount(item.total))
        for item in changes[:_MOST_DIMENSIONS]
    ]


def _amount(amount: Amount) -> AmountChange:
    before, after, difference = map(number_text, (amount.before, amount.after, amount.difference))
    return AmountChange(before=before, after=after, difference=difference)
