"""Segment's coercion table: what happens to a value that is not of the type a field wants.

| wanted | from a boolean | from null | from a number | from text |
| --- | --- | --- | --- | --- |
| string | `true`, `false` | the empty text | as JavaScript writes it | itself |
| number | 1, 0 | 0 | itself | as JavaScript reads it |
| integer | 1, 0 | 0 | itself, if whole | as JavaScript reads it, if whole |
| boolean | itself | false | 1 and 0 only | `true` and `false` only |
| null | from false | itself | from 0 | from the empty text |

An array of one item is taken for that item. An object is never made from anything.
Where Segment would make an infinite number of a text, JSON could not carry it; here it is refused.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Any, Literal

from ..identifiers import MAX_SAFE_INTEGER
from ..javascript.values import number_to_string, string_to_number

JsonType = Literal["string", "number", "integer", "boolean", "object", "null"]

_INTEGER_RANGE = range(-(2**63), 2**64)
_MAX_NUMBER_LENGTH = 1_000
_MAX_DIGIT_BITS = 10_000


class Refusal(Enum):
    """Why there is no value of the wanted type."""

    WRONG_TYPE = "wrong type"
    TOO_LARGE = "too large"


def is_number(value: Any) -> bool:
    """Return whether a value is a number of JSON; Python's booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def has_type(value: Any, wanted: JsonType) -> bool:
    """Return whether a value is of a type without conversion."""
    match wanted:
        case "string":
            return isinstance(value, str)
        case "number":
            return is_number(value) and (isinstance(value, int) or math.isfinite(value))
        case "integer":
            return is_number(value) and (isinstance(value, int) or value.is_integer())
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None


def coerce(value: Any, types: tuple[JsonType, ...]) -> Any:
    """Return a value of one of the types, or the Refusal that says why there is none.

    Between several types the first that can be made wins, as with Segment: `[5]` for a datetime, which may be text
    or a number, becomes the text `5`, and `["a"]` becomes nothing.
    """
    is_wanted = _has_a_type(value, types)
    if not is_wanted and types != ("object",) and isinstance(value, list) and len(value) == 1:
        value = value[0]
        is_wanted = len(types) == 1 and has_type(value, types[0])
    if is_wanted:
        return _plain_integer(value) if "integer" in types else value
    for wanted in types:
        made = _made(value, wanted)
        if made is not Refusal.WRONG_TYPE:
            return made
    return Refusal.WRONG_TYPE


def _has_a_type(value: Any, types: tuple[JsonType, ...]) -> bool:
    for wanted in types:  # noqa: SIM110 - any() of a generator takes three times as long
        if has_type(value, wanted):
            return True
    return False


def _made(value: Any, wanted: JsonType) -> Any:
    match wanted:
        case "string":
            return _text(value)
        case "number" | "integer":
            return _number(value, whole=wanted == "integer")
        case "boolean":
            return _boolean(value)
        case "null" if value == "" or value is False or (is_number(value) and value == 0):
            return None
    return Refusal.WRONG_TYPE


def _text(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not is_number(value):
        return Refusal.WRONG_TYPE
    if isinstance(value, int) and value.bit_length() > _MAX_DIGIT_BITS:
        return Refusal.TOO_LARGE
    return number_to_string(value)


def _number(value: Any, *, whole: bool) -> Any:
    if value is None or isinstance(value, bool):
        return int(bool(value))
    if not isinstance(value, str) or not value or len(value) > _MAX_NUMBER_LENGTH:
        return Refusal.WRONG_TYPE
    number = string_to_number(value)
    if isinstance(number, int):
        return number if number in _INTEGER_RANGE else _floating(number)
    if math.isinf(number):
        return Refusal.TOO_LARGE
    is_wanted = number.is_integer() if whole else not math.isnan(number)
    return _plain_integer(number) if is_wanted else Refusal.WRONG_TYPE


def _floating(number: int) -> Any:
    try:
        return float(number)
    except OverflowError:
        return Refusal.TOO_LARGE


def _plain_integer(value: Any) -> Any:
    """Write 5.0 as 5, so it is sent as JavaScript would send it."""
    is_plain = isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SAFE_INTEGER
    return int(value) if is_plain else value


def _boolean(value: Any) -> Any:
    if value is None or value == "false" or (is_number(value) and value == 0):
        return False
    if value == "true" or (is_number(value) and value == 1):
        return True
    return Refusal.WRONG_TYPE
