"""What @merge does."""

from __future__ import annotations

from typing import Any

from ..javascript import utf16_units


def merged(values: tuple[Any, ...]) -> dict[str, Any]:
    """Do as `Object.assign({}, …)` does: the last one wins, also with MISSING; lists and text count by index."""
    result: dict[str, Any] = {}
    for value in values:
        if type(value) is dict or isinstance(value, dict):
            result.update(value)
        elif isinstance(value, list):
            result.update((str(index), item) for index, item in enumerate(value))
        elif isinstance(value, str):
            result.update((str(index), unit) for index, unit in enumerate(utf16_units(value)))
    return result
