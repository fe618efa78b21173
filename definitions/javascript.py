"""The corners of JavaScript that Segment's answers show: truthiness, text from values, numbers from text.

Source: Segment's published behaviour, recorded in the conformance vectors of the tests.
Values are JSON values (None, bool, int, float, str, list, dict) and MISSING.
"""

from __future__ import annotations

import math
import re
from typing import Any

from .missing import MISSING

_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RADIX = re.compile(r"0(?:[xX](?P<hex>[0-9a-fA-F]+)|[oO](?P<octal>[0-7]+)|[bB](?P<binary>[01]+))")
_WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_MAX_PLAIN_EXPONENT = 21
_MIN_PLAIN_EXPONENT = -6
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def type_name(value: Any) -> str:
    """Name the type of a value as a person who writes JSON would: `null`, `array`, `string`…"""
    if value is MISSING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list | tuple):
        return "array"
    return "object"


def is_truthy(value: Any) -> bool:
    """Tell whether JavaScript takes a value for true: unlike Python's, its empty lists and objects are."""
    if isinstance(value, list | dict):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value)


def number_to_string(number: float) -> str:
    """Write a number as JavaScript does: `1`, not `1.0`; `1e+21`; integers of any size exactly."""
    if isinstance(number, int):
        return str(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent_text = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction if fraction != "0" else ""
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    # `point` is where the decimal point stands, counted in digits from the left of `digits`.
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
    if value is None:
        return "null"
    if value is MISSING:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_to_string(value)
    if isinstance(value, list | tuple):
        return ",".join("" if item is None or item is MISSING else to_string(item) for item in value)
    return "[object Object]"


def string_to_number(text: str) -> float:
    """Read text as `Number(text)` does; NaN when it is not a number. Whole decimals come back exact, as int."""
    stripped = text.strip(_WHITESPACE)
    if not stripped:
        return 0
    if _DECIMAL.fullmatch(stripped):
        return int(stripped) if stripped.lstrip("+-").isdigit() else float(stripped)
    if radix := _RADIX.fullmatch(stripped):
        for group, base in (("hex", 16), ("octal", 8), ("binary", 2)):
            if radix[group]:
                return int(radix[group], base)
    if stripped in {"Infinity", "+Infinity"}:
        return math.inf
    return -math.inf if stripped == "-Infinity" else math.nan


def utf16_length(text: str) -> int:
    """Count text in UTF-16 units, as JavaScript's `length` does."""
    return len(text) + len(_BEYOND_BMP.findall(text))
