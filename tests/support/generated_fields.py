"""Fields and payloads for property tests: of every type, with bounds, choices and formats."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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
def input_fields(draw: st.DrawFn, depth: int = 2, keys: st.SearchStrategy[str] = KEYS) -> InputField:
    """Make a field of any type; its own fields, where it has some, have keys from `keys`."""
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
        definition["properties"] = draw(st.dictionaries(keys, input_fields(depth - 1, keys), max_size=3))
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
