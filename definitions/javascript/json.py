"""JSON as JavaScript writes it: `JSON.stringify`."""

from __future__ import annotations

import re
from json.encoder import encode_basestring
from types import NoneType
from typing import TYPE_CHECKING, Any

from ..missing import MISSING, Missing
from .values import number_to_string, ordered_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_ALIKE_DEPTH = 100
_SMALLEST_ALIKE = 1e-3
_LARGEST_ALIKE = 10**15
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})


def is_written_alike(value: Any) -> bool:
    """Return whether orjson writes a value as JavaScript does; some numbers and orders of keys differ."""
    level: list[Any] = [value]
    for _ in range(_MAX_ALIKE_DEPTH):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                if not all(map(_is_ordinary_key, item)):
                    return False
                below += item.values()
            elif kind is list:
                below += item
            elif kind not in _ALIKE or not _ALIKE[kind](item):
                return False
        if not below:
            return True
        level = below
    return False


def _is_ordinary_key(key: Any) -> bool:
    return type(key) is str and key.isascii() and not "0" <= key[:1] <= "9"


_ALIKE: dict[type, Callable[[Any], bool]] = {
    bool: lambda _: True,
    NoneType: lambda _: True,
    str: lambda text: text.isascii() or not _SURROGATE.search(text),
    int: lambda number: -_LARGEST_ALIKE < number < _LARGEST_ALIKE,
    float: lambda number: _SMALLEST_ALIKE < abs(number) < _LARGEST_ALIKE and not number.is_integer(),
}


def stringify(value: Any, *, indent: str, limit: int) -> str | Missing:
    """Return a value as `JSON.stringify` writes it; MISSING for MISSING.

    Undefined keys are left out, undefined elements become null, keys that are array indexes come first,
    NaN and the infinities are null, lone surrogates are escaped. Raises ValueError for what is not JSON, and for a
    text of more than `limit` characters.
    """
    if isinstance(value, Missing):
        return value
    pieces: list[str] = []
    size = 0
    stack: list[tuple[Iterator[tuple[str, Any]], str]] = [(iter([("", value)]), "")]
    while stack:
        entries, closing = stack[-1]
        for prefix, item in entries:
            if isinstance(item, dict):
                text, frame = prefix + "{", (_members(item, indent, len(stack)), "}")
            elif isinstance(item, list | tuple):
                text, frame = prefix + "[", (_elements(item, indent, len(stack)), "]")
            else:
                text, frame = prefix + _scalar(item), None
            pieces.append(text)
            size += len(text)
            if size > limit:
                raise ValueError(f"the JSON text would be longer than {limit:,} characters")
            if frame is not None:
                stack.append(frame)
                break
        else:
            stack.pop()
            opened = not pieces or pieces[-1][-1:] in ("{", "[")
            newline = f"\n{indent * (len(stack) - 1)}" if indent and closing and not opened else ""
            pieces.append(newline + closing)
    return "".join(pieces)


def _members(value: dict[str, Any], indent: str, depth: int) -> Iterator[tuple[str, Any]]:
    newline, colon = (f"\n{indent * depth}", ": ") if indent else ("", ":")
    separator = newline
    for key, item in ordered_items(value):
        if item is not MISSING:
            yield f"{separator}{_quoted(key)}{colon}", item
            separator = f",{newline}"


def _elements(value: Iterable[Any], indent: str, depth: int) -> Iterator[tuple[str, Any]]:
    newline = f"\n{indent * depth}" if indent else ""
    separator = newline
    for item in value:
        yield separator, item
        separator = f",{newline}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = number_to_string(value)
        return "null" if text in _NOT_FINITE else text
    raise ValueError(f"a value of the type {type(value).__name__} is not JSON")


def _quoted(text: str) -> str:
    quoted = encode_basestring(text)
    if quoted.isascii():
        return quoted
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
