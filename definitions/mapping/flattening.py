"""What @flatten does: one level of keys from many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..javascript.values import ordered_items
from ..missing import MISSING
from .failure import check_length

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_PLAIN_PREFIX = 200
_AFTER_DIGITS = ":"
"""What comes after the digits: a key that sorts before it may be an index, which JavaScript puts first."""


def flatten(value: Any, separator: str, place: str, *, omit_arrays: bool, keep_missing: bool) -> dict[str, Any]:
    """Bring the values within a value to the top, under keys that show their path.

    Empty objects and lists vanish; a value that holds none is kept under the key `""`. With `omit_arrays`, lists are
    kept whole; without `keep_missing`, MISSING is left out. Raises MappingError when the keys become too long.
    """
    flat: dict[str, Any] = {}
    if type(value) is dict and _flatten_plain(value, flat, "", separator, omit_arrays):
        check_length(sum(map(len, flat)), place)
    else:
        flat = _flatten_any(value, separator, place, omit_arrays=omit_arrays)
    if not keep_missing and MISSING in flat.values():
        return {key: item for key, item in flat.items() if item is not MISSING}
    return flat


def _flatten_plain(value: dict[str, Any], flat: dict[str, Any], prefix: str, separator: str, omit_arrays: bool) -> bool:
    """Flatten an object that is not deep and has no keys that may be indexes; return whether it is so."""
    for key, item in value.items():
        if type(key) is not str or key < _AFTER_DIGITS:
            return False
        kind = type(item)
        if kind is dict:
            inner = f"{prefix}{key}{separator}"
            if len(inner) > _MAX_PLAIN_PREFIX or not _flatten_plain(item, flat, inner, separator, omit_arrays):
                return False
        elif kind is list and not omit_arrays:
            return False
        else:
            flat[prefix + key] = item
    return True


def _flatten_any(value: Any, separator: str, place: str, *, omit_arrays: bool) -> dict[str, Any]:
    """Flatten a value of any kind and depth."""
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
