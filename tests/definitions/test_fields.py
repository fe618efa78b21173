"""Field validation gives Segment's answers, and tells a person what is wrong with a payload or a definition."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from kable_destination.definitions.errors import FieldsError, RejectedError
from kable_destination.definitions.fields import CompiledFields, compile_fields
from kable_destination.definitions.fields.formats import FORMATS
from kable_destination.definitions.input_field import Condition, Conditions, InputField

VECTORS = [
    json.loads(line) for line in (Path(__file__).parents[1] / "vectors" / "fields.jsonl").read_text().splitlines()
]


def fields_of(definitions: dict[str, dict[str, Any]]) -> CompiledFields:
    return compile_fields({key: InputField.model_validate(field) for key, field in definitions.items()})


def one(**definition: Any) -> CompiledFields:
    return fields_of({"f": {"label": "Fld", "type": "string", **definition}})


def rejection(fields: CompiledFields, payload: Any) -> list[str]:
    with pytest.raises(RejectedError) as caught:
        fields(payload)
    return [str(problem) for problem in caught.value.problems]


def faults(definitions: dict[str, dict[str, Any]]) -> list[str]:
    with pytest.raises(FieldsError) as caught:
        fields_of(definitions)
    return [str(problem) for problem in caught.value.problems]


def same(left: Any, right: Any) -> bool:
    """Compare as JavaScript would: it has one number type, of double precision."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right)
    return bool(left == right)


def refusals(fields: CompiledFields, payload: Any) -> list[RejectedError]:
    """The refusal of a payload, if it is refused."""
    try:
        fields(payload)
    except RejectedError as refusal:
        return [refusal]
    return []


def pointer(place: str) -> str:
    steps = place.replace("[", ".").replace("]", "").split(".") if place else []
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


@pytest.mark.parametrize("row", VECTORS, ids=[row["id"] for row in VECTORS])
def test_segments_answer_is_given(row: dict[str, Any]) -> None:
    payload = copy.deepcopy(row["payload"])
    try:
        output = fields_of(row["fields"])(payload)
    except FieldsError:
        assert row["expected"] == {"ok": False, "paths": []}
    except RejectedError as error:
        assert not row["expected"]["ok"]
        ours = {pointer(problem.place) for problem in error.problems if "is required" not in problem.message}
        # Segment names the parent of a missing field, and the object whose condition asked for it.
        missing = {
            pointer(problem.place).rpartition("/")[0] for problem in error.problems if "is required" in problem.message
        }
        asking = {""} if any(" when " in problem.message for problem in error.problems) else set()
        assert ours | missing | asking == {*row["expected"]["paths"]}
    else:
        assert row["expected"]["ok"]
        assert same(output, row["expected"]["output"])
    assert payload == row["payload"]


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


def test_a_choice_is_compared_by_type_too() -> None:
    fields = one(type="number", choices=[{"label": "One", "value": 1}])
    assert fields({"f": 1.0}) == {"f": 1.0}
    assert rejection(one(type="number", choices=["1"]), {"f": 1})
    assert rejection(one(type="boolean", choices=[{"label": "One", "value": 1}]), {"f": True})


def test_no_choices_are_no_restriction() -> None:
    assert one(choices=[])({"f": "x"}) == {"f": "x"}


# Rulings where Segment lets something pass unseen or fails on what a person expects to work.


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


# Dates.

ACCEPTED_DATES = [
    "2026-03-04T05:06:07.890Z", "2026-03-04T05:06:07Z", "2024-02-29T23:59:59.999Z", "2026-03-04T05:06:07+02:00",
    "2026-03-04T05:06:07-0330", "2026-03-04t05:06:07z", "2026-03-04 05:06:07", "2026-03-04", "2026-3-4", "2026/03/04",
    "20260304T050607Z", "20260304T0506", "2026-03-04T05", "2026-03-04T05Z", "2026-03-04T05:06:07,5Z", "2026-W10-3",
    "2026W103T05", "2026-W10", "2026-063", "2026-365", "2026063T05:06Z".replace(":", ""), "+002026-03-04T05:06:07Z",
    "2026-03-04T24:00:00Z", "2016-12-31T23:59:60", "Wed, 04 Mar 2026 05:06:07 GMT", "Wed, 04 Mar 2026 05:06:07 +0200",
    "4 Mar 2026", "Mar 4 2026", "March 4, 2026 5:06 PM", "03/04/2026", "03/04/2026 05:06",
    "Wed Mar 04 2026 05:06:07 GMT+0100 (CET)", "1772600767", "1772600767890", "-1", "1.5", "0", "2026", "20",
]  # fmt: skip
UNREAL_DATES = {
    "2026-02-30": "February 2026 has 28 days",
    "2026-02-29T05:06:07.890Z": "February 2026 has 28 days",
    "1900-02-29": "February 1900 has 28 days",
    "2026-13-01": "there is no month 13",
    "2026-01-01T25:00:00": "there is no hour 25",
    "2026-01-01T05:60": "there is no minute 60",
    "2026-01-01T05:06:60": "there is no second 60",
    "2026-W54-1": "2026 has 53 weeks",
    "2026-W10-8": "a week has 7 days",
    "2026-366": "2026 has 365 days",
    "31 Apr 2026": "April 2026 has 30 days",
    "02/30/2026": "February 2026 has 28 days",
}
NO_DATES = [
    "abc", "tomorrow", "12:00", "1e3", "Infinity", "NaN", " ", "true", "2026-03-04T25:00:00Z", "2026-03-04T05:06:07.Z",
    "2026-03-04T05:06:407Z", "2026-03-04T05:06:07 junk", "2026-03-04x05:06:07Z", "20260304050607", "٢٠٢٦-٠٣-٠٤",
    "2026-03-04T05:06:07.890Z\n\n(" * 100,
]  # fmt: skip


@pytest.mark.parametrize("text", ACCEPTED_DATES)
def test_a_date_and_time_passes_unchanged(text: str) -> None:
    assert one(type="datetime")({"f": text}) == {"f": text}


@pytest.mark.parametrize(("text", "reason"), UNREAL_DATES.items())
def test_a_date_that_names_no_real_moment_is_rejected_with_the_reason(text: str, reason: str) -> None:
    assert rejection(one(type="datetime"), {"f": text}) == [
        f'f: Fld must be a date and time, but it is the text "{text}": it names no real moment: {reason}'
    ]


@pytest.mark.parametrize("text", NO_DATES)
def test_a_text_that_is_no_date_is_rejected(text: str) -> None:
    (told,) = rejection(one(type="datetime"), {"f": text})
    assert told.startswith("f: Fld must be a date and time, but it is the text ")


# Identifiers and text maps, which Segment does not have.


@pytest.mark.parametrize(
    ("value", "identifier"),
    [("id-1", "id-1"), (" id ", " id "), (5, "5"), (-5, "-5"), (5.0, "5"), (2**53 - 1.0, "9007199254740991"),
     (9007199254740993, "9007199254740993"), ("5.0", "5.0")],
)  # fmt: skip
def test_an_identifier_is_text_or_the_digits_of_an_integer(value: Any, identifier: str) -> None:
    assert one(identifier=True, required=True)({"f": value}) == {"f": identifier}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "Fld is required, but it is missing or empty"),
        (None, "Fld is required, but it is missing or empty"),
        (" \t\u2003", "Fld is blank; an identifier must name something"),
        (True, "but it is the boolean true; map a field that holds the identifier itself"),
        (1.5, "but it is the number 1.5; map"),
        (2.0**53, "is the number 9007199254740992.0, which was not read exactly and may have lost digits; send the"),
        (["id"], "but it is an array of 1 item; map"),
        ({"id": "x"}, "but it is an object; map"),
        (math.nan, "but it is a number that is not finite; map"),
    ],
)
def test_an_identifier_is_never_guessed(value: Any, told: str) -> None:
    assert told in rejection(one(identifier=True, required=True), {"f": value})[0]


def test_a_text_map_holds_texts() -> None:
    text_map = one(type="text-map")
    assert text_map({"f": {"a": "x", "b": 1.0, "c": True, "d": None}}) == {"f": {"a": "x", "b": "1", "c": "true"}}
    assert rejection(text_map, {"f": {"a": {}, "b": []}}) == [
        "f.a: Fld must be text, but it is an object",
        "f.b: Fld must be text, but it is an array of 0 items",
    ]
    assert rejection(text_map, {"f": "x"}) == ['f: Fld must be an object of texts, but it is the text "x"']


# Definitions that cannot be compiled.


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
        'f: a condition names the field "x", which is not there',
        'g.h: a condition names the field "x", which is not there',
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


# Hostile payloads.


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"k": value}
    return value


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
def test_a_hostile_value_is_answered_in_bounded_time(field: dict[str, Any]) -> None:
    fields = one(**field)
    hostile = [
        "9" * 10_000_000, "a-" * 5_000_000 + "\n", "(" * 1_000_000, " " * 1_000_000, "\ud800" * 1000, 10**50_000,
        -(10**400), math.nan, math.inf, [[]] * 100_000, [None] * 100_000, deep(100_000), [deep(100_000)],
        {"__class__": "x", "__proto__": {"a": 1}, "constructor": None}, {str(number): {} for number in range(100_000)},
    ]  # fmt: skip
    for value in hostile:
        for refusal in refusals(fields, {"f": value, "__class__": value}):
            assert len(refusal.problems) <= 101
            assert len(str(refusal)) < 50_000


def test_no_more_than_a_hundred_problems_are_named() -> None:
    with pytest.raises(RejectedError) as caught:
        one(type="number", multiple=True)({"f": ["x"] * 1_000})
    assert len(caught.value.problems) == 101
    assert str(caught.value.problems[-1]) == "there are more problems; the first 100 are named"


# Reading definitions.


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
