"""Planners for tests: real processes, which several runs of one test may share."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.configuration.recipe import Recipe
from kable_destination.runner.delivery.delivery import account_of
from kable_destination.runner.planners.pool import Limits, PlannerPool
from kable_destination.runner.planners.program import Way
from kable_destination.runner.planners.server import PlannerServer
from kable_destination.runner.sources.contract import Chunk

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence

    from kable_destination.definitions import Subscription
    from kable_destination.runner.delivery.notices import Observer
    from kable_destination.runner.delivery.planning import Planned
    from virtual_clock import VirtualClock

SETTINGS = {"apiKey": API_KEY, "kableClientId": CLIENT_ID}
AT_ONCE = Limits(worth_bytes=0)


class SharedServer:
    """A server that outlives the pools that use it."""

    def __init__(self, server: PlannerServer) -> None:
        self._server = server

    def start(self) -> tuple[socket.socket, int]:
        """Start a planner."""
        return self._server.start()

    def kill(self, planner: int) -> None:
        """Kill a planner."""
        self._server.kill(planner)

    def close(self) -> None:
        """Leave it to others."""


@contextlib.contextmanager
def planner_server(
    base_url: str, scheme: str, subscriptions: Sequence[Subscription] | None = None, batch_size: int | None = None
) -> Iterator[tuple[SharedServer, Way]]:
    """Run a server for Kable, in a fresh interpreter: the process of a test has threads."""
    destination = Destination(kable, SETTINGS, subscriptions, base_url=base_url)
    way = Way(account_of(destination), scheme, batch_size)
    recipe = Recipe("kable", None, SETTINGS, subscriptions, base_url)
    server = PlannerServer.fresh(recipe, destination.fingerprint, way)
    assert server is not None
    try:
        yield SharedServer(server), way
    finally:
        server.close()


@contextlib.asynccontextmanager
async def planners(
    server: SharedServer | PlannerServer,
    way: Way,
    count: int,
    limits: Limits = AT_ONCE,
    notify: Observer = lambda _notice: None,
    *,
    salt: bytes | None = None,
) -> AsyncIterator[PlannerPool]:
    """Run planners, ready from the beginning."""
    async with PlannerPool(lambda: server, way, count, limits, notify, salt=salt) as pool:  # type: ignore[arg-type,return-value]
        assert pool.plan(Chunk("nothing", texts=[b"{}"], places=[1]), None) is None
        while pool.ahead < 2 * count:  # noqa: ASYNC110 - a pool tells nobody that its planners are ready
            await asyncio.sleep(0.002)
        yield pool


class BusyPlanners:
    """Planners during whose work no time passes."""

    def __init__(self, pool: PlannerPool, clock: VirtualClock) -> None:
        self._pool = pool
        self._clock = clock

    @property
    def ahead(self) -> int:
        """As the pool."""
        return self._pool.ahead

    def plan(self, chunk: Chunk, oldest: str | None) -> Awaitable[Planned | None] | None:
        """Plan."""
        begun = self._pool.plan(chunk, oldest)
        return None if begun is None else asyncio.ensure_future(self._planned(begun))

    async def _planned(self, begun: Awaitable[Planned | None]) -> Planned | None:
        with self._clock.busy():
            return await begun
