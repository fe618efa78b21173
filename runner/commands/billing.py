"""What `bill` shows: as JSON, as text, and as a page."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .output import time_text
from .tables import WIDTH, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ...definitions import Destination
    from ..billing.bill import DimensionUsage
    from ..billing.reading import EventBill
    from .json_outputs.bill import BillOutput, DimensionOutput, SkippedOutput

_MOST_REASONS, _MOST_TYPES, _MOST_DIMENSIONS = 10, 8, 12
_LONGEST_REASON = 300
_SKIPPED = {
    "not_subscribed": "that no subscription wants",
    "unknown_type": "of a type that is none of Segment's, and that no subscription wants",
    "integrations": "kept away by the integrations object",
    "missing_client_id": "that name no customer",
    "too_old": "older than the outbox remembers IDs (keepIds), so deliver sends them only with --allow-old",
}
NO_CUSTOMER = "(no customer)"


def bill_output(destination: Destination, sources: list[str], found: EventBill, limit: int) -> BillOutput:
    """Return a bill as `--json` prints it, with secrets masked and at most so many customers (0: all)."""
    from .json_outputs.bill import BillOutput, CustomerOutput, NotSummedOutput, RejectionOutput, SkippedOutput

    bill, masked = found.bill, destination.redactor.text
    customers = bill.largest()
    shown = customers[:limit] if limit else customers
    return BillOutput(
        target=destination.target,
        sources=sources,
        read=found.read,
        events=bill.events,
        customers=len(customers),
        first_at=None if bill.first is None else bill.first.timestamp(),
        last_at=None if bill.last is None else bill.last.timestamp(),
        duplicates=bill.duplicates,
        rejected=found.rejected,
        rejections=[
            RejectionOutput(
                reason=masked(item.reason), count=item.count, source=item.first.source, line=item.first.line
            )
            for item in found.reasons()
        ],
        skipped=[
            SkippedOutput(reason=reason, type=None if kind is None else masked(kind), count=count)
            for (reason, kind), count in found.skipped.most_common()
        ],
        misspelt_flags=sorted(found.misspelt_flags),
        dimensions=[_dimension(masked(name), usage) for name, usage in bill.total().dimensions.items()],
        not_summed=[NotSummedOutput(dimension=masked(name), count=count) for name, count in bill.unsummed()],
        not_told_apart=bill.not_told_apart,
        largest=[
            CustomerOutput(
                customer=None if name is None else masked(name),
                events=usage.events,
                dimensions=[_dimension(masked(key), item) for key, item in _by_size(usage.dimensions)],
            )
            for name, usage in shown
        ],
        customers_left_out=len(customers) - len(shown),
    )


def bill_lines(bill: BillOutput, limit: int) -> Iterator[str]:
    """Yield a bill as text of at most 80 columns."""
    from ...definitions import counted

    yield from _wrapped(f"for {bill.target}; nothing is sent")
    names = bill.sources[0] if len(bill.sources) == 1 else counted(len(bill.sources), "source")
    yield from _wrapped(f"{names}: {counted(bill.read, 'event')} read, {counted(bill.events, 'usage event')} to bill")
    yield from _not_billed(bill)
    if not bill.events:
        yield "There is nothing to bill."
        return
    if bill.first_at is not None and bill.last_at is not None:
        yield f"from {time_text(bill.first_at)} to {time_text(bill.last_at)}"
    yield ""
    rows = [(f"all {counted(bill.customers, 'customer')}", "events", f"{bill.events:,}", "")]
    rows += _dimension_rows(bill.dimensions)
    for customer in bill.largest:
        name = NO_CUSTOMER if customer.customer is None else _line(customer.customer)
        rows.append((name, "events", f"{customer.events:,}", ""))
        rows += _dimension_rows(customer.dimensions)
    yield from table(("customer", "dimension", "count", "sum"), rows, names=2)
    if bill.customers_left_out:
        yield f"and {counted(bill.customers_left_out, 'more customer')}; --limit {limit * 2} shows more, --limit 0 all"
    yield from _warnings(bill)


def oldest_day(keep_days: float) -> str | None:
    """Return the first day whose events a delivery sends today."""
    from datetime import UTC, datetime, timedelta

    try:
        return f"{datetime.now(UTC) - timedelta(days=keep_days):%Y-%m-%d}"
    except OverflowError:
        return None


def write_bill_page(path: Path, text: str) -> None:
    """Write the page of a bill, which its owner alone may read. Raises SetupError."""
    import os

    from ...definitions import SetupError
    from ..delivery.private_file import open_to_append
    from .report_file import unwritable

    try:
        handle = open_to_append(path)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if path.is_file():
                os.ftruncate(handle, 0)
            file.write(text)
    except OSError as error:
        raise SetupError.of([unwritable(path, error)]) from None


def _by_size(dimensions: dict[str, DimensionUsage]) -> Iterator[tuple[str, DimensionUsage]]:
    from ..billing.bill import by_size

    return by_size(dimensions)


def _dimension(name: str, usage: DimensionUsage) -> DimensionOutput:
    from ..billing.exact import number_text
    from .json_outputs.bill import DimensionOutput

    return DimensionOutput(dimension=name, count=usage.count, sum=number_text(usage.total))


def _not_billed(bill: BillOutput) -> Iterator[str]:
    """Yield a line for each thing that happened to events other than being billed."""
    if bill.duplicates:
        verb = "repeats" if bill.duplicates == 1 else "repeat"
        yield from _wrapped(f"{bill.duplicates:,} {verb} the ID of an earlier event, and an ID counts once", "  ")
    for reason, what in _SKIPPED.items():
        found = [item for item in bill.skipped if item.reason == reason]
        if found:
            count = sum(item.count for item in found)
            yield from _wrapped(f"{count:,} skipped: events {what}{_types(found)}", "  ")
    if bill.misspelt_flags:
        flags = ", ".join(map(_line, bill.misspelt_flags[:_MOST_TYPES]))
        yield from _wrapped(f"flags in integrations objects have no effect if their case differs: {flags}", "  ")
    if bill.rejected:
        yield from _wrapped(f"{bill.rejected:,} rejected, so deliver would make dead letters of them:", "  ")
    for item in bill.rejections[:_MOST_REASONS]:
        place = f"first in {_line(item.source)}, line {item.line:,}" if item.count > 1 else f"line {item.line:,}"
        yield from _wrapped(f"{item.count:,}: {_line(item.reason, _LONGEST_REASON)} ({place})", "    ")
    if len(bill.rejections) > _MOST_REASONS:
        yield f"    and {len(bill.rejections) - _MOST_REASONS:,} more reasons; --json lists them"


def _types(found: list[SkippedOutput]) -> str:
    named = [f"{_line(item.type)} {item.count:,}" for item in found if item.type is not None]
    more = [f"and {len(named) - _MOST_TYPES:,} more types"] if len(named) > _MOST_TYPES else []
    return f" ({', '.join(named[:_MOST_TYPES] + more)})" if named else ""


def _dimension_rows(dimensions: Iterable[DimensionOutput]) -> Iterator[tuple[str, str, str, str]]:
    from decimal import Decimal

    from ..billing.exact import shown_number

    every = list(dimensions)
    for item in every[:_MOST_DIMENSIONS]:
        yield "", _line(item.dimension), f"{item.count:,}", shown_number(Decimal(item.sum))
    if len(every) > _MOST_DIMENSIONS:
        yield "", f"and {len(every) - _MOST_DIMENSIONS:,} more", "", ""


def _warnings(bill: BillOutput) -> Iterator[str]:
    """Yield what somebody may have taken for a number that is summed."""
    summed = {item.dimension: item.count for item in bill.dimensions}
    mixed = [item for item in bill.not_summed if item.dimension in summed]
    plain = [_line(item.dimension) for item in bill.not_summed if item.dimension not in summed]
    if plain:
        more = f" and {len(plain) - _MOST_DIMENSIONS:,} more" if len(plain) > _MOST_DIMENSIONS else ""
        yield from _wrapped(f"not numbers, so not summed: {', '.join(plain[:_MOST_DIMENSIONS])}{more}")
    for item in mixed[:_MOST_DIMENSIONS]:
        where = f"{item.count:,} of {item.count + summed[item.dimension]:,} usage events"
        yield from _wrapped(f"warning: {_line(item.dimension)} is not a number in {where}; these are not in its sum")
    if bill.not_told_apart:
        yield from _wrapped(
            f"warning: there are more than 1,000 dimensions, and {bill.not_told_apart:,} values beyond them are in no "
            "sum; a property whose name holds an ID or a time is not a dimension"
        )


def _line(text: str, limit: int = 200) -> str:
    """Return a text on one line, in which nothing steers a terminal."""
    from ...definitions import shortened, visible

    return visible(shortened(text, limit), keep_lines=False)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
