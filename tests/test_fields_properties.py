"""What holds of field validation for any definition and any payload."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kable_destination.definitions.errors import RejectedError
from kable_destination.definitions.fields import compile_fields
from kable_destination.definitions.input_field import InputField

KEYS = st.sampled_from(["a", "b", "c", "__class__", "k.l", ""])
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", "0", "5", "1.50", "1e3", "0x1f", "true", "2026-03-04", "2026-02-30", "a@b.test", "Infinity", "\ud800"]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
PAYLOADS = st.dictionaries(KEYS, VALUES, max_size=5)
TYPES = st.sampled_from(
    ["string", "text", "password", "number", "integer", "boolean", "datetime", "object", "text-map"]
)


@st.composite
def input_fields(draw: st.DrawFn, depth: int = 2) -> InputField:
    kind = draw(TYPES)
    definition: dict[str, Any] = {
        "label": draw(st.text(max_size=4)),
        "type": kind,
        "required": draw(st.booleans()),
        "multiple": draw(st.booleans()),
        "allow_null": draw(st.booleans()),
        "additional_properties": draw(st.booleans()),
    }
    if kind == "object" and depth and draw(st.booleans()):
        definition["properties"] = draw(st.dictionaries(KEYS, input_fields(depth=depth - 1), max_size=3))
    if kind == "string":
        definition["identifier"] = draw(st.booleans())
        definition["format"] = draw(st.sampled_from([None, "email", "date", "uri-reference"]))
    if kind in {"string", "number", "integer"}:
        definition["minimum"] = draw(st.sampled_from([None, 0, 1]))
        definition["maximum"] = draw(st.sampled_from([None, 3, 9]))
    if kind == "string" and draw(st.booleans()):
        definition["choices"] = ["", "5", "true"]
    return InputField(**definition)


FIELDS = st.dictionaries(KEYS, input_fields(), max_size=4)


def has_empty_values(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_empty_values, value.values()))
    if isinstance(value, list):
        return any(map(has_empty_values, value))
    return value is None or value == ""


@given(fields=FIELDS, payload=PAYLOADS)
@settings(max_examples=150, deadline=None)
def test_a_payload_is_validated_or_rejected_and_never_changed(
    fields: dict[str, InputField], payload: dict[str, Any]
) -> None:
    before = copy.deepcopy(payload)
    compiled = compile_fields(fields)
    with contextlib.suppress(RejectedError):
        output = compiled(payload)
        assert output.keys() <= fields.keys()
        assert output is not payload
    assert repr(payload) == repr(before)


@given(fields=FIELDS, payload=PAYLOADS)
@settings(max_examples=150, deadline=None)
def test_what_validation_returns_it_returns_again(fields: dict[str, InputField], payload: dict[str, Any]) -> None:
    """Values that coercion itself made empty aside: those are removed the second time."""
    compiled = compile_fields(fields)
    try:
        output = compiled(payload)
    except RejectedError:
        assume(False)
    assume(not has_empty_values(output))
    assert repr(compiled(output)) == repr(output)


@given(fields=FIELDS, payload=PAYLOADS)
@settings(max_examples=100, deadline=None)
def test_fields_compiled_twice_agree(fields: dict[str, InputField], payload: dict[str, Any]) -> None:
    answers = []
    for compiled in (compile_fields(fields), compile_fields(fields)):
        try:
            answers.append(repr(compiled(payload)))
        except RejectedError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]
