"""The page of a bill: one file with charts, without a script and without anything from elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...definitions import counted, shortened, visible
from .bill import by_size
from .exact import shown_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...definitions import Destination
    from .bill import CustomerUsage
    from .exact import Number
    from .reading import EventBill

_MOST_BARS = 62
_MOST_CHARTS, _MOST_IN_CHART = 6, 10
_MOST_DIMENSIONS, _MOST_OF_CUSTOMER = 40, 12
_MOST_REASONS = 50
_LONGEST_NAME, _LONGEST_REASON = 120, 400
_MONTHS = 12
_NO_CUSTOMER = "(no customer)"
_SKIPPED = {
    "not_subscribed": "no subscription wants them",
    "unknown_type": "their type is none of Segment's",
    "integrations": "the integrations object keeps them away",
    "missing_client_id": "they name no customer",
    "too_old": "they are older than the outbox remembers IDs",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart: its label, its length in percent of the longest, and its value as text."""

    label: str
    percent: float
    value: str
    is_negative: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under a heading; `more` says what is left out."""

    title: str
    bars: list[Bar]
    more: str = ""


@dataclass(frozen=True, slots=True)
class CustomerRows:
    """A customer in the table: the name, the number of events, and for each dimension its name, count and sum."""

    name: str
    events: str
    dimensions: list[tuple[str, str, str]]
    more: str


def bill_page(found: EventBill, destination: Destination, sources: Sequence[str], limit: int) -> str:
    """Return the page as HTML. It shows at most so many customers (0: all), and masks secrets."""
    shown = _Texts(destination)
    bill = found.bill
    everyone, total = bill.largest(), bill.total()
    customers = everyone[:limit] if limit else everyone
    left_out = len(everyone) - len(customers)
    more = f"and {counted(left_out, 'more customer')}" if left_out else ""
    return (
        _environment()
        .get_template("bill.html.j2")
        .render(
            style=_style(),
            target=shown.name(destination.target),
            sources=[shown.name(source) for source in sources],
            facts=_facts(found),
            first="" if bill.first is None else f"{bill.first:%Y-%m-%d %H:%M:%S}Z",
            last="" if bill.last is None else f"{bill.last:%Y-%m-%d %H:%M:%S}Z",
            days=_over_time(bill.days),
            by_customer=Chart(
                "Usage events per customer",
                _bars([(shown.customer(name), usage.events) for name, usage in customers[:_MOST_IN_CHART]]),
            ),
            charts=[_chart(name, everyone, shown) for name in list(total.dimensions)[:_MOST_CHARTS]],
            rows=[
                _rows(f"All {counted(len(everyone), 'customer')}", total, _MOST_DIMENSIONS, shown),
                *(_rows(shown.customer(name), usage, _MOST_OF_CUSTOMER, shown) for name, usage in customers),
            ],
            more=more,
            rejections=[
                (
                    f"{item.count:,}",
                    shown.reason(item.reason),
                    f"{shown.name(item.first.source)}, line {item.first.line:,}",
                )
                for item in found.reasons()[:_MOST_REASONS]
            ],
            more_reasons=max(0, len(found.rejections) - _MOST_REASONS),
            not_summed=[(shown.name(name), f"{count:,}") for name, count in bill.unsummed()[:_MOST_DIMENSIONS]],
            not_told_apart=f"{bill.not_told_apart:,}" if bill.not_told_apart else "",
        )
    )


class _Texts:
    """Shows texts of events: on one line, of bounded length, without secrets. The template escapes them."""

    def __init__(self, destination: Destination) -> None:
        self._masked = destination.redactor.text

    def name(self, text: str) -> str:
        return visible(shortened(self._masked(text), _LONGEST_NAME), keep_lines=False)

    def reason(self, text: str) -> str:
        return visible(shortened(self._masked(text), _LONGEST_REASON), keep_lines=False)

    def customer(self, text: str | None) -> str:
        return _NO_CUSTOMER if text is None else self.name(text) or "(empty)"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _style() -> str:
    source, _, _ = _environment().loader.get_source(_environment(), "bill.css")  # type: ignore[union-attr]
    return source.strip()


def _facts(found: EventBill) -> list[tuple[str, str]]:
    """Return what happened to the events, as terms and numbers; what did not happen is left out."""
    bill = found.bill
    skipped: Counter[str] = Counter()
    for (reason, _), count in found.skipped.items():
        skipped[reason] += count
    rare = [
        ("repeat an ID, and count once", bill.duplicates),
        *((f"skipped: {what}", skipped[reason]) for reason, what in _SKIPPED.items()),
        ("rejected: deliver would make dead letters of them", found.rejected),
    ]
    always = [("events read", found.read), ("usage events to bill", bill.events), ("customers", len(bill.customers))]
    return [(what, f"{count:,}") for what, count in (*always, *((what, count) for what, count in rare if count))]


def _chart(dimension: str, customers: Iterable[tuple[str | None, CustomerUsage]], shown: _Texts) -> Chart:
    sums = [(name, usage.dimensions[dimension].total) for name, usage in customers if dimension in usage.dimensions]
    sums.sort(key=lambda item: (-item[1], item[0] or ""))
    bars = _bars([(shown.customer(name), total) for name, total in sums[:_MOST_IN_CHART]])
    more = len(sums) - len(bars)
    return Chart(shown.name(dimension), bars, f"and {counted(more, 'more customer')}" if more else "")


def _bars(values: Sequence[tuple[str, Number]]) -> list[Bar]:
    lengths = [Decimal(value).copy_abs() for _, value in values]
    longest = max(lengths, default=Decimal(0))
    return [
        Bar(label, _percent(length, longest), shown_number(value), is_negative=value < 0)
        for (label, value), length in zip(values, lengths, strict=True)
    ]


def _percent(length: Decimal, longest: Decimal) -> float:
    return round(float(length / longest) * 100, 1) if longest else 0.0


def _over_time(days: Counter[date]) -> Chart | None:
    """Return the events per day, month or number of years, whichever has few enough bars."""
    if not days:
        return None
    first, last = min(days), max(days)
    if (last - first).days < _MOST_BARS:
        dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return Chart("day", _bars([(day.isoformat(), days[day]) for day in dates]))
    months: Counter[int] = Counter()
    for day, count in days.items():
        months[day.year * _MONTHS + day.month - 1] += count
    start, end = min(months), max(months)
    if end - start < _MOST_BARS:
        return Chart("month", _bars([(_month(number), months[number]) for number in range(start, end + 1)]))
    size = (last.year - first.year) // _MOST_BARS + 1
    years: Counter[int] = Counter()
    for number, count in months.items():
        years[(number // _MONTHS - first.year) // size] += count
    bars = _bars([(str(first.year + at * size), years[at]) for at in range(max(years) + 1)])
    return Chart("year" if size == 1 else f"{size} years", bars)


def _month(number: int) -> str:
    return f"{number // _MONTHS:04}-{number % _MONTHS + 1:02}"


def _rows(name: str, usage: CustomerUsage, most: int, shown: _Texts) -> CustomerRows:
    every = list(by_size(usage.dimensions))
    rows = [(shown.name(key), f"{item.count:,}", shown_number(item.total)) for key, item in every[:most]]
    more = len(every) - len(rows)
    return CustomerRows(name, f"{usage.events:,}", rows, f"and {counted(more, 'more dimension')}" if more else "")
