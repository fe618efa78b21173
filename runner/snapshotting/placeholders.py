"""Placeholders instead of credentials, so a snapshot is the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...definitions import Redactor, placeholder_value
from ..configuration.configuration import Configuration
from ..configuration.environment import environment_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ...definitions import Destination, DestinationDefinition, InputField


@dataclass(frozen=True, slots=True)
class SnapshotDestination:
    """A destination that was set up without credentials of the environment.

    `redactor` masks those credentials nevertheless: an event may hold one. `placeholders` names the settings that have
    a placeholder.
    """

    destination: Destination
    redactor: Redactor
    placeholders: list[str]


def set_up_without_credentials(
    config: Path | None, name: str | None, environment: Mapping[str, str]
) -> SnapshotDestination:
    """Set a destination up with placeholders for the credentials that the file does not hold. Raises SetupError."""
    given = Configuration(config, environment=environment, destination=name)
    definition = given.definition
    variables = {key: environment_name(given.destination_name, key) for key in _credentials(definition)}
    hidden = {*variables.values(), environment_name(given.destination_name, "base_url")}
    configuration = Configuration(config, environment=environment, destination=name, hidden=hidden)
    absent = [
        key for key in variables if _needs_placeholder(definition.settings[key]) and key not in configuration.settings
    ]
    configuration.settings.update({key: placeholder_value(key, definition.settings[key]) for key in absent})
    destination = configuration.set_up()
    secrets = [
        text
        for source in (given.settings, destination.settings)
        for key, setting in definition.settings.items()
        if setting.type == "password" and isinstance(text := source.get(key), str)
    ]
    return SnapshotDestination(destination, Redactor(secrets), absent)


def _credentials(definition: DestinationDefinition) -> list[str]:
    """Return the settings that say who the user is, and those that are secret."""
    return [
        key
        for key, setting in definition.settings.items()
        if key in definition.authentication.fields or setting.type == "password"
    ]


def _needs_placeholder(setting: InputField) -> bool:
    """Return whether a setting is required, has no default, and is a text."""
    return setting.required is True and setting.default is None and setting.type in {"string", "text", "password"}
