"""What @flatten does: one level of keys from many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..javascript import ordered_items
from ..missing import MISSING
from .failure import check_length

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_PLAIN_DEPTH = 20
_MAX_PLAIN_PREFIX = 10_000
_DIGITS = frozenset("0123456789")


class _NotPlainError(Exception):
    """The object needs the longer way: keys that JavaScript puts in another order, or more depth than is usual."""


def flatten(value: Any, separator: str, place: str, *, omit_arrays: bool, keep_missing: bool) -> dict[str, Any]:
    """Bring the values within a value to the top, under keys that tell their way.

    Empty objects and lists vanish; a value that holds none is kept under the key `""`. With `omit_arrays`, lists are
    kept whole; without `keep_missing`, MISSING is left out. Raises MappingError when the keys become too long.
    """
    flat: dict[str, Any] = {}
    try:
        if type(value) is not dict:
            raise _NotPlainError
        check_length(_flatten_plain(value, flat, "", separator, 0, omit_arrays=omit_arrays), place)
    except _NotPlainError:
        flat = _flatten_any(value, separator, place, omit_arrays=omit_arrays)
    if not keep_missing and MISSING in flat.values():
        return {key: item for key, item in flat.items() if item is not MISSING}
    return flat


def _flatten_plain(
    value: dict[str, Any] | list[Any], flat: dict[str, Any], prefix: str, separator: str, depth: int, *, omit_arrays: bool
) -> int:
    """Flatten what is built as usual, and give the length of all keys together."""
    if depth > _MAX_PLAIN_DEPTH or len(prefix) > _MAX_PLAIN_PREFIX:
        raise _NotPlainError
    size = 0
    is_object = type(value) is dict
    for key, item in value.items() if type(value) is dict else enumerate(value):
        if is_object and (type(key) is not str or key[:1] in _DIGITS):
            raise _NotPlainError
        name = f"{prefix}{key}"
        kind = type(item)
        if kind is dict or (kind is list and not omit_arrays):
            inner = name + separator if name else ""
            size += _flatten_plain(item, flat, inner, separator, depth + 1, omit_arrays=omit_arrays)
        else:
            size += len(name)
            flat[name] = item
    return size


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
