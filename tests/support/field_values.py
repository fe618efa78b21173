"""Seeded values for fields: always the same for the same field, and of the field's own type."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING, Any

from kable_destination.definitions import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kable_destination.definitions import InputField


def values(fields: Mapping[str, InputField], seed: str, *, required_only: bool = False) -> dict[str, Any]:
    """Make a value for every field, or for the required ones only."""
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
        "boolean": chance.random() < 0.5,
        "integer": chance.randint(1, 1_000_000),
        "number": round(chance.uniform(1, 1_000), 2),
        "datetime": "2021-02-01T00:00:00.000Z",
        "object": {"testType": _word(chance)},
        "text-map": {_word(chance): _word(chance)},
    }
    return by_type.get(field.type, _word(chance))


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits, k=16))
