"""Reading the configuration again while the service runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ...definitions import SetupError
from ..queues.contract import QueueFullError
from .endpoints import applications

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..configuration.service_configuration import ServiceConfiguration
    from .app import Replaceable
    from .server import Server
    from .shared import Shared

_AT_START = (
    *("host", "port", "admin_host", "admin_port", "actions_tester_host", "actions_tester_port", "connections"),
    *("certificate", "certificate_key"),
)
"""Options of the service that take effect at its next start."""


class Reloading:
    """Replaces the endpoints by those of a configuration that is read again, or keeps them and says why.

    `read` reads the configuration; `report` is called with what a person should know.
    """

    def __init__(
        self,
        read: Callable[[], ServiceConfiguration],
        shared: Shared,
        applications: tuple[Replaceable, Replaceable, Replaceable],
        servers: Sequence[Server],
        report: Callable[[str], None],
    ) -> None:
        self._read = read
        self._shared = shared
        self._applications = applications
        self._servers = servers
        self._report = report
        self._reading: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Reload, unless that is under way."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._reload())

    async def _reload(self) -> None:
        before = self._shared.configuration
        try:
            # Other processes may hold up the reading of a file, such as one on a network.
            configuration = await asyncio.to_thread(self._read)
            for server in self._servers:
                server.renew_certificate()
            self._shared.use(configuration)
            for own, made in zip(self._applications, applications(self._shared), strict=True):
                own.app = made
        except SetupError as error:
            if self._shared.configuration is not before:
                self._shared.use(before)
            problems = "; ".join(map(str, error.problems)) or error.message
            self._report(f"the configuration is not reloaded, and the present one stays: {problems}")
            return
        # On a full disk, credentials stay encrypted with the older key until the next start.
        with contextlib.suppress(QueueFullError):
            await self._shared.stored.load()
        later = [name for name in _AT_START if getattr(before.options, name) != getattr(configuration.options, name)]
        if before.delivery != configuration.delivery.model_copy(update={"live": before.delivery.live}):
            later.append("delivery")
        self._report("the configuration is reloaded")
        if later:
            self._report(f"these take effect at the next start: {', '.join(later)}")
