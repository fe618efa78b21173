"""Mappings and events for property tests: every directive, nested at will, and keys that are hard to get right."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "items", "name", "length", "0", "10", "", "__class__", "constructor", "é"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "{{a}}", "[1]"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
EVENTS = st.dictionaries(KEYS, VALUES, max_size=6)
PATHS = st.builds(
    lambda root, keys: root + ".".join(keys),
    st.sampled_from(["", "$."]),
    st.lists(KEYS | st.just("items[0]"), max_size=3),
)
TEMPLATES = st.lists(PATHS.map("{{{{{}}}}}".format) | st.sampled_from(["text", "{{", "}", "{{{a}}}"]), max_size=4).map(
    "".join
)
LIQUID = st.sampled_from(
    [
        "{{ a }}", "{{ a.b | upcase }}", "{% if a > b %}{{ items | json }}{% endif %}", "{{ items | first | plus: 1 }}",
        "{{ name | split: '' | join: '-' | truncate: 5 }}", "{{ a | date: '%Y' }}", "{% assign a = b %}{{ a | size }}",
        "{{ a | slice: 1, 2 | default: 'x' | url_encode }}", "{{ items | sum }}{{ items | where: 'a' | size }}",
    ]
)  # fmt: skip


def directives(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Every directive, with options that are valid and values from `inner`."""
    objects = st.dictionaries(KEYS, inner, max_size=3)
    made = inner.filter(lambda value: isinstance(value, dict) and any(key.startswith("@") for key in value))
    truthy = inner.filter(lambda value: value not in (None, False, 0, "") and value == value)  # noqa: PLR0124 - not NaN
    text = PATHS.map(lambda path: {"@path": path}) | st.text(max_size=5)
    return st.one_of(
        PATHS.map(lambda path: {"@path": path}),
        TEMPLATES.map(lambda template: {"@template": template}),
        LIQUID.map(lambda template: {"@liquid": template}),
        inner.map(lambda value: {"@literal": value}),
        inner.map(lambda value: {"@excludeWhenNull": value}),
        st.builds(
            lambda *parts: {"@if": dict(zip(("exists", "then", "else"), parts, strict=True))}, truthy, inner, inner
        ),
        st.builds(lambda blank, then: {"@if": {"blank": blank, "then": then}}, truthy, inner),
        st.builds(
            lambda case, value: {"@case": {"operator": case, "value": value}}, st.sampled_from(["lower", "upper"]), text
        ),
        st.builds(
            lambda pattern, by, ignore, value: {
                "@replace": {"pattern": pattern, "replacement": by, "ignorecase": ignore, "value": value}
            },
            st.text(min_size=1, max_size=3),
            st.sampled_from(["", "x", "$&$&", "$`", "$'", "$$", "\\1"]),
            st.booleans(),
            text,
        ),
        st.builds(lambda path, shape: {"@arrayPath": [path, shape]}, PATHS | made, inner),
        st.builds(
            lambda value, omit: {"@flatten": {"value": value, "separator": ".", "omitArrays": omit}},
            inner,
            st.booleans(),
        ),
        st.builds(
            lambda mode, value: {"@json": {"mode": mode, "value": value}}, st.sampled_from(["encode", "decode"]), truthy
        ),
        st.builds(
            lambda objects, direction: {"@merge": {"objects": objects, "direction": direction}},
            st.lists(objects | made, max_size=3),
            st.sampled_from(["left", "right"]),
        ),
        st.builds(
            lambda apply, then: {"@transform": {"apply": apply, "mapping": then}}, objects | made, objects | made
        ),
    )


MAPPINGS = st.dictionaries(
    KEYS,
    st.recursive(
        PATHS.map(lambda path: {"@path": path}) | SCALARS,
        lambda inner: directives(inner) | st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=10,
    ),
    max_size=4,
)
