"""Mapping and validation in one function give what the two give one after the other, from objects and from records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import EXAMPLES
from generated_fields import input_fields
from generated_mappings import EVENTS, KEYS, MAPPINGS
from kable_destination.definitions import (
    CompiledMapping,
    InputField,
    MappingError,
    RejectedError,
    compile_fields,
    compile_mapping,
    compile_trigger,
)
from kable_destination.definitions.planning.event_reader import EventReader
from kable_destination.definitions.planning.payload_function import PayloadFunction, compile_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIELDS = st.dictionaries(KEYS, input_fields(2, KEYS), max_size=4)
PLAIN_EVENTS = EVENTS.map(lambda event: json.loads(json.dumps(event).replace("NaN", "0").replace("Infinity", "0")))
TRACK = compile_trigger('type = "track"')


def outcome(function: Callable[[Any], Any], event: Any) -> str:
    """Run a function; tell its result, or its documented error."""
    try:
        return repr(function(event))
    except (MappingError, RejectedError) as error:
        return f"{type(error).__name__}: {error}"


def one_after_the_other(mapping: Any, fields: Mapping[str, InputField]) -> Callable[[Any], Any]:
    """Map first, then validate."""
    mapped, valid = compile_mapping(mapping), compile_fields(fields)
    return lambda event: valid(mapped(event))


def from_record(function: PayloadFunction, mapping: CompiledMapping, event: dict[str, Any]) -> str | None:
    """Take the way of an ordinary event that comes as text; None where there is no such way for the mapping."""
    reader = EventReader([("type",), ("integrations",), *mapping.keys])
    if function.wanted is None or reader.read_record is None:
        return None
    text = json.dumps({**event, "type": "track"}).encode()
    return outcome(function.wanted, reader.read_record(text))


@settings(deadline=None, max_examples=EXAMPLES)
@given(MAPPINGS, FIELDS, PLAIN_EVENTS)
def test_one_function_gives_what_two_give(mapping: Any, fields: dict[str, InputField], event: dict[str, Any]) -> None:
    """Every payload and every error is the same, whatever the mapping, the fields and the event."""
    function = compile_payload(TRACK, mapping, fields)
    expected = outcome(one_after_the_other(mapping, fields), event)
    assert outcome(function, event) == expected
    assert from_record(function, compile_mapping(mapping), event) in {expected, None}


ADDRESS = {
    "city": InputField(label="City", type="string", required=True),
    "zip": InputField(label="Zip", type="string"),
}
ITEM = {
    "sku": InputField(label="SKU", type="string", required=True),
    "price": InputField(label="Price", type="number", minimum=0),
    "at": InputField(label="At", type="object", properties=ADDRESS),
}
NESTED_FIELDS = {
    "name": InputField(label="Name", type="string", required=True),
    "address": InputField(label="Address", type="object", properties=ADDRESS, required=True),
    "open": InputField(label="Open", type="object", properties=ADDRESS, additional_properties=True),
    "items": InputField(label="Items", type="object", multiple=True, properties=ITEM),
}
NESTED = {
    "name": {"@template": "{{n}}"},
    "address": {"city": {"@path": "$.city"}, "zip": {"@path": "$.zip"}, "unknown": 1},
    "open": {"more": {"@path": "$.more"}, "city": {"@path": "$.city"}, "kept": {"a": 1}},
    "items": {
        "@arrayPath": [
            "$.items",
            {"sku": {"@path": "$.sku"}, "price": {"@path": "$.price"}, "at": {"city": {"@path": "$.city"}}},
        ]
    },
}
ROWS: list[Any] = [
    {"n": "x", "city": "Bonn", "zip": 5, "items": [{"sku": "a", "price": "1.5", "city": "Ulm"}]},
    {"city": "", "more": None, "items": []},
    {"n": 1, "city": None, "more": [1], "items": [5, None, "x", {"sku": None, "price": -1}]},
    {"n": "x", "city": "B", "items": {"sku": "a", "city": "b"}},
    {"n": "x", "city": "B", "items": "none"},
    {"n": "x", "city": "B", "items": None},
    {"n": "x", "city": {}, "items": [{"sku": {}}] * 150},
    {},
]


@pytest.mark.parametrize("event", ROWS, ids=range(len(ROWS)))
def test_objects_and_lists_that_are_not_built_are_checked_like_those_that_are(event: dict[str, Any]) -> None:
    """Members of objects and of objects in lists are coerced, reported and left out as ever."""
    function = compile_payload(TRACK, NESTED, NESTED_FIELDS)
    expected = outcome(one_after_the_other(NESTED, NESTED_FIELDS), event)
    assert outcome(function, event) == expected
    assert from_record(function, compile_mapping(NESTED), event) == expected


def test_an_object_is_not_built_to_be_looked_into() -> None:
    """The source checks what a mapping makes where it makes it."""
    source = compile_payload(TRACK, NESTED, NESTED_FIELDS).source
    assert "get = " not in source.split("def valid")[1]


def test_the_source_of_a_payload_can_be_read() -> None:
    """It is plain Python, with a comment for each field, and the texts of the definition as literals."""
    field = InputField(label="Who", type="string", identifier=True, required=True)
    function = compile_payload(TRACK, {"who": {"@path": "$.userId"}}, {"who": field})
    assert (
        function.source
        == """\
def valid(event):
    v1 = event.get('userId', MISSING)
    problems = []
    out = {}
    # "who": string, identifier, required
    if type(v1) is str and v1.isascii() and v1.isprintable() and " " not in v1 and v1 not in no_identifiers_2:
        out['who'] = v1
    elif v1 is None or v1 is MISSING or v1 == "":
        missing_3(place_4, problems)
    else:
        out['who'] = settle_5(v1, place_4, problems)
    if problems:
        refuse(problems)
    return out
"""
    )


def test_what_is_not_wanted_or_needs_a_closer_look_gives_nothing() -> None:
    """A record has a payload when the trigger matches and no integrations object speaks of it."""
    mapping = compile_mapping({"name": {"@path": "$.event"}})
    function = compile_payload(TRACK, mapping.mapping, {"name": InputField(label="Name", type="string")})
    reader = EventReader([("type",), ("integrations",), *mapping.keys])
    assert function.wanted is not None
    assert reader.read_record is not None
    answers = [
        function.wanted(reader.read_record(json.dumps({"event": "e", **more}).encode()))
        for more in (
            {"type": "track"},
            {"type": "page"},
            {},
            {"type": "track", "integrations": {"All": True}},
            {"type": "track", "integrations": {"All": 1}},
            {"type": "track", "integrations": {"All": True, "Kable": False}},
        )
    ]
    assert answers == [{"name": "e"}, None, None, {"name": "e"}, None, None]


@pytest.mark.parametrize(
    "directive",
    [{"@path": "$."}, {"@liquid": "{{ a }}"}, {"@path": {"@path": "$.a"}}, {"@template": "{{a}}" * 100}],
    ids=str,
)
def test_a_mapping_that_looks_at_the_whole_event_takes_objects_only(directive: Any) -> None:
    """No record will do for it, and it works as ever."""
    fields = {"x": InputField(label="X", type="object"), "y": InputField(label="Y", type="string")}
    function = compile_payload(TRACK, {"x": directive, "y": directive}, fields)
    assert function.wanted is None
    assert outcome(function, {"a": "b"}) == outcome(
        one_after_the_other({"x": directive, "y": directive}, fields), {"a": "b"}
    )
