"""Conditions on fields that the action does not define, and lists of choices that are empty."""

from __future__ import annotations

from typing import Any

import pytest

from fields_under_test import fields_of, rejection


def test_a_condition_on_a_field_that_is_not_there_sees_what_the_mapping_gives() -> None:
    """As with Segment; two public definitions have one. It is a finding of the lint."""
    required = {"conditions": [{"fieldKey": "mode", "operator": "is", "value": "add"}]}
    fields = fields_of({"f": {"label": "F", "type": "string", "required": required}})
    assert fields({}) == {}
    assert fields({"mode": "remove"}) == {}
    assert rejection(fields, {"mode": "add"}) == ['f: F is required when mode is "add", but it is missing or empty']
    assert fields({"mode": "add", "f": "x"}) == {"f": "x"}


@pytest.mark.parametrize(
    ("condition", "payload", "is_required"),
    [
        ({"fieldKey": "__segment_internal_sync_mode", "operator": "is", "value": "add"}, {}, False),
        ({"fieldKey": "gone", "operator": "is"}, {}, True),
        ({"fieldKey": "gone", "operator": "is"}, {"gone": 1}, False),
        ({"fieldKey": "gone", "operator": "is_not", "value": "a"}, {}, False),
        ({"fieldKey": "gone", "operator": "is_not", "value": "a"}, {"gone": "b"}, True),
        ({"fieldKey": "gone.child", "operator": "is", "value": 1}, {"gone": {"child": 1}}, True),
        ({"fieldKey": "gone.child", "operator": "is", "value": 1}, {"gone": {}}, False),
    ],
)
def test_conditions_of_every_kind_may_name_it(condition: Any, payload: Any, is_required: bool) -> None:
    fields = fields_of({"f": {"label": "F", "type": "string", "required": {"conditions": [condition]}}})
    if is_required:
        assert len(rejection(fields, payload)) == 1
    else:
        assert fields(payload) == {}


@pytest.mark.parametrize("kind", ["string", "number", "boolean"])
@pytest.mark.parametrize("value", ["a", 1, True])
def test_an_empty_list_of_choices_accepts_nothing(kind: str, value: Any) -> None:
    fields = fields_of({"f": {"label": "F", "type": kind, "choices": []}})
    assert fields({}) == {}
    assert rejection(fields, {"f": value})
    many = fields_of({"f": {"label": "F", "type": kind, "choices": [], "multiple": True}})
    assert many({"f": []}) == {"f": []}
    assert rejection(many, {"f": [value]})
