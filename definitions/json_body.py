"""JSON as it is sent, and as it is shown: the only encoder of the framework."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from .errors import Problem, RejectedError
from .planning.payload_list import PayloadList
from .text import visible_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOT_FINITE_DOUBLE = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
_LARGE_BITS = 63


def encode_json(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8.

    Raises RejectedError for what JSON cannot carry: NaN and infinities, text that is not valid Unicode, nesting deeper
    than 254 levels, values of other types.
    """
    if isinstance(value, PayloadList):
        return value.text
    text = encode_finite_json(value)
    # orjson writes null for None, and also for a number that is not finite.
    if b"null" in text and _may_hold_not_finite(value):
        problems = [Problem(place, "is not a finite number, which JSON cannot carry") for place in _not_finite(value)]
        if problems:
            raise RejectedError.of(problems)
    return text


def encode_finite_json(value: Any) -> bytes:
    """Return the same for a value whose numbers are known to be finite, as those are that were read from JSON text."""
    try:
        return orjson.dumps(value, _embedded)
    except TypeError as error:
        return _encoded_otherwise(value, error)


def sorted_json(value: Any) -> bytes:
    """Return a value as compact JSON whose keys are sorted, so equal values give equal bytes."""
    try:
        return orjson.dumps(value, _embedded, orjson.OPT_SORT_KEYS)
    except TypeError:
        return orjson.dumps(_with_written_integers(value), _embedded, orjson.OPT_SORT_KEYS)


def json_line(value: Any) -> str:
    """Return a value as JSON on one line, to be shown. Of what JSON cannot carry it holds the type."""
    try:
        return visible_json(encode_json(value).decode())
    except RejectedError:
        return _json_text(value, _instead, separators=(",", ":"))


def indented_json(value: Any, *, instead: Callable[[Any], Any] | None = None) -> str:
    """Return a value as JSON over several lines, to be shown or kept. What would not print is escaped.

    For what JSON cannot carry it holds what `instead` returns, by default the type.
    """
    return _json_text(value, instead or _instead, indent=2)


def _json_text(value: Any, instead: Callable[[Any], Any], **layout: Any) -> str:
    try:
        return visible_json(json.dumps(value, ensure_ascii=False, default=instead, **layout))
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_instead(value))


def _instead(value: Any) -> Any:
    return list(value) if isinstance(value, PayloadList) else f"not JSON ({type(value).__name__})"


def _embedded(value: Any) -> orjson.Fragment:
    """Return the JSON of payloads that are JSON already, to be embedded in other JSON."""
    if isinstance(value, PayloadList):
        return orjson.Fragment(value.text)
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")


_to_json = msgspec.json.encode
_to_msgpack = msgspec.msgpack.Encoder(enc_hook=lambda _: None).encode


def _encoded_otherwise(value: Any, error: TypeError) -> bytes:
    """Write integers beyond 64 bits, which orjson does not write though JSON can carry them."""
    reason: Exception = error
    if "Recursion" in str(error):
        raise RejectedError.of([Problem("", "is nested deeper than 254 levels, which is the most that can be sent")])
    if "64-bit" in str(error):
        try:
            return orjson.dumps(_with_written_integers(value), _embedded)
        except (TypeError, ValueError, RecursionError, OverflowError) as other:
            reason = other
    raise RejectedError.of([Problem("", f"cannot be written as JSON: {reason}")]) from None


def _with_written_integers(value: Any) -> Any:
    """Return a value in which the integers that orjson does not write are written already; all else stays as it is."""
    if isinstance(value, int) and value.bit_length() >= _LARGE_BITS:
        return orjson.Fragment(_to_json(value))
    if isinstance(value, dict):
        return {key: _with_written_integers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_written_integers(item) for item in value]
    return value


def _may_hold_not_finite(value: Any) -> bool:
    """Look for a double whose exponent is all ones; text that looks like one is found too."""
    try:
        return _NOT_FINITE_DOUBLE.search(_to_msgpack(value)) is not None
    except (TypeError, ValueError, RecursionError, OverflowError):
        return True


def _not_finite(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, float):
        if value - value != 0:
            yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{place}[{index}]")
