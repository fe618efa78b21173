"""The service from its first to its last moment: it opens everything, serves, and ends everything in order."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..delivery.clock import SystemClock
from ..session import handled_signals
from .app import Replaceable
from .endpoints import admin_application, applications
from .reading import Reading
from .reloading import Reloading
from .server import Server, listen
from .shared import opened_shared

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Sequence

    from ...definitions import Destination
    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.clock import Clock
    from ..delivery.notices import Observer
    from ..sources.contract import Source
    from .publishing import PublishedTopic


@dataclass(frozen=True, slots=True)
class Running:
    """Where the service listens, and how to end or reload it. Only what has an address of its own has a URL."""

    base_url: str
    admin_url: str | None
    actions_tester_url: str | None
    end: Callable[[], None]
    reload: Callable[[], None]


async def serve(
    configuration: ServiceConfiguration,
    *,
    observers: Sequence[Observer],
    announce: Callable[[Running], None],
    read_again: Callable[[], ServiceConfiguration] | None = None,
    report: Callable[[str], None] = lambda _message: None,
    delivers: bool = True,
    published: PublishedTopic | None = None,
    clock: Clock | None = None,
) -> None:
    """Accept events, and deliver them unless another process does, until SIGTERM or SIGINT. SIGHUP reloads.

    With a topic, they are `published` there, and other processes read them from it.

    `announce` is called once, as soon as the service listens. `read_again` reads the configuration for a reload, and
    `report` is called with what a person should know of that. Raises SetupError before the service listens.
    """
    clock, options = clock or SystemClock(), configuration.options
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(_listen("host", options.host, options.port))
        shared = await stack.enter_async_context(
            opened_shared(configuration, observers=observers, delivers=delivers, clock=clock, published=published)
        )
        main, admin, tester = map(Replaceable, applications(shared))
        servers = [Server(main, listener, options, certificates=configuration.folder)]
        admin_url = tester_url = None
        if options.admin_port is not None:
            listener = stack.enter_context(_listen("adminHost", options.admin_host, options.admin_port))
            servers.append(Server(admin, listener, options))
            admin_url = servers[-1].base_url
        if options.actions_tester_port is not None:
            address = options.actions_tester_host, options.actions_tester_port
            listener = stack.enter_context(_listen("actionsTesterHost", *address))
            servers.append(Server(tester, listener, options))
            tester_url = servers[-1].base_url

        def end() -> None:
            shared.health.end()
            shared.watched.end()
            for server in servers:
                server.end()

        reloading = Reloading(read_again or (lambda: configuration), shared, (main, admin, tester), servers, report)
        with handled_signals(end, reloading.ask):
            serving = asyncio.gather(*(server.run_until_ended() for server in servers))
            for server in servers:
                await server.listens.wait()
            announce(Running(servers[0].base_url, admin_url, tester_url, end, reloading.ask))
            await serving


async def work(
    configuration: ServiceConfiguration,
    *,
    observers: Sequence[Observer],
    announce: Callable[[str | None], None],
    sources: Sequence[tuple[Destination, Callable[[Observer], Source]]] = (),
    admin_port: int | None = None,
    clock: Clock | None = None,
) -> None:
    """Deliver what other processes accept, until SIGTERM, SIGINT or SIGHUP. Raises SetupError at first.

    Also accept and deliver what `sources` yield, each for the account of a destination. A source is opened again after
    a failure, with what is notified of its reports. With `admin_port`, serve metrics and health there; `announce` is
    called with their URL.
    """
    ended, clock, options = asyncio.Event(), clock or SystemClock(), configuration.options
    async with contextlib.AsyncExitStack() as stack:
        # Before the outbox is opened, so a port that is taken is reported first.
        listener = None
        if admin_port is not None:
            opened = listen(options.admin_host, admin_port, host_place="service.adminHost", port_place="--admin-port")
            listener = stack.enter_context(opened)
        shared = await stack.enter_async_context(
            opened_shared(configuration, observers=observers, delivers=True, clock=clock)
        )
        with handled_signals(ended.set):
            admin_url = None
            if listener is not None:
                server = Server(admin_application(shared), listener, options)
                admin_url = server.base_url
                await stack.enter_async_context(_served(server))
            for destination, open_source in sources:
                account = shared.accounts.serve(destination)
                opening = partial(open_source, shared.notify)
                reading = Reading(opening, account, shared.queue, clock=clock, notify=shared.notify)
                await stack.enter_async_context(reading.running())
            announce(admin_url)
            await ended.wait()
            shared.health.end()
            # Here, since a second signal ends the program otherwise.
            await stack.aclose()


@contextlib.asynccontextmanager
async def _served(server: Server) -> AsyncIterator[None]:
    """Serve for as long as the block lasts. What fails there ends no delivery."""
    serving = asyncio.create_task(server.run_until_ended())
    try:
        await server.listens.wait()
        yield
    finally:
        server.end()
        await asyncio.wait({serving})


def _listen(option: str, host: str, port: int) -> socket.socket:
    """Return a socket that listens where two options say. Raises SetupError."""
    port_place = option.replace("host", "port").replace("Host", "Port")
    return listen(host, port, host_place=f"service.{option}", port_place=f"service.{port_place}")
