"""Made-up values for fields and settings: the only generator of them.

A page shows one readable sample of each field. A test needs values that differ from field to field and from seed to
seed. A snapshot needs stand-ins for credentials, which are the same on every machine.
"""

from __future__ import annotations

import random
import string
from functools import partial
from typing import TYPE_CHECKING, Any

from .input_field import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .action import ActionDefinition
    from .input_field import InputField

_WORD_LENGTH = 16
_LOWEST, _HIGHEST_INTEGER, _HIGHEST_NUMBER = 1, 1_000_000, 1_000
_ANY_TEXT = "example"

_SAMPLE_OF_TYPE: Mapping[str, Any] = {
    "boolean": True,
    "integer": 12,
    "number": 12.5,
    "datetime": "2026-03-04T05:06:07Z",
    "object": {"example": "value"},
    "text-map": {"example": "value"},
}
_SAMPLE_OF_FORMAT = {
    "email": "ada@example.com",
    "uri": "https://example.com",
    "uri-reference": "https://example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
    "date": "2026-03-04",
    "date-time": "2026-03-04T05:06:07Z",
    "date-like": "2026-03-04T05:06:07Z",
    "time": "05:06:07Z",
}
_EXAMPLE_OF_FORMAT = {
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
"""Texts by format; `WORD` becomes a word of the seed."""


def sample_value(field: InputField) -> Any:
    """Return a readable value that a field admits, always the same."""
    return _made(field, lambda choices: choices[0], _sample)


def sample_mapping(action: ActionDefinition) -> dict[str, Any]:
    """Return a mapping to a sample for each field that a user must map: it is required and has no default."""
    return {
        key: {"@literal": sample_value(field)}
        for key, field in action.fields.items()
        if field.required is True and field.default is None
    }


def sample_settings(settings: Mapping[str, InputField], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, with a sample or a placeholder for each that is required and has no default."""
    made_up = {
        key: _sample_setting(field)
        for key, field in settings.items()
        if field.required and field.default is None and key not in given
    }
    return {**made_up, **given}


def placeholder_value(key: str, setting: InputField) -> str:
    """Return the text that a snapshot has for a credential: the placeholder of its setting if that can be sent."""
    text = setting.placeholder or ""
    return text if text.isascii() and text.isprintable() and text.strip() else f"placeholder-{key}"


def example_values(fields: Mapping[str, InputField], seed: str, *, required_only: bool = False) -> dict[str, Any]:
    """Return a valid value for every field, always the same for the same seed.

    `required_only` leaves out the fields that are never required.
    """
    values = {}
    for key, field in fields.items():
        if field.required or not required_only:
            chance = random.Random(f"{seed}.{key}")  # noqa: S311 - test data, not secrets
            values[key] = _made(field, chance.choice, partial(_example, chance=chance))
    return values


def _made(
    field: InputField, choose: Callable[[Sequence[Choice | str]], Choice | str], make: Callable[[InputField], Any]
) -> Any:
    """Return a value for a field: one of its choices, an object of its properties, or what `make` makes."""
    if field.multiple:
        return [_made(field.model_copy(update={"multiple": False}), choose, make)]
    if field.choices:
        choice = choose(field.choices)
        return choice.value if isinstance(choice, Choice) else choice
    if field.properties:
        return {key: _made(inner, choose, make) for key, inner in field.properties.items()}
    return make(field)


def _sample(field: InputField) -> Any:
    return _SAMPLE_OF_TYPE.get(field.type) or _SAMPLE_OF_FORMAT.get(field.format or "", _ANY_TEXT)


def _sample_setting(field: InputField) -> Any:
    value = sample_value(field)
    return field.placeholder or "https://example.com" if value == _ANY_TEXT else value


def _example(field: InputField, chance: random.Random) -> Any:
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
    if field.type == "string" and field.format in _EXAMPLE_OF_FORMAT:
        return _EXAMPLE_OF_FORMAT[field.format].replace("WORD", word.lower())
    least = 0 if field.minimum is None else int(field.minimum)
    most = max(least, _WORD_LENGTH) if field.maximum is None else int(field.maximum)
    return word.ljust(least, "x")[:most]


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits, k=_WORD_LENGTH))
