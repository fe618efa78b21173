"""A rejection tells a person all that is wrong with a payload, in bounded length and without a secret."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fields_under_test import fields_of, one, refusals, rejection
from kable_destination.definitions.errors import RejectedError


def test_all_that_is_wrong_is_told_at_once() -> None:
    fields = fields_of(
        {
            "name": {"label": "Name", "type": "string", "required": True},
            "data": {
                "label": "Data",
                "type": "object",
                "properties": {
                    "items": {
                        "label": "Items",
                        "type": "object",
                        "multiple": True,
                        "properties": {"price": {"label": "Price", "type": "number", "required": True}},
                    }
                },
            },
        }
    )
    assert rejection(fields, {"data": {"items": [{"price": 1}, {"price": "cheap"}, {}]}}) == [
        "name: Name is required, but it is missing or empty",
        'data.items[1].price: Price must be a number, but it is the text "cheap"',
        "data.items[2].price: Price is required, but it is missing or empty",
    ]


def test_a_payload_that_is_no_object_is_rejected() -> None:
    assert rejection(one(), [1]) == ["the payload must be an object, but it is an array of 1 item"]


def test_a_key_that_would_read_as_a_path_is_quoted() -> None:
    fields = fields_of({"a.b": {"label": "Dotted", "type": "number"}})
    assert rejection(fields, {"a.b": "x"}) == ['["a.b"]: Dotted must be a number, but it is the text "x"']


def test_a_missing_label_is_made_good_by_the_key() -> None:
    assert rejection(one(label="", type="number"), {"f": "x"}) == ['f: f must be a number, but it is the text "x"']


@pytest.mark.parametrize("multiple", [False, True])
def test_a_secret_is_never_shown(multiple: bool) -> None:
    secret = one(type="password", multiple=multiple, maximum=3, choices=["abc"])
    for value in ("hunter2", 1234567, ["hunter2"], {"key": "hunter2"}, [["hunter2"]]):
        told = " ".join(rejection(secret, {"f": value}))
        assert "hunter2" not in told
        assert "1234567" not in told


def test_a_long_value_is_shown_only_in_part() -> None:
    (told,) = rejection(one(type="number"), {"f": "x" * 10_000})
    assert len(told) < 200


def test_a_lone_surrogate_in_a_message_can_be_printed() -> None:
    (told,) = rejection(one(type="number"), {"f": "\ud83d"})
    assert told.encode()


def test_choices_are_named_up_to_ten() -> None:
    fields = one(choices=[f"c{number}" for number in range(12)])
    (told,) = rejection(fields, {"f": "x"})
    assert told == (
        'f: Fld must be one of "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9" or one of 2 more, '
        'but it is the text "x"'
    )


def test_no_more_than_a_hundred_problems_are_named() -> None:
    with pytest.raises(RejectedError) as caught:
        one(type="number", multiple=True)({"f": ["x"] * 1_000})
    assert len(caught.value.problems) == 101
    assert str(caught.value.problems[-1]) == "there are more problems; the first 100 are named"


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"k": value}
    return value


@pytest.fixture(scope="module")
def hostile_values() -> list[Any]:
    """Values that are made to take long, made once: they are not changed."""
    return [
        "9" * 10_000_000, "a-" * 5_000_000 + "\n", "(" * 1_000_000, " " * 1_000_000, "\ud800" * 1000, 10**50_000,
        -(10**400), math.nan, math.inf, [[]] * 100_000, [None] * 100_000, deep(100_000), [deep(100_000)],
        {"__class__": "x", "__proto__": {"a": 1}, "constructor": None}, {str(number): {} for number in range(100_000)},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        {"type": kind, **more}
        for kind in ("string", "number", "integer", "boolean", "datetime", "object", "text-map", "password")
        for more in ({}, {"multiple": True}, {"allowNull": True})
    ]
    + [{"format": name} for name in ("email", "uri", "uri-template", "hostname", "regex", "ipv6", "uuid", "date-time")]
    + [{"identifier": True}, {"choices": ["a"]}],
    ids=str,
)
def test_a_hostile_value_is_answered_in_bounded_time(field: dict[str, Any], hostile_values: list[Any]) -> None:
    fields = one(**field)
    for value in hostile_values:
        for refusal in refusals(fields, {"f": value, "__class__": value}):
            assert len(refusal.problems) <= 101
            assert len(str(refusal)) < 50_000
