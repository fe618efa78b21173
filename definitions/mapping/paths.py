"""Segment's path language: `$.properties.items[0].sku`, read once and walked many times.

A dot or a bracket that holds a quote or a digit parts two keys; quotes are then dropped. Nothing
protects a dot, so a key that contains one cannot be reached (Segment: `get`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..javascript.values import array_index, is_truthy, type_name, utf16_length, utf16_slice
from ..missing import MISSING
from .failure import fail

if TYPE_CHECKING:
    from collections.abc import Iterable

Keys = tuple[str, ...]

_SEPARATOR = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")


def parse_path(text: str) -> Keys:
    """Split a path into its keys; none at all mean the whole payload."""
    return tuple(piece.replace("'", "").replace('"', "") for piece in _SEPARATOR.split(text) if piece)


def parse_event_path(text: str) -> Keys:
    """Split a path as `@path` and `@arrayPath` do: the first `$.`, wherever it stands, is dropped."""
    return parse_path(text.replace("$.", "", 1))


def walk(payload: Any, keys: Iterable[str]) -> Any:
    """Follow keys through a payload; MISSING when they lead nowhere."""
    value = payload
    for key in keys:
        value = value.get(key, MISSING) if type(value) is dict else step(value, key)
    return value


def step(value: Any, key: str) -> Any:
    """Follow one key as `value && value[key]` does: a falsy value is itself the answer.

    Lists and strings answer to indexes and `length`. JavaScript's prototypes and Python's attributes
    are out of reach: `constructor` and `__class__` are keys like any other.
    """
    if isinstance(value, dict):
        return value.get(key, MISSING)
    if not is_truthy(value):
        return value
    if not isinstance(value, (list, str)):
        return MISSING
    if key == "length":
        return utf16_length(value) if isinstance(value, str) else len(value)
    index = array_index(key)
    return MISSING if index is None else _element(value, index)


def _element(value: list[Any] | str, index: int) -> Any:
    if isinstance(value, str):
        return utf16_slice(value, index, index + 1) or MISSING
    return value[index] if index < len(value) else MISSING


def walk_computed_path(path: Any, payload: Any, place: str) -> Any:
    """Follow a path that another directive made. Raises MappingError when it made no text."""
    if not isinstance(path, str):
        fail(place, f"expected string, got {type_name(path)}")
    return walk(payload, parse_event_path(path))
