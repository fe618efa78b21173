"""Lanes: order for each customer, one lane that fails beside one that works, and no more requests than allowed."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from answering import Answering, busy
from kable_destination.definitions import ConfigurationError, Destination, RetryableError
from kable_destination.destination import kable
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import Delivery, Rules, account_of
from kable_destination.runner.delivery.limiter import Limiter
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.contract import Lane
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sandbox import Faults
from kable_destination.runner.sandbox.faults import Rule
from kable_destination.runner.sources.files import FileSource
from segment_events import identify, ndjson, track
from virtual_run import HOUR, SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from kable_destination.runner.transports.contract import Transport
    from virtual_clock import VirtualClock


@dataclass
class Watched:
    """A way on which the moments of requests and how many were in flight are noted, and some requests fail."""

    fails: Callable[[httpx.Request], bool] = lambda _: False
    seconds: float = 0.0
    transport: Transport | None = None
    clock: VirtualClock | None = None
    moments: list[float] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    def wrap(self, transport: Transport, clock: VirtualClock) -> Watched:
        """Stand before the transport of a run."""
        self.transport, self.clock = transport, clock
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.transport is not None
        assert self.clock is not None
        self.moments.append(self.clock.monotonic())
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if self.fails(request):
                raise RetryableError("no answer")
            return await self.transport.send(request)
        finally:
            self.in_flight -= 1


@pytest.mark.parametrize("seed", range(5))
def test_memberships_of_one_customer_arrive_in_order(tmp_path: Path, sandbox: RunningSandbox, seed: int) -> None:
    """However many requests are in flight, however long each takes, and though some must be sent again."""
    sandbox.faults.set(Faults(latency=(0.0, 0.004), seed=seed, statuses={"500": 0.05}))
    rules = {"batch_size": 3, "concurrency": 16}
    Setting(tmp_path, sandbox.base_url, seed=seed, rules=rules).deliver(ndjson(*(identify(n) for n in range(300))))
    arrived: dict[str, list[str]] = defaultdict(list)
    for event in sandbox.ledger.events:
        arrived[event["clientId"]].append(event["transactionId"])
    assert len(arrived) == 7
    assert all(order == sorted(order) for order in arrived.values())


def test_a_lane_that_fails_does_not_hold_up_another(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """One action cannot be reached for an hour; what goes to the other arrives at once."""
    watched = Watched(fails=lambda request: b'"units"' in request.content)
    setting = Setting(tmp_path, sandbox.base_url, wrap=watched.wrap, rules={"longest_wait": 60.0})
    events = [event for number in range(20) for event in (track(number), identify(number + 100))]
    run = setting.deliver(ndjson(*events))
    assert {event["transactionId"] for event in sandbox.ledger.events} == {f"message-{n + 100:06}" for n in range(20)}
    assert (run.report.delivered, run.report.unsent, setting.queued()) == (20, 20, 20)


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

    assert {asyncio.run(run(seed)) for seed in range(30)} == {300}


def of_track(request: httpx.Request) -> bool:
    """Tell whether a request carries usage, and no membership."""
    return b'"units"' in request.content


MANY = 20_000


def test_a_wrong_address_ends_a_run_however_long_the_file_is(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """The only lane that has anything to do has stopped; what was accepted is kept, and the rest is in the file."""
    wrong = Answering(lambda _: httpx.Response(404))
    setting = Setting(tmp_path, sandbox.base_url, wrap=wrong.wrap)
    everything = ndjson(*(track(number) for number in range(MANY)))
    run = setting.deliver(everything)
    assert isinstance(run.ended, ConfigurationError)
    assert len(wrong.requests) <= 4
    run = Setting(tmp_path, sandbox.base_url).deliver(everything)
    assert run.ended is None
    assert sorted(event["transactionId"] for event in sandbox.ledger.events) == [f"message-{n:06}" for n in range(MANY)]


def test_a_lane_that_has_stopped_holds_up_no_other(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """However many events wait for it."""
    wrong = Answering(lambda request: httpx.Response(404) if of_track(request) else None)
    setting = Setting(tmp_path, sandbox.base_url, wrap=wrong.wrap)
    run = setting.deliver(ndjson(*((track if number % 2 else identify)(number) for number in range(MANY))))
    assert isinstance(run.ended, ConfigurationError)
    assert (run.report.delivered, run.report.unsent, setting.queued()) == (MANY // 2, MANY // 2, MANY // 2)
    assert len(sandbox.ledger.events) == MANY // 2


@pytest.mark.parametrize("durable", [True, False])
def test_a_lane_that_must_wait_for_long_holds_up_no_other(
    tmp_path: Path, sandbox: RunningSandbox, *, durable: bool
) -> None:
    """The one is asked to wait for hours, the other for eight seconds, once."""
    once = [httpx.Response(500, headers={"Retry-After": "8"})]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if of_track(request):
            return httpx.Response(429, headers={"Retry-After": "30000"})
        return once.pop() if once else None

    setting = Setting(
        tmp_path, sandbox.base_url, durable=durable, wrap=Answering(answer).wrap, rules={"longest_wait": 60.0}
    )
    run = setting.deliver(ndjson(*((track if number % 2 else identify)(number) for number in range(MANY))))
    assert run.seconds >= 8
    assert run.report.delivered == MANY // 2 == len(sandbox.ledger.events)


def test_what_was_there_already_makes_nobody_wait(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """The same events in another file, more of them than may be read ahead of their delivery."""
    everything = ndjson(*(track(number) for number in range(MANY)))
    assert Setting(tmp_path, sandbox.base_url).deliver(everything).report.delivered == MANY
    again = Setting(tmp_path, sandbox.base_url).deliver(b"", everything)
    assert (again.report.duplicates, again.report.requests) == (MANY, 0)
    assert again.seconds < 0.1, "only for company, some milliseconds"


def test_half_of_a_batch_has_as_many_attempts_as_any(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Without an outbox too: what failed before a list was halved does not count against its parts."""
    failed: set[bytes] = set()

    def answer(request: httpx.Request) -> httpx.Response | None:
        if len(request.content.split(b"transactionId")) - 1 in range(5, 9) and request.content not in failed:
            failed.add(request.content)
            return httpx.Response(500)
        return None

    sandbox.faults.set(Faults(refuse=(Rule(field="data.units", value=5), Rule(field="data.units", value=60))))
    patience = RetryPolicy(seconds=None, attempts=2)
    setting = Setting(tmp_path, sandbox.base_url, durable=False, policy=patience, wrap=Answering(answer).wrap)
    run = setting.deliver(ndjson(*(track(number) for number in range(64))))
    assert (run.report.delivered, +run.report.dead_lettered) == (62, {"refused": 2})


@dataclass
class Moments:
    """A clock that is where it is put."""

    moment: float = 0.0

    def monotonic(self) -> float:
        return self.moment

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.moment, UTC)

    async def sleep(self, seconds: float) -> None:
        self.moment += seconds


@pytest.mark.parametrize("rate", [1.0, None])
def test_what_has_become_possible_meanwhile_is_not_waited_for(rate: float | None) -> None:
    """A task that shall wait may begin to later than it was told to: the loop had something else to do."""

    async def wait() -> None:
        clock = Moments()
        limiter = Limiter(clock, most=1, rate=rate)
        assert limiter.try_acquire()
        if rate is not None:
            limiter.release()
        assert not limiter.try_acquire()
        if rate is None:
            limiter.release()
        clock.moment = 2.0
        await asyncio.wait_for(limiter.change(), timeout=10)
        assert limiter.try_acquire()

    asyncio.run(wait())


def test_a_lane_that_pauses_keeps_what_it_has_taken(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """The run waits for it, though nothing is left in the queue."""
    sandbox.faults.set(Faults(script=("429",), retry_after="2"))
    patience = RetryPolicy(seconds=None, attempts=1)
    rules = {"concurrency": 1, "batch_size": 1}
    setting = Setting(tmp_path, sandbox.base_url, durable=False, policy=patience, rules=rules)
    run = setting.deliver(ndjson(track(0), track(1)))
    assert (run.report.delivered, +run.report.dead_lettered) == (1, {"exhausted": 1})


@pytest.mark.parametrize("durable", [True, False])
def test_a_test_of_the_credentials_that_fails_is_an_attempt_like_any(
    tmp_path: Path, sandbox: RunningSandbox, *, durable: bool
) -> None:
    sandbox.faults.set(Faults(statuses={"403": 1.0}, authenticate=503))
    patience = RetryPolicy(attempts=3, seconds=HOUR if durable else None)
    watched = Watched()
    setting = Setting(tmp_path, sandbox.base_url, durable=durable, policy=patience, wrap=watched.wrap)
    run = setting.deliver(ndjson(track(0)))
    assert +run.report.dead_lettered == {"exhausted": 1}
    assert len(watched.moments) < 200


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
                beside = open_queue(str(setting.outbox), clock=SystemClock())
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
    """A pause is believed for a day, the longest that is obeyed, from when it is seen."""
    once = [busy(3600)]
    ahead = Answering(lambda _: once.pop() if once else None)
    rules = {"longest_wait": 60.0}
    Setting(tmp_path, sandbox.base_url, wrap=ahead.wrap, started_hours=24 * 365, rules=rules).deliver(ndjson(track(1)))
    delivered = []
    for hours in (0, 23.9, 24.1):
        run = Setting(tmp_path, sandbox.base_url, started_hours=hours, rules=rules).deliver(ndjson(track(2)))
        delivered.append(run.report.delivered + run.report.earlier)
    assert delivered == [0, 0, 2], "and so is the moment at which a batch is due"
