"""From a mapping to a function of the event."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import MappingError, Problem
from ..javascript.members import step, walk
from ..javascript.values import equals_empty_text
from ..missing import MISSING
from ..python_source import PythonSource
from .derived_payloads import limited, map_other, transformable
from .directives import mapping_generator, unknown_case
from .event_paths import event_paths
from .failure import check_length, not_an_object
from .flattening import flatten
from .identifier_parts import identifier_part, identifier_piece
from .json_text import decode, encode
from .merging import merge_other
from .path_texts import path_texts
from .paths import walk_computed_path
from .root_directive import expand_root, spread
from .templates import render_computed_template, render_parts, text_of
from .undefined_removal import cleaned, own_cleaned, with_undefined_for_null, without_missing_keys, without_nulls
from .validation import problems_of, shape_problems
from .written_code import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .paths import Keys

MAPPING_NAMESPACE: Mapping[str, Any] = {
    "dict": dict,
    "isinstance": isinstance,
    "len": len,
    "list": list,
    "map": map,
    "str": str,
    "type": type,
    "MISSING": MISSING,
    "check_length": check_length,
    "cleaned": cleaned,
    "decode": decode,
    "encode": encode,
    "equals_empty_text": equals_empty_text,
    "flatten": flatten,
    "identifier_part": identifier_part,
    "identifier_piece": identifier_piece,
    "limited": limited,
    "map_other": map_other,
    "merge_other": merge_other,
    "not_an_object": not_an_object,
    "own_cleaned": own_cleaned,
    "render_computed_template": render_computed_template,
    "render_parts": render_parts,
    "step": step,
    "text_of": text_of,
    "transformable": transformable,
    "unknown_case": unknown_case,
    "walk": walk,
    "walk_computed_path": walk_computed_path,
    "with_undefined_for_null": with_undefined_for_null,
    "without_missing_keys": without_missing_keys,
    "without_nulls": without_nulls,
}
"""What the source of mappings refers to."""


@dataclass(frozen=True)
class CompiledMapping:
    """A mapping as a function: `compiled(event)` gives what the mapping makes of an event.

    - `mapping`: the mapping as it was given.
    - `source`: the function as Python source, for a person to read.

    The result may be MISSING as a whole, and has no MISSING inside. Neither the mapping nor the event
    is changed, but the result shares what it took over whole from the event: a caller who changes
    such an object or list in the result changes the event. Raises MappingError for an event that is not
    an object, and for a value that a directive cannot work with.
    """

    mapping: Any
    source: str = field(repr=False)
    _written: PythonSource = field(repr=False, compare=False)
    _expanded: Any = field(repr=False, compare=False)

    def __call__(self, event: Any) -> Any:
        """Map one event."""
        return self.resolve(event)

    @cached_property
    def resolve(self) -> Callable[[Any], Any]:
        """The function itself. Calling the object calls it; who calls often calls this.

        It is compiled when it is first asked for: a delivery needs it for what is rejected only.
        """
        return self._written.compiled("mapping", MAPPING_NAMESPACE)["mapping"]

    @cached_property
    def keeps_finite(self) -> bool:
        """Whether the numbers of a result are all finite when those of the event are."""
        return not any(map(_may_be_infinite, _values_of(self._expanded)))

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of the event that the mapping can read, such as `$.userId`; `$` is the whole event."""
        return tuple(".".join(("$", *keys)) for keys in self.keys)

    @cached_property
    def keys(self) -> tuple[Keys, ...]:
        """The same paths as keys, one after the other; none at all mean the whole event."""
        return tuple(event_paths(self._expanded))


def _values_of(value: Any) -> Iterator[Any]:
    stack = [value]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)


def _may_be_infinite(value: Any) -> bool:
    """Return whether a value of a mapping can make an infinity: JSON text that is decoded may hold 1e400."""
    if isinstance(value, dict):
        return "@json" in value and value["@json"]["mode"] != "encode"
    return isinstance(value, float) and not math.isfinite(value)


def compile_mapping(mapping: Any, *, is_published: bool = False) -> CompiledMapping:
    """Turn a mapping (Segment's mapping kit, all thirteen directives) into a function, once.

    Text that begins with `$.` or `$[` is refused, since a path was meant. In a published definition (`is_published`)
    it is sent as text, as Segment does; the lint reports it.

    Raises MappingError with all that is wrong with it, each problem with its place, such as
    `data.items[2].@if.then`. What one directive makes is bounded (`limits`), and so is what a mapping makes of what it
    made before; beyond that, time and memory grow as the mapping's size times the event's.
    """
    expanded = checked_mapping(mapping, is_published=is_published)
    source = PythonSource()
    with source.function("mapping", "event"):
        with source.block("if type(event) is not dict and not isinstance(event, dict):"):
            source.line("raise not_an_object(event)")
        source.line(f"return {mapping_generator(source).value(expanded, '', Undefined.NOWHERE).text}")
    return CompiledMapping(mapping, str(source), source, expanded)


def checked_mapping(mapping: Any, *, is_published: bool) -> Any:
    """Return a mapping in the form that is compiled. Raises MappingError with all that is wrong with it."""
    if mapping is None:
        raise MappingError.of([Problem("", "a mapping is an object, got null")])
    problems = problems_of(mapping)
    if not is_published and not shape_problems(mapping):
        problems += path_texts(mapping)
    if problems:
        raise MappingError.of(problems)
    return expand_root(spread(mapping))
