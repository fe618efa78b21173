"""JSON text in mappings: what `@json` writes and reads, within the limits of a mapping."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import orjson

from ..javascript.json import is_written_alike, stringify
from .failure import check_length, fail
from .limits import MAX_JSON_DEPTH, MAX_TEXT

if TYPE_CHECKING:
    from ..missing import Missing

_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)


def encode(value: Any, place: str) -> str | Missing:
    """Do as `@json` encode does. Raises MappingError for a value that is not JSON and for text that gets too long."""
    if value is None:
        return "null"
    if is_written_alike(value):
        text: str = orjson.dumps(value).decode()
        check_length(len(text), place)
        return text
    try:
        return to_json(value)
    except ValueError as error:
        fail(place, str(error))


def to_json(value: Any, *, indent: str = "") -> str | Missing:
    """Return a value as `JSON.stringify` writes it, of the length that a directive may make. Raises ValueError."""
    return stringify(value, indent=indent, limit=MAX_TEXT)


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
