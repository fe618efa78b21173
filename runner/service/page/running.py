"""The page alone: it serves until it is asked to end. It delivers nothing by itself."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....definitions import Destination, Problem, Redactor, SetupError
from ...delivery.clock import SystemClock
from ...session import handled_signals, service_transport
from ..app import create_app
from ..server import Server, listen
from .known_accounts import KnownAccounts
from .page import Page
from .watched_delivery import WatchedDelivery
from .watched_queue import FoundOutbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...configuration.page_configuration import PageConfiguration
    from ...delivery.clock import Clock


@dataclass(frozen=True, slots=True)
class RunningPage:
    """Where the page listens, and how to end it."""

    base_url: str
    end: Callable[[], None]


async def serve_page(
    configuration: PageConfiguration,
    *,
    host: str,
    port: int,
    announce: Callable[[RunningPage], None],
    clock: Clock | None = None,
) -> None:
    """Serve the page until SIGTERM, SIGINT or SIGHUP. `announce` is called as soon as it listens.

    Raises SetupError before that.
    """
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listen(host, port, host_place="--host", port_place="--port"))
        transport = await stack.enter_async_context(service_transport(configuration.delivery))
        watched = WatchedDelivery(FoundOutbox(configuration.delivery, clock), None, clock=clock)
        watching = watched.endpoints(
            configuration.definition,
            configuration.delivery,
            KnownAccounts(_destinations(configuration)),
            Redactor(configuration.secrets),
        )
        page = Page(configuration, transport, clock, host=host, watching=watching)
        if not page.access.is_possible:
            told = (
                "other machines could use the page, so it needs a token: name the variable that holds one as "
                "pageTokenEnv under [service], or use 127.0.0.1"
            )
            raise SetupError.of([Problem("--host", told)])
        server = Server(create_app(page.routes()), listener, configuration.service)

        def end() -> None:
            watched.end()
            server.end()

        with handled_signals(end):
            serving = asyncio.ensure_future(server.run_until_ended())
            await server.listens.wait()
            announce(RunningPage(server.base_url, end))
            await serving


def _destinations(configuration: PageConfiguration) -> Iterator[Destination]:
    """Yield the destination of each account whose settings are valid: the page also runs while some are not."""
    for settings in configuration.accounts.values():
        with contextlib.suppress(SetupError):
            yield Destination(
                configuration.definition,
                settings,
                configuration.subscriptions,
                base_url=configuration.delivery.base_url,
            )
