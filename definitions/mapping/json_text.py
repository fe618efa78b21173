"""JSON as JavaScript writes and reads it: `JSON.stringify` and `JSON.parse`."""

from __future__ import annotations

import json
import math
import re
from json.encoder import encode_basestring
from types import NoneType
from typing import TYPE_CHECKING, Any

import orjson

from ..javascript.values import number_to_string, ordered_items
from ..missing import MISSING, Missing
from .failure import check_length, fail
from .limits import MAX_JSON_DEPTH, MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_PLAIN_DEPTH = 100
_SMALLEST_PLAIN = 1e-3
_LARGEST_PLAIN = 10**15
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)


def encode(value: Any, place: str) -> str | Missing:
    """Do as `@json` encode does. Raises MappingError for what is no JSON value and for text that becomes too long."""
    if value is None:
        return "null"
    if _is_plain(value):
        text: str = orjson.dumps(value).decode()
        check_length(len(text), place)
        return text
    try:
        return to_json(value)
    except ValueError as error:
        fail(place, str(error))


def _is_plain(value: Any) -> bool:
    """Tell whether orjson writes a value as JavaScript does, which it does not for every number and order of keys."""
    level: list[Any] = [value]
    for _ in range(_MAX_PLAIN_DEPTH):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                if not all(map(_is_plain_key, item)):
                    return False
                below += item.values()
            elif kind is list:
                below += item
            elif kind not in _PLAIN or not _PLAIN[kind](item):
                return False
        if not below:
            return True
        level = below
    return False


def _is_plain_key(key: Any) -> bool:
    return type(key) is str and key.isascii() and not "0" <= key[:1] <= "9"


_PLAIN: dict[type, Callable[[Any], bool]] = {
    bool: lambda _: True,
    NoneType: lambda _: True,
    str: lambda text: text.isascii() or not _SURROGATE.search(text),
    int: lambda number: -_LARGEST_PLAIN < number < _LARGEST_PLAIN,
    float: lambda number: _SMALLEST_PLAIN < abs(number) < _LARGEST_PLAIN and not number.is_integer(),
}


def to_json(value: Any, *, indent: str = "") -> str | Missing:
    """Write a value as `JSON.stringify` does; MISSING for MISSING.

    Undefined keys are left out, undefined elements become null, keys that are array indexes come first,
    NaN and the infinities are null, lone surrogates are escaped. Raises ValueError.
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
            if size > MAX_TEXT:
                raise ValueError(f"the JSON text would be longer than {MAX_TEXT:,} characters")
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


def decode(text: str, place: str) -> Any:
    """Do as `@json` decode does: text that is not JSON comes back as it is, whole numbers stay exact.

    Raises MappingError for text that is nested too deep to be read.
    """
    if text.count("[") + text.count("{") > MAX_JSON_DEPTH and _depth(text) > MAX_JSON_DEPTH:
        _too_deep(place)
    try:
        return json.loads(text, parse_constant=_not_a_constant)
    except json.JSONDecodeError:
        return text
    except RecursionError:
        _too_deep(place)
    except ValueError:
        return _decode_giants(text)


def _too_deep(place: str) -> None:
    fail(place, f"the text nests objects and arrays more than {MAX_JSON_DEPTH} levels deep")


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest


def _not_a_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _decode_giants(text: str) -> Any:
    """Read text with an integer that Python declines to read: like JavaScript, as infinity."""
    try:
        return json.loads(text, parse_constant=_not_a_constant, parse_int=_integer)
    except json.JSONDecodeError:
        return text


def _integer(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:
        return -math.inf if digits.startswith("-") else math.inf
