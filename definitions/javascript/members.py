"""How JavaScript reads members of values that JSON can hold, written `value && value[key]` in Segment's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..missing import MISSING
from .values import array_index, is_truthy, utf16_length, utf16_slice

if TYPE_CHECKING:
    from collections.abc import Iterable


def walk(value: Any, keys: Iterable[str]) -> Any:
    """Return what keys lead to, one after the other; MISSING if they lead nowhere."""
    for key in keys:
        value = value.get(key, MISSING) if type(value) is dict else step(value, key)
    return value


def step(value: Any, key: str) -> Any:
    """Return what one key leads to, as `value && value[key]` does: a falsy value is itself the answer.

    Lists and strings answer to indexes and `length`. JavaScript's prototypes and Python's attributes
    are out of reach: `constructor` and `__class__` are keys like any other.
    """
    if isinstance(value, dict):
        return value.get(key, MISSING)
    if not is_truthy(value):
        return value
    if not isinstance(value, list | tuple | str):
        return MISSING
    if key == "length":
        return utf16_length(value) if isinstance(value, str) else len(value)
    index = array_index(key)
    return MISSING if index is None else _element(value, index)


def _element(value: list[Any] | tuple[Any, ...] | str, index: int) -> Any:
    if isinstance(value, str):
        return utf16_slice(value, index, index + 1) or MISSING
    return value[index] if index < len(value) else MISSING
