"""No more requests are sent than allowed; a busy server gets fewer, and later as many as before."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sandbox import Faults
from kable_destination.runner.sources.files import FileSource
from segment_events import ndjson, track
from virtual_run import SETTINGS, Setting
from watched_transport import Watched

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox


@pytest.mark.parametrize("rate", [0.5, 2.0, 100.0])
def test_no_more_requests_a_second_than_allowed(tmp_path: Path, sandbox: RunningSandbox, rate: float) -> None:
    watched = Watched()
    setting = Setting(tmp_path, sandbox.base_url, wrap=watched.wrap, rules={"rate": rate, "batch_size": 1})
    setting.deliver(ndjson(*(track(number) for number in range(12))))
    waits = [after - before for before, after in zip(watched.moments, watched.moments[1:], strict=False)]
    assert len(waits) == 11
    assert min(waits) >= 1 / rate - 1e-9


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_requests_in_flight_than_allowed(tmp_path: Path, sandbox: RunningSandbox, concurrency: int) -> None:
    sandbox.faults.set(Faults(latency=0.002))
    watched = Watched()
    rules = {"concurrency": concurrency, "batch_size": 1}
    setting = Setting(tmp_path, sandbox.base_url, wrap=watched.wrap, rules=rules)
    setting.deliver(ndjson(*({**track(number), "userId": f"c{number}"} for number in range(30))))
    assert watched.most == concurrency


@pytest.mark.parametrize("status", ["429", "503"])
def test_a_busy_server_slows_the_lane_and_success_speeds_it_up_again(
    tmp_path: Path, sandbox: RunningSandbox, status: str
) -> None:
    """Fewer requests are in flight, after a pause; in the end there are as many as before."""
    sandbox.faults.set(Faults.model_validate({"script": [status] * 4, "retry_after": "2", "latency": 0.002}))
    watched = Watched()
    setting = Setting(tmp_path, sandbox.base_url, wrap=watched.wrap, rules={"concurrency": 8, "batch_size": 1})
    run = setting.deliver(ndjson(*({**track(number), "userId": f"c{number}"} for number in range(300))))
    slowed = run.happened("slowed")
    assert [notice.in_flight for notice in slowed][-1] == 1
    assert all(notice.wait >= 2 for notice in slowed)
    assert run.report.delivered == 300
    assert run.seconds >= 2


def test_a_lane_that_was_slowed_uses_all_that_it_may_again(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """One failure is not remembered for ever."""
    script = ["503", *["ok"] * 400]
    sandbox.faults.set(Faults.model_validate({"script": script, "latency": 0.002}))
    counts: list[int] = []

    class Late(Watched):
        async def send(self, request: httpx.Request) -> httpx.Response:
            counts.append(self.in_flight + 1)
            return await super().send(request)

    late = Late()
    setting = Setting(tmp_path, sandbox.base_url, wrap=late.wrap, rules={"concurrency": 6, "batch_size": 1})
    setting.deliver(ndjson(*({**track(number), "userId": f"c{number}"} for number in range(400))))
    assert max(counts[-100:]) == 6


class Turns:
    """A way that answers after a few turns of the event loop, so that requests end in every order, and together."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - no secret

    async def send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(self._dice.randrange(6)):
            await asyncio.sleep(0)
        return httpx.Response(200, request=request)


def test_a_run_ends_when_its_last_requests_end_together(tmp_path: Path) -> None:
    """Whatever the order in which the event loop tells of them: the run does not wait for what has come already."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(ndjson(*({**track(number), "userId": f"c{number}"} for number in range(300))))
    destination = Destination(kable, SETTINGS)

    async def run(seed: int) -> int:
        clock, report = SystemClock(), RunReport()
        rules = Rules(RetryPolicy(), batch_size=1, concurrency=8)
        delivery = Delivery(
            destination, open_queue("memory:", clock=clock), Turns(seed), rules, report=report, clock=clock
        )
        await asyncio.wait_for(delivery.run([FileSource(str(path))]), timeout=20)
        return report.delivered

    assert {asyncio.run(run(seed)) for seed in range(10)} == {300}
