"""What @merge does with what is not a plain object."""

from __future__ import annotations

from typing import Any

from ..javascript.values import utf16_units
from .failure import fail
from .limits import MAX_VALUES


def merge_other(result: dict[str, Any], value: Any, place: str) -> None:
    """Do as `Object.assign(result, value)` does: lists and text count by index, other values hold nothing.

    Raises MappingError where that makes too many keys.
    """
    if isinstance(value, list | str) and len(value) > MAX_VALUES:
        kind = "list" if isinstance(value, list) else "text"
        fail(place, f"would make a key of each of the {len(value):,} elements of a {kind}; {MAX_VALUES:,} is the most")
    if isinstance(value, dict):
        result.update(value)
    elif isinstance(value, list):
        result.update((str(index), item) for index, item in enumerate(value))
    elif isinstance(value, str):
        result.update((str(index), unit) for index, unit in enumerate(utf16_units(value)))
