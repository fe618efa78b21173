"""Destinations of customers who bring their own settings, each compiled once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from ...definitions import Destination, SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...definitions import Problem
    from ..configuration.service_configuration import ServiceConfiguration

_MOST_KEPT = 500
"""How many destinations are kept compiled. Each takes some 5 ms to compile, and 90 kB."""

_MOST_UNPROVEN = 50
"""How many more are kept whose credentials were not accepted: a customer with a wrong key may send many events."""

_to_key = msgspec.json.Encoder(order="deterministic").encode


class Customers:
    """Sets up destinations with the subscriptions and the base URL of the configuration, and settings of customers.

    `secret` is the setting that the API key of a customer fills; None if there is not exactly one secret setting, so
    no customer can bring a key.
    """

    def __init__(self, configuration: ServiceConfiguration) -> None:
        self.definition = configuration.definition
        self._base_url = configuration.delivery.base_url
        self.use(configuration)
        secret = [key for key, field in self.definition.settings.items() if field.type == "password"]
        self.secret = secret[0] if len(secret) == 1 else None

    def use(self, configuration: ServiceConfiguration) -> None:
        """Set up destinations with the subscriptions of another configuration from now on."""
        self._subscriptions = configuration.subscriptions
        self._kept: OrderedDict[bytes, Destination] = OrderedDict()
        self._unproven: OrderedDict[bytes, Destination | Sequence[Problem]] = OrderedDict()

    def key_of(self, settings: Mapping[str, Any]) -> str:
        """Return the API key among some settings."""
        return str(settings.get(self.secret or "", ""))

    def destination(self, settings: Mapping[str, Any]) -> Destination:
        """Return the destination with some settings. Raises SetupError."""
        key = _to_key(settings)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        if (found := self._unproven.get(key)) is None:
            found = self._unproven[key] = self._set_up(settings)
            if len(self._unproven) > _MOST_UNPROVEN:
                self._unproven.popitem(last=False)
        if isinstance(found, Destination):
            return found
        raise SetupError.of(found)

    def keep(self, settings: Mapping[str, Any], destination: Destination) -> None:
        """Keep a destination compiled. Call it only for accepted credentials: nobody else may crowd these out."""
        key = _to_key(settings)
        self._unproven.pop(key, None)
        self._kept[key] = destination
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def _set_up(self, settings: Mapping[str, Any]) -> Destination | Sequence[Problem]:
        """Return the destination with some settings, or what is wrong with them."""
        try:
            return Destination(self.definition, settings, self._subscriptions, base_url=self._base_url)
        except SetupError as error:
            return error.problems
