"""One account may send so many events a second, on average."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.queues.suite.opened import MovedClock
from kable_destination.runner.service.rate import Rate
from running_service import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox


def test_ten_seconds_worth_may_come_ahead_of_time_and_then_the_rate_holds() -> None:
    clock = MovedClock()
    rate = Rate(clock, 5)
    assert [rate.wait(25) for _ in range(4)] == [0, 0, 0, 5]
    clock.moment += 5
    assert rate.wait(1) == 0
    assert rate.wait(1) == pytest.approx(0.2, abs=1e-3)


def test_without_a_rate_nobody_waits() -> None:
    rate = Rate(MovedClock(), None)
    assert {rate.wait(1_000_000) for _ in range(1_000)} == {0}


def test_an_account_that_sends_more_is_asked_to_come_back(tmp_path: Path, sandbox: RunningSandbox) -> None:
    event = {"userId": "u1", "event": "X", "timestamp": "2026-11-30T06:00:00Z"}
    with running_service(tmp_path, sandbox, service={"eventsPerSecond": 0.01}) as service:
        assert service.post("/v1/track", {**event, "messageId": "m1"}).status_code == 200
        refused = service.post("/v1/track", {**event, "messageId": "m2"})
        assert refused.status_code == 429
        assert 80 <= int(refused.headers["retry-after"]) <= 91
        assert refused.json()["code"] == "too_many_requests"
