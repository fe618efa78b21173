"""What holds for the mapping kit whatever the mapping and the event."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings

from examples import EXAMPLES
from generated_mappings import EVENTS, MAPPINGS, VALUES
from kable_destination.definitions.errors import MappingError
from kable_destination.definitions.mapping import CompiledMapping, compile_mapping, describe_mapping
from kable_destination.definitions.missing import MISSING


def outcome(compiled: CompiledMapping, event: dict[str, Any]) -> str:
    """Run a mapping; tell its result, or its documented error. repr tells NaN from NaN by nothing, and 1 from 1.0."""
    try:
        return repr(compiled(event))
    except MappingError as error:
        return f"MappingError: {error}"


@settings(deadline=None, max_examples=EXAMPLES)
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


@settings(deadline=None, max_examples=EXAMPLES)
@given(MAPPINGS, EVENTS)
def test_compiling_and_running_again_give_the_same(mapping: Any, event: dict[str, Any]) -> None:
    """A mapping is a function of the event alone: no clock, no chance, no memory."""
    compiled = compile_mapping(mapping)
    first = outcome(compiled, event)
    assert outcome(compiled, event) == first
    assert outcome(compile_mapping(copy.deepcopy(mapping)), copy.deepcopy(event)) == first
    assert compile_mapping(mapping).source == compiled.source


@settings(deadline=None, max_examples=EXAMPLES)
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
