"""The environments of a destination, such as Live and Test, and which of them a user's settings mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .input_field import DefinitionModel

if TYPE_CHECKING:
    from collections.abc import Mapping


class Environment(DefinitionModel):
    """An environment: its `name`, the `prefix` of its keys, and its host. In a live one, events are billed."""

    name: str
    prefix: str
    base_url: str
    is_live: bool = False


class Environments(DefinitionModel):
    """The environments of a destination. The first characters of one setting select one."""

    setting: str
    choices: tuple[Environment, ...]

    def of(self, settings: Mapping[str, Any]) -> Environment | None:
        """Return the environment that the settings select; None if the key belongs to none of them."""
        key = settings.get(self.setting)
        return next((choice for choice in self.choices if isinstance(key, str) and key.startswith(choice.prefix)), None)

    def at(self, host: str) -> Environment | None:
        """Return the environment whose host this is (with the port, if it has one); None if it is another host."""
        return next((choice for choice in self.choices if urlsplit(choice.base_url).netloc == host), None)

    @property
    def harmless(self) -> Environment:
        """The environment in which nothing is billed."""
        return next((choice for choice in self.choices if not choice.is_live), self.choices[-1])
