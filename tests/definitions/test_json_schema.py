"""The JSON Schema of a set of fields says what a valid payload looks like."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions.errors import FieldsError
from kable_destination.definitions.fields import json_schema
from kable_destination.definitions.input_field import Choice, Condition, Conditions, InputField


def schema_of(**more: Any) -> Any:
    """Give the schema of one field, without its title."""
    schema = json_schema({"f": InputField(**{"label": "F", "type": "string", **more})})["properties"]["f"]
    assert schema.pop("title") == "F"
    return schema


def when(*conditions: Condition, match: Any = None) -> list[Any]:
    """Give the conditional part of a schema in which `a` is required under conditions on `mode` and `o.m`."""
    member = InputField(label="M", type="string")
    required = Conditions(match=match, conditions=conditions)
    found: list[Any] = json_schema(
        {
            "mode": InputField(label="Mode", type="string"),
            "o": InputField(label="O", type="object", properties={"m": member}),
            "a": InputField(label="A", type="string", required=required),
        }
    )["allOf"]
    return found


def test_the_whole_is_an_object_of_the_fields_and_nothing_else() -> None:
    fields = {
        "clientId": InputField(
            label="Client ID", description="The customer.", type="string", required=True, identifier=True
        ),
        "seats": InputField(label="Seats", type="integer", minimum=0, maximum=9),
    }
    assert json_schema(fields) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "clientId": {"title": "Client ID", "description": "The customer.", "type": "string", "pattern": r"\S"},
            "seats": {"title": "Seats", "type": "integer", "minimum": 0, "maximum": 9},
        },
        "required": ["clientId"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("definition", "schema"),
    [
        ({"type": "datetime"}, {"type": ["string", "number"], "format": "date-like"}),
        ({"type": "number", "allow_null": True}, {"type": ["number", "null"]}),
        ({"type": "object"}, {"type": "object"}),
        ({"type": "text-map"}, {"type": "object", "additionalProperties": {"type": "string"}}),
        ({"format": "email"}, {"type": "string", "format": "email"}),
        ({"minimum": 2, "maximum": 4}, {"type": "string", "minLength": 2, "maxLength": 4}),
        ({"choices": ["a", Choice(label="B", value="b")]}, {"type": "string", "enum": ["a", "b"]}),
        ({"choices": ["a"], "allow_null": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"multiple": True, "format": "uri"}, {"type": "array", "items": {"type": "string", "format": "uri"}}),
        ({"default": "x"}, {"type": "string", "default": "x"}),
        ({"default": {"@path": "$.userId"}}, {"type": "string"}),
        ({"type": "password"}, {"type": "string", "format": "password", "writeOnly": True}),
        ({"type": "password", "default": "hunter2"}, {"type": "string", "format": "password", "writeOnly": True}),
    ],
    ids=str,
)
def test_a_field_is_described_by_what_it_admits(definition: dict[str, Any], schema: dict[str, Any]) -> None:
    assert schema_of(**definition) == schema


def test_an_object_is_described_with_its_own_fields() -> None:
    city = InputField(label="City", type="string", required=True)
    inner = {"type": "object", "properties": {"city": {"title": "City", "type": "string"}}, "required": ["city"]}
    closed = {**inner, "additionalProperties": False}
    assert schema_of(type="object", properties={"city": city}) == closed
    assert schema_of(type="object", properties={"city": city}, multiple=True) == {"type": "array", "items": closed}
    assert schema_of(type="object", properties={"city": city}, additional_properties=True) == inner


def test_a_condition_becomes_if_and_then() -> None:
    is_x = {"required": ["mode"], "properties": {"mode": {"const": "x"}}}
    not_x = {"required": ["mode"], "properties": {"mode": {"not": {"const": "x"}}}}
    nested = {"required": ["o"], "properties": {"o": {"required": ["m"], "properties": {"m": {"const": "x"}}}}}
    then = {"required": ["a"]}
    mode_is = Condition(field_key="mode", operator="is", value="x")
    mode_is_not = Condition(field_key="mode", operator="is_not", value="x")
    nested_is = Condition(field_key="o.m", operator="is", value="x")
    assert when(mode_is) == [{"if": is_x, "then": then}]
    assert when(mode_is_not) == [{"if": not_x, "then": then}]
    assert when(nested_is) == [{"if": nested, "then": then}]
    assert when(mode_is, nested_is) == [{"if": {"allOf": [is_x, nested]}, "then": then}]
    assert when(mode_is, nested_is, match="any") == [{"if": {"anyOf": [is_x, nested]}, "then": then}]


def test_a_condition_without_a_value_asks_whether_the_field_is_there() -> None:
    not_empty = {"not": {"enum": [None, "", 0, False]}}
    given = {"required": ["mode"], "properties": {"mode": not_empty}}
    assert when(Condition(field_key="mode", operator="is_not")) == [{"if": given, "then": {"required": ["a"]}}]
    assert when(Condition(field_key="mode", operator="is")) == [{"if": {"not": given}, "then": {"required": ["a"]}}]


def test_a_condition_on_a_field_within_an_object_is_told_where_that_object_stands() -> None:
    required = Conditions(conditions=(Condition(field_key="o.m", operator="is", value="x"),))
    properties = {
        "m": InputField(label="M", type="string"),
        "t": InputField(label="T", type="string", required=required),
    }
    (rule,) = json_schema({"o": InputField(label="O", type="object", properties=properties)})["allOf"]
    assert rule["then"] == {"required": ["o"], "properties": {"o": {"required": ["t"]}}}


def test_fields_that_cannot_be_compiled_have_no_schema() -> None:
    with pytest.raises(FieldsError, match='there is no format "colour"'):
        json_schema({"f": InputField(label="F", type="string", format="colour")})
