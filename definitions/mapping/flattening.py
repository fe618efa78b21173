"""What @flatten does: one level of keys from many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..javascript import ordered_items
from .failure import check_length

if TYPE_CHECKING:
    from collections.abc import Iterator


def flatten(value: Any, separator: str, omit_arrays: bool, place: str) -> dict[str, Any]:
    """Bring the values within a value to the top, under keys that tell their way.

    Empty objects and lists vanish; a value that holds none is kept under the key `""`. With
    `omit_arrays`, lists are kept whole. Raises MappingError when the keys become too long.
    """
    containers = (dict,) if omit_arrays else (dict, list, tuple)
    if not isinstance(value, containers):
        return {"": value}
    flat: dict[str, Any] = {}
    size = 0
    parts: list[str] = []
    stack: list[tuple[Iterator[tuple[str, Any]], int]] = [(_entries(value), 0)]
    while stack:
        entries, depth = stack[-1]
        for key, item in entries:
            del parts[depth:]
            parts.append(key)
            if isinstance(item, containers):
                if parts == [""]:
                    parts.clear()  # Segment joins a prefix only when it is not empty
                stack.append((_entries(item), len(parts)))
                break
            name = separator.join(parts)
            size += len(name)
            check_length(size, place)
            flat[name] = item
        else:
            stack.pop()
    return flat


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        return iter(ordered_items(value))
    return ((str(index), item) for index, item in enumerate(value))
