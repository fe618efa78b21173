"""A field can be required under conditions on other fields."""

from __future__ import annotations

from typing import Any

import pytest

from fields_under_test import fields_of, rejection
from kable_destination.definitions.fields import CompiledFields, compile_fields
from kable_destination.definitions.input_field import Condition, Conditions, InputField


def test_a_required_field_stays_required_beside_a_conditional_one() -> None:
    fields = fields_of(
        {
            "mode": {"label": "Mode", "type": "string"},
            "o": {
                "label": "O",
                "type": "object",
                "properties": {
                    "always": {"label": "Always", "type": "string", "required": True},
                    "sometimes": {
                        "label": "Sometimes",
                        "type": "string",
                        "required": {"conditions": [{"fieldKey": "mode", "operator": "is", "value": "x"}]},
                    },
                },
            },
        }
    )
    assert rejection(fields, {"o": {}}) == ["o.always: Always is required, but it is missing or empty"]
    assert rejection(fields, {"mode": "x", "o": {"always": "a"}}) == [
        'o.sometimes: Sometimes is required when Mode is "x", but it is missing or empty'
    ]
    assert rejection(fields, {"mode": "x"}) == ['o: O is required when Mode is "x", but it is missing or empty']


@pytest.mark.parametrize(
    ("operator", "payload", "is_required"),
    [
        ("is", {}, True),
        ("is", {"o": {}}, True),
        ("is", {"o": {"m": None}}, True),
        ("is", {"o": {"m": "x"}}, False),
        ("is_not", {"o": {"m": "x"}}, True),
        ("is_not", {"o": {}}, False),
        ("is_not", {}, False),
    ],
)
def test_a_condition_can_ask_whether_a_nested_field_is_there(
    operator: str, payload: dict[str, Any], is_required: bool
) -> None:
    fields = fields_of(
        {
            "o": {"label": "O", "type": "object", "properties": {"m": {"label": "M", "type": "string"}}},
            "a": {
                "label": "A",
                "type": "string",
                "required": {"conditions": [{"fieldKey": "o.m", "operator": operator}]},
            },
        }
    )
    if is_required:
        assert "a: A is required when M is" in rejection(fields, payload)[0]
    else:
        fields(payload)


def test_conditions_of_objects_within_objects_are_kept_apart() -> None:
    def box(condition_on: str, **more: dict[str, Any]) -> dict[str, Any]:
        required = {"conditions": [{"fieldKey": condition_on, "operator": "is", "value": "x"}]}
        child = {"label": "Child", "type": "string", "required": required}
        return {"label": "Box", "type": "object", "properties": {"child": child, **more}}

    mode = {"label": "Mode", "type": "string"}
    fields = fields_of({"mode": mode, "outer": box("mode", mode=mode, inner=box("mode"))})
    assert fields({"outer": {"inner": {}}}) == {"outer": {"inner": {}}}
    assert [place.split(":")[0] for place in rejection(fields, {"mode": "x", "outer": {"inner": {}}})] == [
        "outer.child"
    ]
    assert [place.split(":")[0] for place in rejection(fields, {"outer": {"mode": "x", "inner": {}}})] == [
        "outer.inner.child"
    ]


def test_a_condition_on_null_is_not_a_condition_on_presence() -> None:
    def requires_a(condition: Condition) -> CompiledFields:
        return compile_fields(
            {
                "n": InputField(label="N", type="number", allow_null=True),
                "a": InputField(label="A", type="string", required=Conditions(conditions=(condition,))),
            }
        )

    is_null = Condition(field_key="n", operator="is", value=None)
    assert requires_a(is_null)({}) == {}
    assert rejection(requires_a(is_null), {"n": None})
    assert rejection(requires_a(Condition(field_key="n", operator="is")), {})
