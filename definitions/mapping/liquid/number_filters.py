"""Liquid filters on numbers. Integers stay exact; otherwise the arithmetic is that of doubles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...javascript.values import to_number
from .values import bounded, is_true, number_of, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Budget

_EPSILON = 2.0**-52
_OMITTED: Any = object()
"""An argument that is not there, which is not a number; one that is there and undefined is 0."""


def _argument(value: Any) -> float:
    return math.nan if value is _OMITTED else number_of(value)


def _abs(_budget: Budget, value: Any) -> float:
    return abs(number_of(value))


def _at_least(_budget: Budget, value: Any, least: Any = _OMITTED) -> float:
    return number_of(value) if least is _OMITTED else max(number_of(value), number_of(least))


def _at_most(_budget: Budget, value: Any, most: Any = _OMITTED) -> float:
    return number_of(value) if most is _OMITTED else min(number_of(value), number_of(most))


def _ceil(_budget: Budget, value: Any) -> float:
    number = number_of(value)
    return number if isinstance(number, int) or not math.isfinite(number) else float(math.ceil(number))


def _floor(_budget: Budget, value: Any) -> float:
    return _floored(number_of(value))


def _floored(number: float) -> float:
    return number if isinstance(number, int) or not math.isfinite(number) else float(math.floor(number))


def _plus(_budget: Budget, value: Any, other: Any = _OMITTED) -> float:
    return bounded(number_of(value) + _argument(other))


def _minus(_budget: Budget, value: Any, other: Any = _OMITTED) -> float:
    return bounded(number_of(value) - _argument(other))


def _times(_budget: Budget, value: Any, other: Any = _OMITTED) -> float:
    return bounded(number_of(value) * _argument(other))


def _divided_by(_budget: Budget, value: Any, other: Any = _OMITTED, whole: Any = None) -> float:
    dividend, divisor = number_of(value), _argument(other)
    if divisor == 0:
        sign = math.copysign(1, dividend) * math.copysign(1, divisor)
        quotient = math.nan if dividend == 0 else sign * math.inf
    elif isinstance(dividend, int) and isinstance(divisor, int) and dividend % divisor == 0:
        quotient = dividend // divisor
    else:
        quotient = dividend / divisor
    return _floored(quotient) if is_true(whole) and number_of(whole) else quotient


def _modulo(_budget: Budget, value: Any, other: Any = _OMITTED) -> float:
    dividend, divisor = number_of(value), _argument(other)
    if divisor == 0 or not math.isfinite(dividend) or math.isnan(divisor):
        return math.nan
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend % divisor
    return math.nan if math.isinf(divisor) else math.fmod(math.fmod(dividend, divisor) + divisor, divisor)


def _round(_budget: Budget, value: Any, digits: Any = 0) -> float:
    number, places = number_of(value), number_of(digits)
    if not math.isfinite(number) or (isinstance(number, int) and places == 0):
        return number
    try:
        factor = math.pow(10, places)
        scaled = number * factor * (1 + _EPSILON)
    except OverflowError:
        return math.nan
    if not math.isfinite(scaled) or factor == 0:
        return math.nan if factor == 0 else scaled / factor
    whole = math.floor(scaled)
    return (whole + 1 if scaled - whole >= 0.5 else whole) / factor  # noqa: PLR2004 - a half is rounded up


def _to_integer(_budget: Budget, value: Any) -> float:
    return bounded(to_number(plain(value)))


NUMBER_FILTERS: dict[str, Callable[..., Any]] = {
    "abs": _abs,
    "at_least": _at_least,
    "at_most": _at_most,
    "ceil": _ceil,
    "divided_by": _divided_by,
    "floor": _floor,
    "minus": _minus,
    "modulo": _modulo,
    "plus": _plus,
    "round": _round,
    "times": _times,
    "to_integer": _to_integer,
}
