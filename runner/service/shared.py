"""What all endpoints of the service share: queue, transport, accounts, and the credentials of customers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..delivery.notices import to_all
from ..outbox import opened_queue
from ..queues.contract import QueueFullError
from ..secrets import Keyring
from ..session import rules_of, service_transport, suited_interpreter
from .accounts import ServedAccounts
from .customers import Customers
from .health import Health
from .key_checks import KeyChecks
from .metrics_page import MetricsPage, service_metrics
from .page.figures import Figures
from .page.watched_delivery import WatchedDelivery
from .page.watched_queue import OwnQueue
from .publishing import Publisher
from .remaining import Remaining
from .stored_credentials import StoredCredentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.clock import Clock
    from ..delivery.notices import Observer
    from ..queues.contract import Queue
    from ..transports.contract import Transport
    from .accounts import ServedAccount
    from .publishing import PublishedTopic

BUSY_SECONDS = 10.0
"""How long the outbox may be locked or away. Those who send events wait no longer for an answer."""


@dataclass(slots=True)
class Shared:
    """Everything that lasts as long as the service, whatever its `configuration` is at the moment."""

    configuration: ServiceConfiguration
    accounts: ServedAccounts
    customers: Customers
    stored: StoredCredentials
    checks: KeyChecks
    health: Health
    remaining: Remaining
    metrics: MetricsPage
    watched: WatchedDelivery
    queue: Queue
    transport: Transport
    clock: Clock
    notify: Observer

    def use(self, configuration: ServiceConfiguration) -> None:
        """Continue with another configuration: its accounts and their credentials count from now on."""
        self.configuration = configuration
        self.customers.use(configuration)
        self.stored.use(_keyring(configuration))
        self.remaining.use(configuration)
        for destination in configuration.accounts.values():
            self.accounts.renew(destination)
        self.accounts.name(configuration.accounts)
        self.accounts.allow_live(allows_live=configuration.delivery.live)

    def by_write_key(self) -> dict[str, ServedAccount]:
        """Return the account of each write key."""
        configured = self.configuration.accounts
        write_keys = self.configuration.options.write_keys
        return {key: self.accounts.serve(configured[name]) for key, name in write_keys.items()}


@contextlib.asynccontextmanager
async def opened_shared(
    configuration: ServiceConfiguration,
    *,
    observers: Sequence[Observer],
    delivers: bool,
    clock: Clock,
    published: PublishedTopic | None = None,
) -> AsyncIterator[Shared]:
    """Open queue and transport, and deliver what the queue holds already. Raises SetupError.

    With a topic, what comes is `published` there, and nothing is queued.
    """
    options = configuration.options
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(suited_interpreter())
        # Also where another process sends: it asks the destination about the keys of customers.
        transport = await stack.enter_async_context(service_transport(configuration.delivery))
        queue = await stack.enter_async_context(opened_queue(configuration.delivery, clock, busy_seconds=BUSY_SECONDS))
        metrics = service_metrics(configuration.destination_name)
        figures = Figures(clock)
        counting = [figures.observer, *([] if metrics is None else [metrics.observe])]
        notify = to_all([*observers, *counting])
        customers = Customers(configuration)
        stored = StoredCredentials(queue, _keyring(configuration), customers, notify=notify)
        # On a full disk, credentials stay encrypted with the older key until the next start.
        with contextlib.suppress(QueueFullError):
            await stored.load()
        publisher = None
        if published is not None:
            publishing = Publisher(published, notify, options.event_bytes)
            publisher = await stack.enter_async_context(publishing.running())
        rules = rules_of(configuration.delivery, is_endless=True)
        accounts = ServedAccounts(
            queue,
            transport if delivers else None,
            rules,
            clock=clock,
            notify=notify,
            most_waiting_events=options.waiting_events,
            most_waiting_bytes=options.waiting_megabytes * 1_000_000,
            allows_live=configuration.delivery.live,
            events_per_second=options.events_per_second,
            publisher=publisher,
        )
        accounts.name(configuration.accounts)
        stack.push_async_callback(accounts.close)
        remaining = Remaining(queue, accounts, configuration, stored, clock=clock, randomness=rules.policy.randomness)
        if delivers:
            await stack.enter_async_context(remaining.watched())
        checks = KeyChecks(transport, clock)
        stack.push_async_callback(checks.close)
        health = Health(queue, accounts.waiting, clock)
        page = MetricsPage(metrics, queue, accounts, clock)
        # What another process delivers shows in the queue only.
        own_queue = OwnQueue(queue, configuration.delivery)
        watched = WatchedDelivery(own_queue, figures if delivers else None, clock=clock)
        parts = accounts, customers, stored, checks, health, remaining, page, watched, queue, transport, clock, notify
        yield Shared(configuration, *parts)


def _keyring(configuration: ServiceConfiguration) -> Keyring | None:
    return Keyring(configuration.secrets_keys) if configuration.secrets_keys else None
