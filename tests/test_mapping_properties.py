"""What holds for the mapping kit whatever the mapping and the event."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kable_destination.definitions.errors import MappingError
from kable_destination.definitions.mapping import CompiledMapping, compile_mapping, describe_mapping
from kable_destination.definitions.missing import MISSING

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


def outcome(compiled: CompiledMapping, event: dict[str, Any]) -> str:
    """Run a mapping; tell its result, or its documented error. repr tells NaN from NaN by nothing, and 1 from 1.0."""
    try:
        return repr(compiled(event))
    except MappingError as error:
        return f"MappingError: {error}"


@settings(deadline=None, max_examples=300)
@given(MAPPINGS, EVENTS)
def test_a_mapping_gives_a_result_or_the_documented_error_and_changes_nothing(
    mapping: Any, event: dict[str, Any]
) -> None:
    """Whatever the event, a mapping raises MappingError or nothing, and leaves mapping and event as they were."""
    before = repr((mapping, event))
    compiled = compile_mapping(mapping)
    result = outcome(compiled, event)
    assert repr((mapping, event)) == before
    assert "MISSING" not in result


@settings(deadline=None, max_examples=150)
@given(MAPPINGS, EVENTS)
def test_compiling_and_running_again_give_the_same(mapping: Any, event: dict[str, Any]) -> None:
    """A mapping is a function of the event alone: no clock, no chance, no memory."""
    compiled = compile_mapping(mapping)
    first = outcome(compiled, event)
    assert outcome(compiled, event) == first
    assert outcome(compile_mapping(copy.deepcopy(mapping)), copy.deepcopy(event)) == first
    assert compile_mapping(mapping).source == compiled.source


@settings(deadline=None, max_examples=150)
@given(MAPPINGS, EVENTS)
def test_what_the_paths_do_not_name_makes_no_difference(mapping: Any, event: dict[str, Any]) -> None:
    """`paths` is complete: without the keys of the event that it does not name, the result is the same."""
    compiled = compile_mapping(mapping)
    if "$" not in compiled.paths:
        named = {key: value for key, value in event.items() if any(is_below(path, key) for path in compiled.paths)}
        assert outcome(compiled, named) == outcome(compiled, event)


def is_below(path: str, key: str) -> bool:
    """Tell whether a path begins with a key of the event."""
    return path == f"$.{key}" or path.startswith(f"$.{key}.")


@settings(deadline=None)
@given(VALUES | MAPPINGS)
def test_anything_is_either_compiled_or_refused_and_can_be_described(mapping: Any) -> None:
    """Whatever JSON is given for a mapping, compiling raises MappingError or nothing, and describing nothing."""
    assert describe_mapping(mapping)
    try:
        compiled = compile_mapping(mapping)
    except MappingError as error:
        assert error.problems  # noqa: PT017 - either outcome is right, and each has something to hold
    else:
        assert compiled({}) is not MISSING or "@" in repr(mapping)
