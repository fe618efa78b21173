"""A clock that is set while a run lasts, forward or back, ends no run early and holds nothing up."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources.contract import Chunk
from segment_events import track
from virtual_clock import VirtualClock
from virtual_run import SETTINGS, START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kable_destination.runner.sources.contract import FindCheckpoints

SHORT_WAITS = 4
"""After so many failures in a row the queue keeps an event until its time."""


class Server:
    """Refuses some requests."""

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.requests = 0

    async def send(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(500 if self.requests <= self.fails else 200, request=request)


class SetBeforeItsEnd:
    """A source with one event. While that waits for its retry, somebody sets the clock, and then the source ends."""

    name, key, resumed = "stream", None, None

    def __init__(self, clock: VirtualClock, server: Server, seconds: float) -> None:
        self._clock = clock
        self._server = server
        self._seconds = seconds

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - it has none
        """Yield the event."""
        yield Chunk("stream", texts=[json.dumps(track(1)).encode()], places=[1])
        while self._server.requests < self._server.fails:
            await self._clock.sleep(0.1)
        await self._clock.sleep(0.1)
        self._clock.set(self._clock.now() + timedelta(seconds=self._seconds))

    def stop(self) -> None:
        """Read nothing more."""


@pytest.mark.parametrize("fails", [1, SHORT_WAITS, SHORT_WAITS + 2])
@pytest.mark.parametrize("hours", [-24 * 365, -1, 1, 48])
def test_a_retry_comes_in_its_time_though_the_clock_is_set(hours: float, fails: int) -> None:
    report = RunReport()

    async def run() -> float:
        clock, server = VirtualClock(START), Server(fails)
        delivery = Delivery(
            Destination(kable, SETTINGS),
            open_queue("memory:", clock=clock),
            server,
            Rules(RetryPolicy(), longest_wait=300.0),
            report=report,
            clock=clock,
        )
        source = SetBeforeItsEnd(clock, server, hours * 3600)
        assert await asyncio.wait_for(clock.run(delivery.run([source])), timeout=20) is None
        return clock.monotonic()

    seconds = asyncio.run(run())
    assert (report.delivered, report.unsent, report.dead) == (1, 0, 0)
    assert seconds < 600
