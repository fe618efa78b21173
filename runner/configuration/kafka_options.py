"""What may be said to the Kafka client: options of librdkafka, with secrets by the name of a variable."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BY_VARIABLE = ".env"
"""An option whose name ends so names the variable that holds its value."""

_SECRETS = {
    *("sasl.password", "sasl.oauthbearer.client.secret", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password"),
    *("sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.assertion.private.key.pem"),
}
_KNOWN = (
    *("security.protocol", "sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.kerberos.service.name"),
    *("sasl.kerberos.principal", "sasl.kerberos.keytab", "sasl.oauthbearer.method", "sasl.oauthbearer.client.id"),
    *("sasl.oauthbearer.scope", "sasl.oauthbearer.extensions", "sasl.oauthbearer.token.endpoint.url"),
    *("ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location", "ssl.cipher.suites"),
    *("ssl.endpoint.identification.algorithm", "enable.ssl.certificate.verification", "ssl.crl.location"),
    *("client.id", "client.rack", "broker.address.family", "socket.keepalive.enable", "socket.timeout.ms"),
    *("connections.max.idle.ms", "metadata.max.age.ms"),
)
"""What consumers and producers take. Options that load a library or run a program are not among them."""

_CONSUMER = (
    *("session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "group.instance.id", "group.protocol"),
    *("group.remote.assignor", "isolation.level", "fetch.wait.max.ms", "fetch.min.bytes"),
)
_PRODUCER = ("compression.type", "linger.ms", "message.max.bytes", "delivery.timeout.ms")
_FILES = {
    *("ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location", "ssl.crl.location"),
    "sasl.kerberos.keytab",
}
_MOST_LETTERS = 4096

CONSUMER_OPTIONS = frozenset(_CONSUMER)
"""What only a consumer takes."""

OPTIONS = tuple(sorted({*_KNOWN, *_CONSUMER, *_PRODUCER, *(f"{name}{_BY_VARIABLE}" for name in _SECRETS)}))
"""Every option that a configuration or a URL may have."""


def require_client(place: str) -> None:
    """Raise SetupError if the library is not installed."""
    if find_spec("confluent_kafka") is None:
        advice = "needs the extra `kafka`: pip install 'kable-destination[kafka]'"
        raise SetupError.of([Problem(place, advice)])


def option_problems(options: Mapping[str, object], place: str) -> Iterator[Problem]:
    """Yield what is wrong with some options. No value is shown: it may be a secret."""
    for name, value in options.items():
        where = f"{place}{name}"
        if name in _SECRETS:
            advice = f"is a secret; name the variable that holds it: {name}{_BY_VARIABLE}"
            yield Problem(where, advice)
        elif name not in OPTIONS:
            yield Problem(where, f"is not an option of Kafka that can be set here{nearest(name, OPTIONS)}")
        elif not isinstance(value, str | int | bool) or len(str(value)) > _MOST_LETTERS:
            yield Problem(where, "is neither text, a number, true nor false")


def client_options(
    options: Mapping[str, object], variables: Mapping[str, str], place: str, *, consumes: bool
) -> dict[str, str]:
    """Return options as librdkafka takes them, with the secrets in them. Raises SetupError.

    `consumes`: for a consumer, else for a producer; options of the other kind are left out.
    """
    problems = [*option_problems(options, place)]
    others = _PRODUCER if consumes else _CONSUMER
    found: dict[str, str] = {}
    for name, value in options.items():
        if name in others or problems:
            continue
        if name in _FILES and not Path(str(value)).exists():
            # The library says no more than a number.
            problems.append(Problem(f"{place}{name}", f"there is no file {quoted(str(value))}"))
        elif not name.endswith(_BY_VARIABLE):
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
        elif secret := variables.get(str(value)):
            found[name.removesuffix(_BY_VARIABLE)] = secret
        else:
            problems.append(Problem(f"{place}{name}", f"the variable {value} is not set"))
    if problems:
        raise SetupError.of(problems)
    return found


def secrets_of(options: Mapping[str, object], variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets that some options name, to be masked wherever something is shown."""
    for name, value in options.items():
        if name.endswith(_BY_VARIABLE) and (secret := variables.get(str(value))):
            yield secret
