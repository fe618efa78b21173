"""The service from its first to its last moment: it opens queue, transport and servers, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..delivery.clock import SystemClock
from ..delivery.notices import to_all
from ..outbox import opened_queue
from ..session import handled_signals, rules_of, service_transport, suited_interpreter
from .accounts import ServedAccounts
from .actions_tester import ActionsTester
from .app import create_app
from .calls import CallRules
from .health import Health
from .metrics_page import MetricsPage, service_metrics
from .openapi import OpenApi
from .remaining import Remaining
from .server import Server, listen
from .tracking import Tracking
from .webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.routing import Route

    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.clock import Clock
    from ..delivery.notices import Observer
    from ..queues.contract import Queue
    from .accounts import ServedAccount
    from .operations import Operation


class Endpoints(Protocol):
    """A group of endpoints: its routes, and what each of them says about itself."""

    def routes(self) -> list[Route]:
        """Return the routes."""

    def operations(self) -> list[Operation]:
        """Return what the OpenAPI document says about them."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where the service listens, and what ends it. Without addresses of their own, the other URLs are None."""

    base_url: str
    admin_url: str | None
    actions_tester_url: str | None
    end: Callable[[], None]


async def serve(
    configuration: ServiceConfiguration,
    *,
    observers: Sequence[Observer],
    announce: Callable[[Running], None],
    delivers: bool = True,
    clock: Clock | None = None,
) -> None:
    """Accept events, and deliver them unless another process does, until SIGTERM, SIGINT or SIGHUP.

    `announce` is called once, as soon as the service listens. Raises SetupError before that.
    """
    clock, options = clock or SystemClock(), configuration.options
    metrics = service_metrics(configuration.destination_name)
    if metrics is not None:
        observers = [*observers, metrics.observe]
    listener = listen("service.h", options.host, options.port)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(listener)
        service = await stack.enter_async_context(
            _opened(configuration, observers=observers, delivers=delivers, clock=clock)
        )
        health = Health(service.queue, clock)
        tracking = Tracking(
            service.by_write_key(),
            CallRules(options.event_bytes, options.batch_bytes, options.require_message_id),
            clock=clock,
            seconds=options.request_seconds,
            allows_live=configuration.delivery.live,
            live_advice=configuration.live_advice,
        )
        groups: list[Endpoints] = [tracking]
        if options.webhook is not None:
            account = service.accounts.serve(configuration.accounts[options.webhook.account])
            groups.append(Webhook(account, configuration))
        administration: list[Endpoints] = [health, MetricsPage(metrics, service.queue, service.accounts, clock)]
        if options.admin_port is None:
            groups += administration
        groups.append(OpenApi([operation for group in groups for operation in group.operations()]))
        count = None if metrics is None else metrics.count_request
        servers = [Server(create_app(_routes(groups), count), listener, configuration, tls=True)]
        admin_server = tester_server = None
        if options.admin_port is not None:
            admin = stack.enter_context(listen("service.adminH", options.admin_host, options.admin_port))
            admin_server = Server(create_app(_routes(administration), count), admin, configuration)
            servers.append(admin_server)
        if options.actions_tester_port is not None:
            place = "service.actionsTesterH"
            local = stack.enter_context(listen(place, options.actions_tester_host, options.actions_tester_port))
            transport = await stack.enter_async_context(service_transport(configuration.delivery))
            tester_server = Server(ActionsTester(configuration, transport).app(), local, configuration)
            servers.append(tester_server)

        def end() -> None:
            health.end()
            for server in servers:
                server.end()

        with handled_signals(end):
            admin_url = None if admin_server is None else admin_server.base_url
            tester_url = None if tester_server is None else tester_server.base_url
            announce(Running(servers[0].base_url, admin_url, tester_url, end))
            await asyncio.gather(*(server.run_until_ended() for server in servers))


def _routes(groups: Sequence[Endpoints]) -> list[Route]:
    return [route for group in groups for route in group.routes()]


async def work(
    configuration: ServiceConfiguration,
    *,
    observers: Sequence[Observer],
    announce: Callable[[], None],
    clock: Clock | None = None,
) -> None:
    """Deliver what other processes accept, until SIGTERM, SIGINT or SIGHUP. Raises SetupError at first."""
    ended = asyncio.Event()
    opened = _opened(configuration, observers=observers, delivers=True, clock=clock or SystemClock())
    async with opened:
        with handled_signals(ended.set):
            announce()
            await ended.wait()


class _Service:
    """What serving and working share: the queue, and the accounts."""

    def __init__(self, configuration: ServiceConfiguration, queue: Queue, accounts: ServedAccounts) -> None:
        self.queue = queue
        self.accounts = accounts
        self._configuration = configuration

    def by_write_key(self) -> dict[str, ServedAccount]:
        """Return the account of each write key."""
        configured = self._configuration.accounts
        write_keys = self._configuration.options.write_keys
        return {key: self.accounts.serve(configured[name]) for key, name in write_keys.items()}


@contextlib.asynccontextmanager
async def _opened(
    configuration: ServiceConfiguration, *, observers: Sequence[Observer], delivers: bool, clock: Clock
) -> AsyncIterator[_Service]:
    """Open queue and transport, and deliver what the queue holds already."""
    options = configuration.options
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(suited_interpreter())
        transport = None
        if delivers:
            transport = await stack.enter_async_context(service_transport(configuration.delivery))
        queue = await stack.enter_async_context(opened_queue(configuration.delivery, clock))
        accounts = ServedAccounts(
            queue,
            transport,
            rules_of(configuration.delivery, is_endless=True),
            clock=clock,
            notify=to_all(observers),
            most_waiting_events=options.waiting_events,
            most_waiting_bytes=options.waiting_megabytes * 1_000_000,
        )
        stack.push_async_callback(accounts.close)
        if delivers:
            remaining = Remaining(queue, accounts, configuration, clock=clock)
            await stack.enter_async_context(remaining.watched())
        yield _Service(configuration, queue, accounts)
