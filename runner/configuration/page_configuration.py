"""What the page starts with: the destinations to choose from, and the settings of each configured account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...definitions import Problem, SetupError
from . import plugins
from .configuration import Configuration
from .page_token import page_token
from .service_options import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ...definitions import DestinationDefinition, Subscription
    from .delivery_options import DeliveryOptions
    from .service_configuration import ServiceConfiguration
    from .service_options import ServiceOptions


@dataclass(frozen=True, slots=True)
class PageConfiguration:
    """The configuration as the page knows it. It may have mistakes: the page is where they are found.

    - `given_name`: what the file says of the destination: a name, or the path of a manifest.
    - `accounts`: the settings of each account by its name, `default` for those of `[settings]`. They hold secrets.
    - `subscriptions`: those of every account; None for the presets.
    - `manifests`: definitions without a package, by the path of their file.
    - `secrets`: every secret that is known, to be masked in whatever is shown.
    - `problems`: what is wrong with the configuration.
    """

    given_name: str
    destination_name: str
    definition: DestinationDefinition
    delivery: DeliveryOptions
    service: ServiceOptions
    accounts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    subscriptions: Sequence[Subscription] | None = None
    manifests: Mapping[str, DestinationDefinition] = field(default_factory=dict)
    public_url: str | None = None
    token: str | None = field(default=None, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    live_advice: str = ""
    problems: Sequence[Problem] = ()

    @property
    def first_account(self) -> str:
        """The account that the page shows first."""
        return DEFAULT_ACCOUNT if DEFAULT_ACCOUNT in self.accounts else next(iter(self.accounts))


def read_page_configuration(
    path: Path | None,
    *,
    environment: Mapping[str, str],
    destination: str | None = None,
    manifests: Sequence[str] = (),
    **delivery: Any,
) -> PageConfiguration:
    """Read the configuration of the page alone. Raises SetupError for what cannot be read at all."""

    def read(account: str | None) -> Configuration:
        return Configuration(path, environment=environment, destination=destination, account=account, delivery=delivery)

    default = read(None)
    chosen = {DEFAULT_ACCOUNT: default, **{name: read(name) for name in default.account_names}}
    problems: list[Problem] = []
    token = page_token(default, problems)
    if problems:
        raise SetupError.of(problems)
    definitions = {name: plugins.load(name) for name in manifests}
    return PageConfiguration(
        default.given_name,
        default.destination_name,
        default.definition,
        default.delivery,
        default.service,
        {name: configuration.settings for name, configuration in chosen.items()},
        default.subscriptions,
        definitions,
        default.public_url,
        token,
        tuple(_secrets(chosen.values(), token)),
        default.live_advice,
        tuple(default.problems),
    )


def page_configuration_of(configuration: ServiceConfiguration) -> PageConfiguration:
    """Return what the page of a service starts with."""
    return PageConfiguration(
        configuration.given_name,
        configuration.destination_name,
        configuration.definition,
        configuration.delivery,
        configuration.options,
        {name: destination.settings for name, destination in configuration.accounts.items()} or {DEFAULT_ACCOUNT: {}},
        configuration.subscriptions,
        public_url=configuration.public_url,
        token=configuration.page_token,
        secrets=tuple(configuration.secrets),
        live_advice=configuration.live_advice,
    )


def _secrets(configurations: Iterable[Configuration], token: str | None) -> Iterator[str]:
    if token is not None:
        yield token
    for configuration in configurations:
        for key, setting in configuration.definition.settings.items():
            value = configuration.settings.get(key)
            if setting.type == "password" and isinstance(value, str):
                yield value
