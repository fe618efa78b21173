"""The page alone: it serves until it is asked to end. It delivers nothing by itself."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ....definitions import Problem, SetupError
from ...delivery.clock import SystemClock
from ...session import handled_signals, service_transport
from ..app import create_app
from ..server import Server, listen
from .page import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...configuration.page_configuration import PageConfiguration
    from ...delivery.clock import Clock


async def serve_page(
    configuration: PageConfiguration,
    *,
    host: str,
    port: int,
    announce: Callable[[str], None],
    clock: Clock | None = None,
) -> None:
    """Serve the page until SIGTERM, SIGINT or SIGHUP. `announce` is called with its address as soon as it listens.

    Raises SetupError before that.
    """
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listen(host, port, host_place="--host", port_place="--port"))
        transport = await stack.enter_async_context(service_transport(configuration.delivery))
        page = Page(configuration, transport, clock, host=host)
        if not page.access.is_possible:
            told = (
                "other machines could use the page, so it needs a token: name the variable that holds one as "
                "pageTokenEnv under [service], or use 127.0.0.1"
            )
            raise SetupError.of([Problem("--host", told)])
        server = Server(create_app(page.routes()), listener, configuration.service)
        with handled_signals(server.end):
            serving = asyncio.ensure_future(server.run_until_ended())
            await server.listens.wait()
            announce(server.base_url)
            await serving
