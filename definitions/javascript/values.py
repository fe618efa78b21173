"""The corners of JavaScript that Segment's answers show: truthiness, text from values, numbers from text, key order.

Source: Segment's published behaviour, recorded in the conformance vectors of the tests.
Values are JSON values (None, bool, int, float, str, list, dict) and MISSING. Nothing here recurses,
so no value is too deep; all of it takes time in proportion to the value.
"""

from __future__ import annotations

import math
import re
from types import NoneType
from typing import TYPE_CHECKING, Any

from ..missing import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DECIMAL = re.compile(r"[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+")
_RADIX = re.compile(r"0(?:[xX](?P<hex>[0-9a-fA-F]++)|[oO](?P<octal>[0-7]++)|[bB](?P<binary>[01]++))")
WHITESPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
r"""What JavaScript takes for white space, in `trim` and in `\s`."""


_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (NoneType, "null"),
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "string"),
    ((list, tuple), "array"),
)
_MAX_PLAIN_EXPONENT = 21
_MIN_PLAIN_EXPONENT = -6
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_MAX_ARRAY_INDEX = 2**32 - 2


def type_name(value: Any) -> str:
    """Name the type of a value as a person who writes JSON would: `null`, `array`, `string` and so on."""
    if value is MISSING:
        return "undefined"
    return next((name for types, name in _TYPE_NAMES if isinstance(value, types)), "object")


def is_truthy(value: Any) -> bool:
    """Return whether JavaScript takes a value for true: unlike Python's, its empty lists and objects are."""
    if isinstance(value, (list, dict)):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value)


def equals_empty_text(value: Any) -> bool:
    """Return whether `value == ''` holds: for `''`, 0, false, and lists that make no text, but not for null."""
    while isinstance(value, list | tuple):
        if len(value) != 1:
            return not value
        value = value[0]
        if value is None or value is MISSING:
            return True
        if not isinstance(value, list | tuple):
            return bool(value == "")
    if isinstance(value, str):
        return not value
    return isinstance(value, int | float) and value == 0


def number_to_string(number: float) -> str:
    """Write a number as JavaScript does: `1`, not `1.0`; `1e+21`.

    Integers are written exactly, up to the thousands of digits that Python agrees to write; beyond
    that they read as JavaScript reads such digits: as infinity.
    """
    if isinstance(number, int):
        try:
            return str(number)
        except ValueError:
            return "Infinity" if number > 0 else "-Infinity"
    text = float.__repr__(number)
    if "e" not in text and "n" not in text:
        return text.removesuffix(".0") if number else "0"
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return _with_exponent(number)


def _with_exponent(number: float) -> str:
    """Write a number that Python writes with an exponent; JavaScript does so for larger and smaller ones only."""
    sign = "-" if number < 0 else ""
    mantissa, _, exponent_text = float.__repr__(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    # `point` is the position of the decimal point, in digits from the left of `digits`.
    point = len(whole) - leading_zeros + int(exponent_text or 0)
    digits = digits.rstrip("0")
    if len(digits) <= point <= _MAX_PLAIN_EXPONENT:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= _MAX_PLAIN_EXPONENT:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _MIN_PLAIN_EXPONENT < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = point - 1
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if exponent >= 0 else '-'}{abs(exponent)}"


def to_string(value: Any) -> str:
    """Turn a value into text as `String(value)` does: lists by commas, objects as `[object Object]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_to_string(value)
    if value is None or value is MISSING:
        return "null" if value is None else "undefined"
    if isinstance(value, (list, tuple)):
        return "".join(_list_pieces(value))
    return "[object Object]"


def _list_pieces(value: Iterable[Any]) -> Iterator[str]:
    stack = [_separated(value)]
    while stack:
        for separator, item in stack[-1]:
            yield separator
            if isinstance(item, list | tuple):
                stack.append(_separated(item))
                break
            if item is not None and item is not MISSING:
                yield to_string(item)
        else:
            stack.pop()


def _separated(value: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    separator = ""
    for item in value:
        yield separator, item
        separator = ","


def string_to_number(text: str) -> float:
    """Read text as `Number(text)` does; NaN when it is not a number. Whole decimals come back exact, as int."""
    stripped = trim(text)
    if not stripped:
        return 0
    if _DECIMAL.fullmatch(stripped):
        return _decimal(stripped)
    if radix := _RADIX.fullmatch(stripped):
        for group, base in (("hex", 16), ("octal", 8), ("binary", 2)):
            if radix[group]:
                return int(radix[group], base)
    if stripped in {"Infinity", "+Infinity"}:
        return math.inf
    return -math.inf if stripped == "-Infinity" else math.nan


def _decimal(digits: str) -> float:
    if digits.lstrip("+-").isdigit():
        try:
            return int(digits)
        except ValueError:
            return -math.inf if digits.startswith("-") else math.inf
    return float(digits)


def to_number(value: Any) -> float:
    """Turn a value into a number as `Number(value)` does."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return string_to_number(value)
    if value is None:
        return 0
    if isinstance(value, list | tuple):
        return string_to_number(to_string(value))
    return math.nan


def trim(text: str) -> str:
    """Strip what JavaScript's `trim` strips, which is not quite what Python's `strip` does."""
    return text.strip(WHITESPACE)


def trim_start(text: str) -> str:
    """Strip the start of a text as `trimStart` does."""
    return text.lstrip(WHITESPACE)


def trim_end(text: str) -> str:
    """Strip the end of a text as `trimEnd` does."""
    return text.rstrip(WHITESPACE)


def utf16_length(text: str) -> int:
    """Count text in UTF-16 units, as JavaScript's `length` does."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_slice(text: str, start: int, end: int) -> str:
    """Cut text by offsets in UTF-16 units, neither of them negative, as JavaScript's `slice` does."""
    if text.isascii():
        return text[start:end]
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")


def utf16_units(text: str) -> list[str]:
    """Split text into its UTF-16 units, as an object spread of a string does; half of a pair is a lone surrogate."""
    if text.isascii():
        return list(text)
    units = text.encode("utf-16-le", "surrogatepass")
    return [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]


def paired(text: str) -> str:
    """Make one character of each two surrogates that have come together, as they are one in UTF-16."""
    if text.isascii() or not _SURROGATE_PAIR.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def array_index(key: str) -> int | None:
    """Read a key as the index of an array (`0`, `12`, but not `01` or `-1`); None when it is not one."""
    if len(key) > len(str(_MAX_ARRAY_INDEX)) or not _ARRAY_INDEX.fullmatch(key):
        return None
    index = int(key)
    return index if index <= _MAX_ARRAY_INDEX else None


def ordered_items(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the items of an object in JavaScript's order: keys that are array indexes first, ascending."""
    if not any(type(key) is not str or "0" <= key[:1] <= "9" for key in value):
        return value.items()
    value = {to_string(key): item for key, item in value.items()}
    indexes = {key: index for key in value if (index := array_index(key)) is not None}
    first = sorted(indexes, key=indexes.__getitem__)
    return [(key, value[key]) for key in (*first, *(key for key in value if key not in indexes))]
