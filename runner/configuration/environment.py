"""The environment variables of a configuration: one for each setting and each delivery option."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from ...definitions import Problem, nearest_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ...definitions import DestinationDefinition, InputField

JSON_TYPES = frozenset({"object", "text-map"})
"""Settings of these types are written as JSON in their variable."""


def environment_name(destination: str, setting: str) -> str:
    """Return the variable of a setting: for `kable`, `apiKey` is KABLE_API_KEY, `kableClientId` is KABLE_CLIENT_ID."""
    snake = re.sub(r"\W", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", setting)).upper()
    prefix = re.sub(r"\W", "_", destination).upper()
    return snake if snake.startswith(f"{prefix}_") else f"{prefix}_{snake}"


def settings_from(
    environment: Mapping[str, str], name: str, definition: DestinationDefinition, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    """Yield the settings that the environment holds. An empty variable is as good as none."""
    for key, field in definition.settings.items():
        variable = environment_name(name, key)
        if (text := _text(environment, variable, problems)) is not None:
            yield key, _value(text, field, variable, problems)


def options_from(
    environment: Mapping[str, str], name: str, options: Iterable[str], problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    """Yield those of the options that the environment holds, as text."""
    for key in options:
        if (text := _text(environment, environment_name(name, key), problems)) is not None:
            yield key, text


def misspelt_variables(environment: Iterable[str], name: str, known: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each variable of a destination that is not known, and nearly one that is.

    Others may belong to another program.
    """
    prefix = environment_name(name, "")
    endings = {variable.removeprefix(prefix): variable for variable in known}
    for variable in sorted(environment):
        ending = variable.removeprefix(prefix)
        if variable.startswith(prefix) and ending not in endings and (near := nearest_word(ending, endings)):
            yield f"{variable}: there is no such variable, so it is not read; did you mean {endings[near]}?"


def _text(environment: Mapping[str, str], variable: str, problems: list[Problem]) -> str | None:
    """Return a variable; None if it is not set, empty, or no text."""
    text = environment.get(variable)
    if text and not text.isascii():
        try:
            # Python keeps bytes that are not UTF-8 as lone surrogates, which nothing can encode again.
            text.encode()
        except UnicodeEncodeError:
            problems.append(Problem(variable, "is not UTF-8"))
            return None
    return text or None


def _value(text: str, field: InputField, variable: str, problems: list[Problem]) -> Any:
    if field.type not in JSON_TYPES:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        problems.append(Problem(variable, 'should be a JSON object, such as {"segmentX": "kableX"}'))
        return {}
