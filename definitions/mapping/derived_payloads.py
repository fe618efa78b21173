"""Payloads that a mapping makes for a part of itself: by @transform, and by @arrayPath from a directive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..javascript.values import type_name
from ..missing import MISSING
from .failure import fail
from .limits import MAX_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable


def transformable(payload: Any, place: str) -> dict[str, Any]:
    """Return the payload of a @transform; undefined counts as an empty object. Raises MappingError for other values."""
    if payload is MISSING:
        return {}
    if not isinstance(payload, dict):
        fail(place, f"@transform works on an object, but here its payload is {type_name(payload)}")
    return payload


def limited(value: Any, place: str) -> Any:
    """Return a value unchanged. Raises MappingError when it holds more values than a mapping may map again.

    A mapping that maps its own result can double it at every level, by reference and so for free;
    the cost comes when the result is walked.
    """
    count = 0
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        count += 1
        if count + len(stack) > MAX_VALUES:
            fail(place, f"this would make more than {MAX_VALUES:,} values to map again; repeat less of the event in it")
    return value


def map_other(shape: Callable[[Any], Any], found: Any) -> Any:
    """Do as @arrayPath does with what is not a plain list: an object is a list of one, a scalar stays as it is."""
    if isinstance(found, list | tuple):
        return list(map(shape, found))
    return [shape(found)] if isinstance(found, dict) else found
