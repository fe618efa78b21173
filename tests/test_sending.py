"""Requests are tried again with patience; time is a fake clock here, the rest is real."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import Destination, Result, RetryableError
from kable_destination.destination import kable
from kable_destination.runner.sending import Sender
from kable_destination.runner.tally import Tally
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class FakeClock:
    """A clock that passes by being asked to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.slept))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Script:
    """A transport that gives scripted answers, or no answer."""

    def __init__(self, *answers: httpx.Response | RetryableError) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []

    async def send(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        answer = self.answers.pop(0)
        if isinstance(answer, RetryableError):
            raise answer
        return answer


def send(*answers: httpx.Response | RetryableError, attempts: int = 4) -> tuple[Sequence[Result], FakeClock, Script]:
    """Send one request of two events through scripted answers."""
    destination = Destination(kable, {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"})
    (planned,) = destination.plan([track(1), track(2)]).requests
    clock, script = FakeClock(), Script(*answers)

    async def run() -> Sequence[Result]:
        return await Sender(destination, script, attempts=attempts, clock=clock, tally=Tally()).send(planned)

    return asyncio.run(run()), clock, script


def asked(value: str, **headers: str) -> httpx.Response:
    """Make a 503 that asks for patience."""
    return httpx.Response(503, headers={"Retry-After": value, **headers})


def test_every_attempt_carries_the_same_body() -> None:
    results, clock, script = send(RetryableError("no answer"), httpx.Response(500), httpx.Response(200))
    assert [result.delivered for result in results] == [True, True]
    assert len(script.bodies) == 3
    assert len(set(script.bodies)) == 1
    assert all(0 <= seconds <= 10 for seconds in clock.slept)


def test_patience_ends_with_the_last_error() -> None:
    results, _, script = send(*(httpx.Response(500) for _ in range(4)))
    assert len(script.bodies) == 4
    assert all(isinstance(result.error, RetryableError) for result in results)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (asked("30"), 30),
        (asked("Wed, 04 Mar 2026 05:06:47 GMT"), 40),
        (asked("Wed, 04 Mar 2026 12:00:20 GMT", Date="Wed, 04 Mar 2026 12:00:00 GMT"), 20),
    ],
)
def test_retry_after_is_obeyed_and_never_earlier(answer: httpx.Response, seconds: float) -> None:
    results, clock, _ = send(answer, httpx.Response(200))
    assert results[0].delivered
    assert clock.slept[0] >= seconds


@pytest.mark.parametrize("value", ["soon", "-5", "1.5", "", "Wed, 99 Foo 2026", "٣"])
def test_a_retry_after_that_makes_no_sense_is_ignored(value: str) -> None:
    answer = httpx.Response(503, headers=[(b"Retry-After", value.encode())])
    results, clock, _ = send(answer, httpx.Response(200))
    assert results[0].delivered
    assert clock.slept[0] <= 10


@pytest.mark.parametrize("value", ["61", "99999999999999999999", "Fri, 04 Mar 2050 05:06:47 GMT"])
def test_a_server_that_asks_for_more_than_a_minute_is_not_asked_again(value: str) -> None:
    results, clock, script = send(asked(value))
    assert (clock.slept, len(script.bodies)) == ([], 1)
    assert isinstance(results[0].error, RetryableError)


def test_a_refusal_is_not_tried_again() -> None:
    _, clock, script = send(httpx.Response(400))
    assert (clock.slept, len(script.bodies)) == ([], 1)
