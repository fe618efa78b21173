"""Topics of Kafka that a user names: as sources, with what they report shown as notices."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..configuration.service_options import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ...definitions import Destination
    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.notices import Observer
    from ..service.publishing import PublishedTopic
    from ..sources.kafka.address import KafkaAddress
    from ..sources.kafka.reports import Report
    from ..sources.kafka.source import KafkaSource

PLACE = "--from"
TARGET = "--to"


class Topic:
    """A topic that was named on the command line. Observers may come later than its source.

    `options` and `variables` are those of the configuration. Raises SetupError for a wrong address or option, and if
    the client library is not installed.
    """

    def __init__(self, address: str, options: Mapping[str, object], variables: Mapping[str, str]) -> None:
        from ..configuration.kafka_options import client_options, require_client
        from ..sources.kafka.address import read_address

        self.address: KafkaAddress = read_address(address, PLACE)
        require_client(PLACE)
        from ..sources.kafka.client import check_consumer

        self._options = {
            **client_options(options, variables, "kafka.", consumes=True),
            **client_options(self.address.options, variables, f"{PLACE} ", consumes=True),
        }
        _check(PLACE, lambda: check_consumer(self.address, self._options))
        self._observers: Sequence[Observer] = ()

    def source(
        self,
        account: str,
        *,
        is_bounded: bool,
        name: str = DEFAULT_ACCOUNT,
        names: Iterable[str] = (),
        keeps_strangers: bool = True,
    ) -> KafkaSource:
        """Return the topic as a source of events of an account; `is_bounded`: only what it holds now.

        If the topic has those of several, `name` is that of the account, and `names` are those of all.
        """
        from ..sources.kafka.accounts import AccountFilter, of_account
        from ..sources.kafka.source import KafkaSource

        address, accounts = self.address, None
        if address.accounts:
            address = of_account(address, name)
            accounts = AccountFilter(address.accounts, name, frozenset({name, *names}), keeps_strangers)
        return KafkaSource(
            address, self._options, scope=account, is_bounded=is_bounded, report=self._report, accounts=accounts
        )

    def reported_source(self, notify: Observer, account: str, **options: Any) -> KafkaSource:
        """Return it as a source that never ends, and have its reports notified."""
        self.observe([notify])
        return self.source(account, is_bounded=False, **options)

    def observe(self, observers: Sequence[Observer]) -> None:
        """Have observers notified of what the topic reports."""
        self._observers = observers

    def _report(self, report: Report) -> None:
        from ..delivery.notices import Notice, to_all

        notice = Notice(kind=report.kind, file=report.source, events=report.events, error=report.error)
        to_all(self._observers)(notice)


def _check(place: str, set_up: Callable[[], None]) -> None:
    """Set up a client for once. Raises SetupError with what is wrong with its options."""
    from confluent_kafka import KafkaException

    from ...definitions import Problem, SetupError

    try:
        set_up()
    except KafkaException as error:
        raise SetupError.of([Problem(place, f"cannot be used: {error.args[0].str()}")]) from None


def endless_topic(address: str, configuration: ServiceConfiguration) -> Topic:
    """Return a topic that a worker reads for as long as it runs. Raises SetupError, also for a range."""
    from ...definitions import Problem, SetupError

    topic = Topic(address, configuration.kafka, configuration.variables)
    if topic.address.range:
        raise SetupError.of([Problem(PLACE, "is a range (from, to), which has an end; use deliver --from for it")])
    return topic


def readers_of(
    topic: Topic, account: str | None, configuration: ServiceConfiguration
) -> list[tuple[Destination, Callable[[Observer], KafkaSource]]]:
    """Return the accounts that a worker reads a topic for, each with what opens its source. Raises SetupError.

    That is one, unless a header names the account of each event: then it is all, or the one that was chosen.
    """
    from ..delivery.delivery import account_of
    from .serving import account_to_send_to

    names = [*configuration.accounts]
    is_named = account is not None or bool(topic.address.accounts)
    chosen = names if is_named and account is None else [account or DEFAULT_ACCOUNT]
    readers: list[tuple[Destination, Callable[[Observer], KafkaSource]]] = []
    for name in chosen:
        found = account_to_send_to(name if is_named else None, configuration)
        opening = partial(
            topic.reported_source,
            account=account_of(found),
            name=name,
            names=names,
            keeps_strangers=name == chosen[0],
        )
        readers.append((found, opening))
    return readers


def published_topic(address: str, configuration: ServiceConfiguration) -> PublishedTopic:
    """Return a topic that events are published to. Raises SetupError."""
    from ..configuration.kafka_options import client_options, require_client
    from ..service.publishing import PublishedTopic
    from ..sources.kafka.address import read_address

    found = read_address(address, TARGET, is_read=False)
    require_client(TARGET)
    options = {
        **client_options(configuration.kafka, configuration.variables, "kafka.", consumes=False),
        **client_options(found.options, configuration.variables, f"{TARGET} ", consumes=False),
    }
    if not found.accounts:
        _require_one_account(configuration)
    topic = PublishedTopic(found.brokers, found.topic, options, found.accounts)
    _check(TARGET, topic.check)
    return topic


def _require_one_account(configuration: ServiceConfiguration) -> None:
    """Raise SetupError if events of several accounts come: the worker that reads the topic sends all to one."""
    from ...definitions import Problem, SetupError

    options = configuration.options
    names = {*options.write_keys.values(), *([] if options.webhook is None else [options.webhook.account])}
    if len(names) > 1:
        told = ", ".join(sorted(names))
        advice = "add accounts=HEADER to the address, here and at the workers, to have a header name the account"
        message = f"events of several accounts come ({told}); {advice}"
        raise SetupError.of([Problem(TARGET, message)])
