"""The configuration of the service: its options, and every account that it names, ready to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...definitions import Problem, SetupError, nearest, quoted
from .configuration import DEFAULT_DESTINATION, Configuration
from .kafka_options import secrets_of
from .page_token import page_token
from .secrets_keys import read_secrets_keys
from .service_options import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ...definitions import Destination, DestinationDefinition, Subscription
    from .delivery_options import DeliveryOptions
    from .service_options import ServiceOptions


@dataclass(frozen=True, slots=True)
class ServiceConfiguration:
    """What the service is set up with.

    - `accounts`: the configured accounts by name, `default` for that of `[settings]`.
    - `subscriptions`: those of every account, also of customers who bring their own settings; None for the presets.
    - `webhook_secret`, `webhook_token`: what requests to `/webhook` must show; both, if both are set.
    - `secrets_keys`: the keys that encrypt stored credentials, the newest first; without any, none are stored.
    - `given_name`: what the file says of the destination: a name, or the path of a manifest.
    - `page_token`: what a client of the page must show.
    - `kafka`: options of the Kafka client; `variables` hold the secrets that they name.
    - `public_url`: the address at which clients reach the service, without a slash at its end.
    """

    options: ServiceOptions
    delivery: DeliveryOptions
    definition: DestinationDefinition
    destination_name: str
    accounts: Mapping[str, Destination]
    subscriptions: Sequence[Subscription] | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_token: str | None = field(default=None, repr=False)
    secrets_keys: Sequence[str] = field(default=(), repr=False)
    public_url: str | None = None
    folder: Path = field(default_factory=Path)
    live_advice: str = ""
    warnings: Sequence[str] = ()
    given_name: str = DEFAULT_DESTINATION
    page_token: str | None = field(default=None, repr=False)
    kafka: Mapping[str, object] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> Iterator[str]:
        """Every secret in it, to be masked wherever something is shown."""
        for destination in self.accounts.values():
            yield from _secrets_of(destination)
        own = (self.webhook_secret, self.webhook_token, self.page_token, *self.secrets_keys)
        yield from (secret for secret in own if secret)
        yield from secrets_of(self.kafka, self.variables)


def read_service_configuration(
    path: Path | None,
    *,
    environment: Mapping[str, str],
    destination: str | None = None,
    service: Mapping[str, Any] | None = None,
    delivery: Mapping[str, Any] | None = None,
) -> ServiceConfiguration:
    """Read the configuration of the service. Raises SetupError with every problem."""

    def read(account: str | None) -> Configuration:
        return Configuration(
            path,
            environment=environment,
            destination=destination,
            account=account,
            delivery=delivery,
            service=service,
        )

    default = read(None)
    options, problems = default.service, list[Problem]()
    names = [*default.account_names, *([] if DEFAULT_ACCOUNT in default.account_names else [DEFAULT_ACCOUNT])]
    wanted = _wanted(options, names, problems)
    accounts: dict[str, Destination] = {}
    for name in names:
        chosen = read(name) if name in default.account_names else default
        try:
            accounts[name] = chosen.set_up()
        except SetupError as error:
            # Nobody needs the account of [settings] where others are named.
            if name in wanted or name in default.account_names or not _is_about_settings(error):
                problems += error.problems
    webhook = options.webhook
    secret = token = None
    if webhook is not None:
        secret = default.secret("service.webhook.secret", webhook.secret_env, webhook.secret_file, problems)
        token = default.secret("service.webhook.token", webhook.token_env, webhook.token_file, problems)
        if secret is None and token is None and not problems:
            advice = "has neither a secret nor a token, so anybody could send events; set secretEnv or tokenEnv"
            problems.append(Problem("service.webhook", advice))
    token_of_page = page_token(default, problems)
    keys = read_secrets_keys(default.folder / options.secrets_key_file, default.variables, problems)
    if problems:
        raise SetupError.of(dict.fromkeys(problems))
    return ServiceConfiguration(
        options,
        default.delivery,
        default.definition,
        default.destination_name,
        accounts,
        default.subscriptions,
        secret,
        token,
        keys,
        default.public_url,
        default.folder,
        default.live_advice,
        tuple(default.warnings),
        default.given_name,
        token_of_page,
        default.kafka,
        default.variables,
    )


def _wanted(options: ServiceOptions, names: Sequence[str], problems: list[Problem]) -> set[str]:
    """Return the names of the accounts that something sends to."""
    named = {f"service.writeKeys.{key}": name for key, name in options.write_keys.items()}
    if options.webhook is not None:
        named["service.webhook.account"] = options.webhook.account
    for place, name in named.items():
        if name not in names:
            known = f"; there are {', '.join(names)}"
            problems.append(Problem(place, f"there is no account {quoted(name)}{nearest(name, names) or known}"))
    return {*named.values()}


def _is_about_settings(error: SetupError) -> bool:
    return all(problem.place.startswith("settings.") for problem in error.problems)


def _secrets_of(destination: Destination) -> Iterator[str]:
    for key, setting in destination.definition.settings.items():
        value = destination.settings.get(key)
        if setting.type == "password" and isinstance(value, str):
            yield value
