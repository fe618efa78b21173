"""A lane whose server asks to be left alone is left alone, by every run and process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from answering import Answering, busy
from kable_destination.runner.delivery.delivery import account_of
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.queues.contract import Lane
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sandbox import Faults
from segment_events import identify, ndjson, track
from virtual_run import HOUR, Setting
from watched_transport import Watched

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox


def test_a_lane_that_pauses_keeps_what_it_has_taken(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """The run waits for it, though nothing is left in the queue."""
    sandbox.faults.set(Faults(script=("429",), retry_after="2"))
    patience = RetryPolicy(seconds=None, attempts=1)
    rules = {"concurrency": 1, "batch_size": 1}
    setting = Setting(tmp_path, sandbox.base_url, durable=False, policy=patience, rules=rules)
    run = setting.deliver(ndjson(track(0), track(1)))
    assert (run.report.delivered, +run.report.dead_lettered) == (1, {"exhausted": 1})


def test_another_run_keeps_to_the_pause_of_a_lane(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """A server that asks for an hour is left alone for an hour, by every run, with whatever it has to send."""
    once = [busy(3600)]
    first = Answering(lambda _: once.pop() if once else None)
    asked = Setting(tmp_path, sandbox.base_url, wrap=first.wrap, rules={"longest_wait": 60.0}).deliver(ndjson(track(1)))
    assert (len(first.requests), asked.report.unsent) == (1, 1)
    early = Answering(lambda _: None)
    setting = Setting(
        tmp_path, sandbox.base_url, wrap=early.wrap, started_hours=0.5, rules={"longest_wait": 60.0, "batch_size": 1}
    )
    run = setting.deliver(ndjson(track(2), track(3)), ndjson(identify(4)))
    assert len(early.requests) == 1, "the other action may be used"
    assert (run.report.delivered, run.report.unsent, setting.queued()) == (1, 2, 3)
    waiting = Setting(tmp_path, sandbox.base_url, started_hours=0.99, rules={"longest_wait": 60.0})
    run = waiting.deliver()
    assert run.seconds >= 0.01 * HOUR - 1e-6
    assert len(sandbox.ledger.events) == 4


def test_a_run_that_has_begun_keeps_to_a_pause_that_another_was_asked_for(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    """From the next batch on that it takes."""
    moments: list[float] = []

    @dataclass
    class Beside(Watched):
        """A way on which another process notes a pause while the first request is answered."""

        async def send(self, request: httpx.Request) -> httpx.Response:
            assert self.clock is not None
            moments.append(self.clock.monotonic())
            if len(moments) == 1:
                beside = open_queue(str(setting.outbox), clock=self.clock)
                until = self.clock.now().timestamp() + 50
                await beside.mark(Lane(account_of(setting.destination), "track"), paused_until=until)
                await beside.close()
            return await super().send(request)

    rules = {"batch_size": 1, "concurrency": 1}
    setting = Setting(tmp_path, sandbox.base_url, wrap=Beside().wrap, rules=rules)
    assert setting.deliver(ndjson(*(track(number) for number in range(20)))).report.delivered == 20
    assert [moment for moment in moments[3:] if moment < 50] == [], "what it had taken before"


@pytest.mark.parametrize("rules", [{"rate": 1.0, "batch_size": 1}, {"concurrency": 1, "batch_size": 4}])
def test_what_has_its_turn_after_a_long_pause_goes_back(
    tmp_path: Path, sandbox: RunningSandbox, rules: dict[str, float]
) -> None:
    """Be it another batch or the second half of one: the run ends, and the next sends it when that is allowed."""
    answers = [busy(3600)] if "rate" in rules else [busy(3600), httpx.Response(400)]
    watched = Answering(lambda _: answers.pop() if answers else None)
    setting = Setting(tmp_path, sandbox.base_url, wrap=watched.wrap, rules={**rules, "longest_wait": 60.0})
    expected = len(answers)
    run = setting.deliver(ndjson(*({**track(number), "userId": f"c{number}"} for number in range(4))))
    assert (len(watched.requests), run.report.unsent, setting.queued()) == (expected, 4, 4)
    assert run.seconds <= 61
    assert Setting(tmp_path, sandbox.base_url, started_hours=1.1).deliver().report.earlier == 4


def test_a_clock_that_was_set_back_parks_no_lane_for_ever(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """A pause lasts as long as the server asked for, from when the clock is right again."""
    once = [busy(3600)]
    ahead = Answering(lambda _: once.pop() if once else None)
    rules = {"longest_wait": 60.0}
    Setting(tmp_path, sandbox.base_url, wrap=ahead.wrap, started_hours=24 * 365, rules=rules).deliver(ndjson(track(1)))
    delivered = []
    for hours in (0, 0.9, 1.1):
        run = Setting(tmp_path, sandbox.base_url, started_hours=hours, rules=rules).deliver(ndjson(track(2)))
        delivered.append(run.report.delivered + run.report.earlier)
    assert delivered == [0, 0, 2], "and so is the moment at which a batch is due"
