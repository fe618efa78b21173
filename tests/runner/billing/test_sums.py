"""A bill is exact, whatever its numbers are, and counts each ID once."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kable_destination.actions import track
from kable_destination.runner.billing.bill import MOST_DIMENSIONS, Bill
from kable_destination.runner.billing.exact import exact_difference, exact_sum, number_text, shown_number
from kable_destination.runner.billing.seen_ids import SeenIds
from kable_destination.runner.billing.usage_fields import UsageFields, usage_fields
from meter_destination import send

KABLE = usage_fields(track)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def usage(number: int = 0, customer: str = "acme", **changes: Any) -> dict[str, Any]:
    event = {"clientId": customer, "timestamp": "2026-03-04T05:06:07Z", "transactionId": f"t-{number}", "data": {}}
    return {**event, **changes}


def bill_of(*events: dict[str, Any], fields: UsageFields = KABLE) -> Bill:
    bill = Bill()
    bill.add_json(json.dumps(events).encode(), fields)
    return bill


def sums(bill: Bill, customer: str | None = "acme") -> dict[str, tuple[int, str]]:
    dimensions = bill.customers[customer].dimensions
    return {name: (usage.count, number_text(usage.total)) for name, usage in dimensions.items()}


@given(st.lists(NUMBERS, min_size=1))
def test_sums_are_exact(numbers: list[float]) -> None:
    bill = bill_of(*(usage(at, data={"n": number}) for at, number in enumerate(numbers)))
    exact = sum(Fraction(json.dumps(number)) for number in numbers)
    count, total = sums(bill)["n"]
    assert (count, Fraction(total)) == (len(numbers), exact)


def test_tenths_do_not_drift() -> None:
    assert sums(bill_of(*(usage(at, data={"cost": 0.1}) for at in range(1_000))))["cost"] == (1_000, "100")


def test_an_id_is_counted_once() -> None:
    bill = bill_of(usage(1, data={"n": 5}), usage(1, data={"n": 5}), usage(2, data={"n": 1}))
    assert (bill.events, bill.duplicates, sums(bill)) == (2, 1, {"n": (2, "6")})


def test_ids_are_recognised_wherever_they_are_kept() -> None:
    seen = SeenIds(most_young=10)
    names = [str(number) for number in range(95)]
    assert all(map(seen.add, names))
    assert not any(map(seen.add, names))
    assert seen.add("another")


def test_dimensions_are_the_numbers_of_the_data_however_deep() -> None:
    data = {"n": 1, "deep": {"er": {"n": 2.5}}, "plan": "pro", "on": True, "none": None, "list": [1, 2]}
    bill = bill_of(usage(data=data))
    assert sums(bill) == {"n": (1, "1"), "deep.er.n": (1, "2.5")}
    assert dict(bill.not_numbers) == {"plan": 1, "on": 1, "list": 1}


def test_a_number_in_a_text_is_not_guessed() -> None:
    bill = bill_of(usage(1, data={"n": 1}), usage(2, data={"n": "2"}))
    assert (sums(bill), dict(bill.not_numbers)) == ({"n": (1, "1")}, {"n": 1})


def test_the_payload_of_any_plugin_is_found_in_its_envelope() -> None:
    fields = usage_fields(send)
    item = {"name": "Call", "region": "eu", "units": 3}
    bill = Bill()
    bill.add_json(json.dumps({"item": item}).encode(), fields)
    bill.add_json(json.dumps({"items": [item, item]}).encode(), fields)
    assert (bill.events, sums(bill, None)) == (3, {"units": (3, "9")})


def test_the_range_of_time_compares_moments_and_not_texts() -> None:
    times = ("2026-03-04T01:00:00+05:00", "2026-03-03T23:00:00Z", "2026-03-03T23:59:60Z")
    bill = bill_of(*(usage(at, timestamp=time) for at, time in enumerate(times)))
    assert f"{bill.first} {bill.last}" == "2026-03-03 20:00:00+00:00 2026-03-03 23:59:59+00:00"


def test_dimensions_without_end_do_not_fill_the_memory() -> None:
    bill = bill_of(*(usage(at, data={f"at_{at}": 1}) for at in range(MOST_DIMENSIONS + 5)))
    assert (len(bill.total().dimensions), bill.not_told_apart) == (MOST_DIMENSIONS, 5)


def test_the_largest_customers_come_first_and_ties_by_name() -> None:
    bill = bill_of(usage(1, "b"), usage(2, "a"), usage(3, "c"), usage(4, "c"))
    assert [name for name, _ in bill.largest()] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (-1234, "-1,234"),
        (Decimal("1234567.50"), "1,234,567.5"),
        (Decimal("-0.001"), "-0.001"),
        (Decimal("1E+3"), "1,000"),
        (10**40, "≈1.00000000000e+40"),
        (10**5000, "≈1.00000000000e+5000"),
    ],
    ids=["none", "negative", "grouped", "fraction", "exponent", "long", "longer than Python would print"],
)
def test_numbers_are_shown_in_groups_of_three_digits(number: Decimal, shown: str) -> None:
    assert shown_number(number) == shown


def test_differences_are_exact() -> None:
    assert number_text(exact_difference(Decimal("0.3"), Decimal("0.1"))) == "0.2"
    assert number_text(exact_difference(1, Decimal("1E-30"))) == f"0.{'9' * 30}"
    assert exact_sum(1, 2) == 3


def test_a_bill_of_many_customers_is_quickly_shown_as_a_result() -> None:
    """When asyncio ends, it makes the repr of what its main task returns: that took as long as the bill itself."""
    bill = bill_of(*(usage(at, f"customer {at}") for at in range(1_000)))
    assert len(repr(bill)) < 1_000
