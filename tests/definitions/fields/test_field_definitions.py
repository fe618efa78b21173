"""Definitions of fields are read as Segment writes them; those that cannot be compiled are refused with every fault."""

from __future__ import annotations

import json
from typing import Any

from fields_under_test import faults, fields_of
from kable_destination.definitions.fields.formats import FORMATS
from kable_destination.definitions.input_field import Condition, Conditions, InputField


def test_all_that_is_wrong_with_definitions_is_told_at_once() -> None:
    on_nothing = {"conditions": [{"fieldKey": "x", "operator": "is"}]}
    assert faults(
        {
            "a": {"label": "A", "type": "string", "format": "colour"},
            "b": {"label": "B", "type": "number", "minimum": 5, "maximum": 4},
            "c": {"label": "C", "type": "string", "maximum": 1.5},
            "d": {"label": "D", "type": "number", "identifier": True},
            "e": {"label": "E", "type": "integer", "default": "many"},
            "f": {"label": "F", "type": "string", "required": on_nothing},
            "g": {
                "label": "G",
                "type": "object",
                "properties": {"h": {"label": "H", "type": "string", "required": on_nothing}},
            },
            "i": {"label": "I", "type": "string", "required": {"conditions": []}},
            "j": {
                "label": "J",
                "type": "string",
                "required": {"conditions": [{"fieldKey": "a", "operator": "contains", "value": "x"}]},
            },
            "k": {
                "label": "K",
                "type": "string",
                "required": {"conditions": [{"type": "syncMode", "operator": "is", "value": "add"}]},
            },
        }
    ) == [
        f'a: there is no format "colour"; the formats are {", ".join(FORMATS)}',
        "b: the minimum, 5, is above the maximum, 4",
        "c: the maximum of a text is a number of characters, not 1.5",
        "d: an identifier is of type string, not number",
        'e: the default is the text "many", not of type integer',
        "i: it is required under conditions, but there are none",
        'j: a condition has the operator "contains"; the operators are is and is_not',
        "k: a condition on syncMode cannot make a field required; it must name a field",
    ]


def test_a_default_that_is_a_secret_is_not_shown() -> None:
    assert "hunter2" not in " ".join(faults({"f": {"label": "F", "type": "password", "identifier": True}}))


def test_objects_within_objects_have_a_limit() -> None:
    field: dict[str, Any] = {"label": "Leaf", "type": "string"}
    for _ in range(40):
        field = {"label": "Box", "type": "object", "properties": {"in": field}}
    (fault,) = faults({"box": field})
    assert fault.endswith("objects within objects go deeper than 32 levels")


def test_no_text_of_a_definition_becomes_code() -> None:
    key = '"]\nimport os\nos._exit(1)\n#'
    fields = fields_of({key: {"label": key, "type": "string", "choices": [key], "required": True}})
    assert fields({key: key}) == {key: key}
    assert "\nimport os" not in fields.source


def test_the_source_can_be_read() -> None:
    source = fields_of({"clientId": {"label": "Client ID", "type": "string", "identifier": True}}).source
    assert source.startswith("def validate(payload):\n")
    assert '# "clientId": string, identifier' in source


def test_null_in_a_definition_counts_as_absent() -> None:
    field = InputField.model_validate(
        {"label": "F", "type": "object", "choices": None, "properties": None, "additionalProperties": None,
         "required": None, "depends_on": None, "hidden": None, "description": None}
    )  # fmt: skip
    assert field == InputField(label="F", type="object")


def test_only_true_or_conditions_require_a_field() -> None:
    others: list[Any] = ["yes", 1, 0, "", []]
    for required in others:
        assert InputField.model_validate({"label": "F", "type": "string", "required": required}).required is False


def test_a_definition_reads_back_as_it_was_written() -> None:
    field = InputField(
        label="F",
        type="string",
        required=Conditions(conditions=(Condition(field_key="a", operator="is"),)),
        minimum=1,
        depends_on=Conditions(match="any", conditions=(Condition(field_key="a", operator="is", value=None),)),
    )
    written = json.loads(field.model_dump_json(by_alias=True))
    assert "value" not in written["required"]["conditions"][0]
    assert InputField.model_validate(written) == field
