"""Liquid filters on lists, on any value, and to JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from liquid.exceptions import LiquidError

from ...javascript.values import is_truthy, paired, to_number, to_string, utf16_length, utf16_slice
from ...missing import MISSING
from ..json_text import to_json
from ..limits import MAX_LIQUID_LENGTH
from .tokens import property_path
from .values import (
    STEPS_OF_PIECE,
    TemplateError,
    Word,
    bounded,
    element,
    equals,
    is_nil,
    is_true,
    list_of,
    number_of,
    plain,
    read_member,
    stringify,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Budget

_BYTES_OF_ELEMENT = 8
_MAX_INDENT = 10
_JSON_STEPS = 2


def _first(_budget: Budget, value: Any) -> Any:
    value = plain(value)
    return element(value, 0) if isinstance(value, list) or (isinstance(value, str) and value) else ""


def _last(_budget: Budget, value: Any) -> Any:
    value = plain(value)
    return element(value, -1) if isinstance(value, list) or (isinstance(value, str) and value) else ""


def _size(_budget: Budget, value: Any) -> Any:
    if isinstance(value, str):
        return utf16_length(value)
    if isinstance(value, list):
        return len(value)
    length = value.get("length", 0) if isinstance(value, dict) else 0
    return length if is_truthy(length) else 0


def _join(budget: Budget, value: Any, separator: Any = MISSING) -> str:
    elements = list_of(value)
    budget.take_steps(len(elements) * STEPS_OF_PIECE)
    items = ["" if item is None or item is MISSING else to_string(item) for item in elements]
    between = " " if is_nil(separator) else stringify(separator, budget)
    budget.use(len(between) * max(len(items) - 1, 0) + sum(map(len, items)))
    return paired(between.join(items))


def _compact(budget: Budget, value: Any) -> list[Any]:
    return [item for item in _copied(budget, value) if not is_nil(item)]


def _push(budget: Budget, value: Any, item: Any = MISSING) -> list[Any]:
    return [*_copied(budget, value), plain(item)]


def _unshift(budget: Budget, value: Any, item: Any = MISSING) -> list[Any]:
    return [plain(item), *_copied(budget, value)]


def _pop(budget: Budget, value: Any) -> list[Any]:
    return _copied(budget, value)[:-1]


def _shift(budget: Budget, value: Any) -> list[Any]:
    return _copied(budget, value)[1:]


def _copied(budget: Budget, value: Any) -> list[Any]:
    items = list_of(value)
    budget.use(len(items) * _BYTES_OF_ELEMENT)
    return list(items)


def _slice(budget: Budget, value: Any, begin: Any = MISSING, length: Any = MISSING) -> Any:
    value = plain(value)
    if value is None or value is MISSING:
        return []
    if not isinstance(value, list):
        value = stringify(value, budget)
    size = len(value) if isinstance(value, list) else utf16_length(value)
    begin, length = plain(begin), 1 if length is MISSING else plain(length)
    if to_number(begin) < 0:
        begin = size + bounded(to_number(begin))
    if to_number(begin) < 0 or to_number(length) < 0:
        return [] if isinstance(value, list) else ""
    # JavaScript's plus joins when either side is text.
    has_text = isinstance(begin, str) or isinstance(length, str)
    end = to_string(begin) + to_string(length) if has_text else bounded(to_number(begin)) + bounded(to_number(length))
    start, stop = _offset(begin, size), _offset(end, size)
    budget.use(number_of(length))
    return value[start:stop] if isinstance(value, list) else utf16_slice(value, start, max(start, stop))


def _offset(value: Any, size: int) -> int:
    number = bounded(to_number(value))
    if math.isnan(number):
        return 0
    whole = size if number >= size else int(max(number, -size))
    return max(0, size + whole) if whole < 0 else whole


def _sum(budget: Budget, value: Any, path: Any = MISSING) -> float:
    total: float = 0
    keys = stringify(path, budget).split(".") if is_true(path) and plain(path) != "" else []
    items = list_of(value)
    budget.take_steps(len(items) * len(keys))
    for item in items:
        found = item
        for key in keys:
            found = read_member(found, key)
        total = bounded(total + number_of(found))
    return total


def _where(budget: Budget, value: Any, path: Any = MISSING, expected: Any = MISSING) -> list[Any]:
    text = stringify(path, budget)
    if len(text) > MAX_LIQUID_LENGTH:  # it may come from an event
        raise TemplateError(f"the path of where has more than {MAX_LIQUID_LENGTH:,} characters")
    try:
        keys = property_path(text)
    except LiquidError as error:
        raise TemplateError(f"the path of where: {error.message}") from None
    items = _copied(budget, value)
    budget.take_steps(len(items) * len(keys))
    chosen = []
    for item in items:
        found: Any = item if keys else MISSING
        for key in keys:
            found = read_member(found, key)
        if is_true(found) if expected is MISSING else equals(found, expected):
            chosen.append(item)
    return chosen


def _default(_budget: Budget, value: Any, default: Any = MISSING, *, allow_false: Any = False) -> Any:
    value = plain(value)
    if isinstance(value, list | str):
        return value or default
    if value is False and is_truthy(allow_false):
        return False
    return value if is_true(value) else default


def _json(budget: Budget, value: Any, space: Any = MISSING) -> Any:
    if isinstance(value, Word):
        return "{}"
    space = plain(space)
    if isinstance(space, str):
        indent = space[:_MAX_INDENT]
    else:
        width, is_number = to_number(space), isinstance(space, int | float) and not isinstance(space, bool)
        indent = " " * int(min(max(width, 0), _MAX_INDENT)) if is_number and width == width else ""  # noqa: PLR0124
    # Writing an element takes longer than looking at it, which was accounted for already.
    for _ in range(_JSON_STEPS):
        budget.weigh(value)
    try:
        text = to_json(value, indent=indent)
    except ValueError as error:
        raise TemplateError(str(error)) from None
    budget.use(len(text) if isinstance(text, str) else 0)
    return text


def _raw(_budget: Budget, value: Any) -> Any:
    return value


LIST_FILTERS: dict[str, Callable[..., Any]] = {
    "compact": _compact,
    "default": _default,
    "first": _first,
    "inspect": _json,
    "join": _join,
    "json": _json,
    "jsonify": _json,
    "last": _last,
    "pop": _pop,
    "push": _push,
    "raw": _raw,
    "shift": _shift,
    "size": _size,
    "slice": _slice,
    "sum": _sum,
    "unshift": _unshift,
    "where": _where,
}
