"""Constants in a mapping: values that an event cannot change, in any of its branches."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import MappingError
from ..json_body import json_line
from .event_paths import event_paths
from .root_directive import ROOT_KEY, expand_root
from .templates import parse_template
from .validation import METADATA, below, is_directive

if TYPE_CHECKING:
    from collections.abc import Iterator


class Constant(NamedTuple):
    """A value that is the same for every event: its place, and whether it is written within `@literal`."""

    place: str
    value: Any
    is_literal: bool = False


def field_constants(mapping: Any, key: str) -> list[Constant]:
    """List the constants that a valid mapping can give a field. Null and the empty text are not values."""
    if not isinstance(mapping, dict) or key not in mapping:
        return []
    value = mapping[key]
    if ROOT_KEY in mapping:
        root = expand_root({ROOT_KEY: mapping[ROOT_KEY], key: value})
        options = root.get("@transform") if isinstance(root, dict) else None
        if not isinstance(options, dict):
            return []
        value = {"@transform": {**options, "mapping": value}}
    return list(dict.fromkeys(_constants(value, "")))


def _constants(value: Any, place: str) -> Iterator[Constant]:
    if value is None or value == "":
        return
    if is_directive(value):
        name = next(key for key in value if key != METADATA)
        yield from _in_directive(name, value[name], below(place, name))
    elif isinstance(value, list | tuple):
        # A list of one item is taken for that item.
        if len(value) == 1:
            yield from _constants(value[0], f"{place}[0]")
    elif not isinstance(value, dict):
        yield Constant(place, value)


def _in_directive(name: str, options: Any, place: str) -> Iterator[Constant]:
    match name:
        case "@literal":
            yield from (found._replace(is_literal=True) for found in _constants(options, place))
        case "@excludeWhenNull":
            yield from _constants(options, place)
        case "@template":
            yield from _in_template(options, place)
        case "@liquid":
            yield from _in_liquid(options, place)
        case "@if":
            for key in ("then", "else"):
                yield from _constants(options.get(key), below(place, key))
        case "@json" if _is_constant_structure(options.get("value")):
            yield Constant(below(place, "value"), json_line(options["value"]))
        case "@case" | "@replace" | "@json":
            yield from _constants(options.get("value"), below(place, "value"))
        case "@transform":
            yield from _in_transform(options, place)


def _is_constant_structure(value: Any) -> bool:
    """Return whether a value is an object or a list that reads nothing of the event. A list of one is its item."""
    is_structure = (isinstance(value, dict) and value) or (isinstance(value, list | tuple) and len(value) > 1)
    return bool(is_structure) and not is_directive(value) and not event_paths(value)


def _in_template(template: Any, place: str) -> Iterator[Constant]:
    if isinstance(template, str):
        parts = parse_template(template)
        if parts and all(isinstance(part, str) for part in parts):
            yield Constant(place, template)
        return
    for found in _constants(template, place):
        yield from (inner._replace(is_literal=found.is_literal) for inner in _in_template(found.value, found.place))


def _in_liquid(text: str, place: str) -> Iterator[Constant]:
    """Find what a branch of a template writes when the event has nothing: a text, or a `default: "unknown"`."""
    if not text:
        return
    from .liquid.template import compile_liquid  # noqa: PLC0415 - python-liquid is slow to import, and rarely needed

    for branch in compile_liquid(text).branches():
        with suppress(MappingError):
            if written := branch.render({}, place, is_identifier=True).strip():
                yield Constant(place, written)


def _in_transform(options: dict[str, Any], place: str) -> Iterator[Constant]:
    """Find constants of the mapping, and those of `apply` that the mapping reads."""
    yield from _constants(options["mapping"], below(place, "mapping"))
    apply: Any = expand_root(options["apply"])
    if not isinstance(apply, dict) or is_directive(apply):
        return
    for keys in event_paths(options["mapping"]):
        made: Any = apply
        at = below(place, "apply")
        for key in keys:
            if not isinstance(made, dict) or is_directive(made) or key not in made:
                break
            made, at = made[key], below(at, key)
        if made is not apply:
            yield from _constants(made, at)
