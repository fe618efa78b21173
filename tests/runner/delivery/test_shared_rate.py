"""Processes that share an outbox share the requests a second that an account may have."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.delivery.lane import ActiveLane
from kable_destination.runner.delivery.limiter import Limiter
from kable_destination.runner.delivery.shared_rate import BEAT_SECONDS, WORKERS_PREFIX, SharedRate
from kable_destination.runner.queues.contract import Lane
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite.opened import MovedClock
from postgres_server import require_postgres, shared_server
from segment_events import ndjson, track
from virtual_run import Setting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kable_destination.runner.queues.contract import Queue
    from kable_destination.runner.sandbox import RunningSandbox

LANE = Lane("account", "track")


class Worker:
    """A process with an outbox, and a clock of its own."""

    def __init__(self, place: str, lane: Lane = LANE) -> None:
        clock = self.clock = MovedClock()
        self.queue: Queue = open_queue(place, clock=clock)
        self.limiter = Limiter(clock, most=8, rate=60.0)
        self.shared = SharedRate(self.queue, clock, [ActiveLane(lane, self.limiter, 1)])

    async def beats(self) -> float | None:
        """Let some time pass, and look around; return its share."""
        self.clock.moment += BEAT_SECONDS
        await self.shared.beat()
        return self.limiter.per_second


@contextlib.asynccontextmanager
async def workers(*made: Worker) -> AsyncIterator[None]:
    """Close the outboxes of processes in the end."""
    try:
        yield
    finally:
        for worker in made:
            await worker.queue.close()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An outbox of each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.sqlite")
    require_postgres()
    return shared_server().outbox(tmp_path)


def test_a_rate_is_divided_among_the_processes_of_a_lane(place: str) -> None:
    async def run() -> None:
        first, second, other = Worker(place), Worker(place), Worker(place, Lane("other", "track"))
        async with workers(first, second, other):
            assert await first.beats() == 60.0
            assert await second.beats() == 30.0
            assert (await other.beats(), await first.beats()) == (60.0, 30.0)
            await second.shared.leave()
            assert await first.beats() == 60.0

    asyncio.run(run())


def test_the_share_of_a_process_that_was_killed_goes_to_the_others(place: str) -> None:
    async def run() -> None:
        first, second = Worker(place), Worker(place)
        async with workers(first, second):
            await second.beats()
            assert [await first.beats() for _ in range(6)] == [30.0, 30.0, 30.0, 30.0, 60.0, 60.0]
            for _ in range(40):
                await first.beats()
            assert len(await first.queue.records(WORKERS_PREFIX)) == 1, "its record is deleted in the end"

    asyncio.run(run())


def test_a_run_with_a_rate_leaves_no_record_behind(tmp_path: Path, sandbox: RunningSandbox) -> None:
    setting = Setting(tmp_path, sandbox.base_url, rules={"rate": 100.0, "batch_size": 5})
    assert setting.deliver(ndjson(*(track(number) for number in range(20)))).report.delivered == 20
    queue = open_queue(tmp_path / "outbox.sqlite", clock=MovedClock())
    try:
        assert asyncio.run(queue.records(WORKERS_PREFIX)) == {}
    finally:
        asyncio.run(queue.close())
