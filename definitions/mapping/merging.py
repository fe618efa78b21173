"""What @merge does with what is no plain object."""

from __future__ import annotations

from typing import Any

from ..javascript import utf16_units


def merge_other(result: dict[str, Any], value: Any) -> None:
    """Do as `Object.assign(result, value)` does: lists and text count by index, other values hold nothing."""
    if isinstance(value, dict):
        result.update(value)
    elif isinstance(value, list):
        result.update((str(index), item) for index, item in enumerate(value))
    elif isinstance(value, str):
        result.update((str(index), unit) for index, unit in enumerate(utf16_units(value)))
