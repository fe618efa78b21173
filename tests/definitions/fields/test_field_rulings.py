"""Rulings where Segment lets something pass unseen, or fails on what a person expects to work."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fields_under_test import one, rejection
from kable_destination.definitions.errors import RejectedError


@pytest.mark.parametrize(
    ("definition", "value", "told"),
    [
        ({"type": "number", "minimum": 0}, -1, "Fld must be 0 or more, but it is the number -1"),
        ({"type": "number", "maximum": 0}, 0.5, "Fld must be 0 or less, but it is the number 0.5"),
        ({"type": "integer", "minimum": 1}, 0, "Fld must be 1 or more, but it is the number 0"),
        ({"type": "integer", "maximum": 9}, "10", 'Fld must be 9 or less, but it is the text "10"'),
        ({"type": "text", "maximum": 2}, "abc", "Fld must have 2 characters or fewer, but it has 3"),
        ({"type": "string", "maximum": 0}, "a", "Fld must have 0 characters or fewer, but it has 1"),
    ],
)
def test_every_bound_is_honoured(definition: dict[str, Any], value: Any, told: str) -> None:
    assert rejection(one(**definition), {"f": value}) == [f"f: {told}"]


@pytest.mark.parametrize("text", ["^a+$", "(?<name>a)", "(", r"\\"])
def test_a_text_may_be_a_regular_expression_of_any_syntax(text: str) -> None:
    """Python cannot answer for JavaScript; lint tells the author of a definition what Python cannot compile."""
    assert one(format="regex")({"f": text}) == {"f": text}
    with pytest.raises(RejectedError, match="regular expression"):
        one(format="regex")({"f": text * 65_537})


def test_format_and_bounds_are_honoured_in_each_item() -> None:
    emails = one(format="email", multiple=True)
    assert emails({"f": "a@b.test"}) == {"f": ["a@b.test"]}
    assert rejection(emails, {"f": ["a@b.test", "nobody"]}) == [
        'f[1]: Fld must be a valid email address, but it is the text "nobody"'
    ]
    assert rejection(one(type="number", minimum=2, multiple=True), {"f": [1, 2]}) == [
        "f[0]: Fld must be 2 or more, but it is the number 1"
    ]


def test_text_that_would_make_an_infinite_number_is_rejected() -> None:
    for text in ("Infinity", "-Infinity", "1e400", "9" * 900):
        (told,) = rejection(one(type="number"), {"f": text})
        assert "too large a number" in told
    assert rejection(one(type="number"), {"f": math.inf}) == [
        "f: Fld must be a number, but it is a number that is not finite"
    ]


def test_integers_stay_exact_and_whole_numbers_are_sent_without_a_point() -> None:
    integers = one(type="integer")
    assert integers({"f": "9007199254740993"}) == {"f": 9007199254740993}
    assert repr(integers({"f": 5.0})) == "{'f': 5}"
    assert repr(one(type="number")({"f": "1e3"})) == "{'f': 1000}"


def test_a_choice_is_compared_by_type_too() -> None:
    fields = one(type="number", choices=[{"label": "One", "value": 1}])
    assert fields({"f": 1.0}) == {"f": 1.0}
    assert rejection(one(type="number", choices=["1"]), {"f": 1})
    assert rejection(one(type="boolean", choices=[{"label": "One", "value": 1}]), {"f": True})


def test_no_list_of_choices_is_no_restriction() -> None:
    assert one(choices=None)({"f": "x"}) == {"f": "x"}


def test_a_text_map_holds_texts() -> None:
    text_map = one(type="text-map")
    assert text_map({"f": {"a": "x", "b": 1.0, "c": True, "d": None}}) == {"f": {"a": "x", "b": "1", "c": "true"}}
    assert rejection(text_map, {"f": {"a": {}, "b": []}}) == [
        "f.a: Fld must be text, but it is an object",
        "f.b: Fld must be text, but it is an array of 0 items",
    ]
    assert rejection(text_map, {"f": "x"}) == ['f: Fld must be an object of texts, but it is the text "x"']
