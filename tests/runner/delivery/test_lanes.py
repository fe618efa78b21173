"""Lanes: order for each customer, and one lane that fails, stops or waits beside one that works."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import httpx
import pytest

from answering import Answering
from kable_destination.definitions import ConfigurationError
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.sandbox import Faults
from kable_destination.runner.sandbox.faults import Rule
from segment_events import identify, ndjson, track
from virtual_run import HOUR, Setting
from watched_transport import Watched

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox

MANY = 20_000


def of_track(request: httpx.Request) -> bool:
    """Tell whether a request carries usage, and no membership."""
    return b'"units"' in request.content


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
    again = Setting(tmp_path, sandbox.base_url).deliver(b"", b"\n" + everything)
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
