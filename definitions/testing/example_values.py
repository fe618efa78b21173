"""Values for fields: valid by the field's own type, format and bounds, and always the same for the same seed."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING, Any

from ..input_field import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..input_field import InputField

_WORD_LENGTH = 16
_LOWEST, _HIGHEST_INTEGER, _HIGHEST_NUMBER = 1, 1_000_000, 1_000


def example_values(fields: Mapping[str, InputField], seed: str, *, required_only: bool = False) -> dict[str, Any]:
    """Make a value for every field, or for the required ones only, those required under conditions among them."""
    return {
        key: _value(field, random.Random(f"{seed}.{key}"))  # noqa: S311 - test data, not secrets
        for key, field in fields.items()
        if field.required or not required_only
    }


def _value(field: InputField, chance: random.Random) -> Any:
    if field.multiple:
        return [_value(field.model_copy(update={"multiple": False}), chance)]
    if field.choices:
        choice = chance.choice(field.choices)
        return choice.value if isinstance(choice, Choice) else choice
    if field.properties:
        return {key: _value(inner, chance) for key, inner in field.properties.items()}
    by_type: dict[str, Any] = {
        "boolean": chance.random() < 0.5,  # noqa: PLR2004 - one of two
        "integer": chance.randint(*_bounds(field, _HIGHEST_INTEGER)),
        "number": round(chance.uniform(*_bounds(field, _HIGHEST_NUMBER)), 2),
        "datetime": "2021-02-01T00:00:00.000Z",
        "object": {"testType": _word(chance)},
        "text-map": {_word(chance): _word(chance)},
    }
    return by_type[field.type] if field.type in by_type else _text(field, chance)


def _bounds(field: InputField, highest: int) -> tuple[int, int]:
    if field.type not in {"integer", "number"}:
        return _LOWEST, highest
    low = _LOWEST if field.minimum is None else int(field.minimum)
    high = max(low, highest) if field.maximum is None else int(field.maximum)
    return min(low, high), high


def _text(field: InputField, chance: random.Random) -> str:
    word = _word(chance)
    if field.type == "string" and field.format in _FORMATTED:
        return _FORMATTED[field.format].replace("WORD", word.lower())
    least = 0 if field.minimum is None else int(field.minimum)
    most = max(least, _WORD_LENGTH) if field.maximum is None else int(field.maximum)
    return word.ljust(least, "x")[:most]


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits, k=_WORD_LENGTH))


_FORMATTED = {
    "date": "2021-02-01",
    "time": "00:00:00Z",
    "date-time": "2021-02-01T00:00:00.000Z",
    "date-like": "2021-02-01T00:00:00.000Z",
    "uri": "https://WORD.example.com/path",
    "uri-reference": "/WORD",
    "uri-template": "https://WORD.example.com/{id}",
    "email": "WORD@example.com",
    "hostname": "WORD.example.com",
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::7",
    "regex": "^WORD$",
    "uuid": "3f0c9a52-7b1d-4e68-9a0f-5c2d8e1b4a76",
    "json-pointer": "/WORD",
}
