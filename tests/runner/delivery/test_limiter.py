"""The limiter: it starts low, grows while responses are good, and shrinks when the server is busy or slow."""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from kable_destination.runner.delivery.limiter import Limiter


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


@dataclass
class Server:
    """Takes rounds of as many requests as may be in flight, each round as long as its latency."""

    most: int = 64
    rate: float | None = None
    clock: Moments = field(default_factory=Moments)
    changes: int = 0

    def __post_init__(self) -> None:
        self.limiter = Limiter(self.clock, most=self.most, rate=self.rate)
        self.limiter.watch(lambda _: None, self.count)

    def count(self, _in_flight: int, _per_second: float | None) -> None:
        self.changes += 1

    def rounds(self, count: int, seconds: float) -> int:
        """Let so many rounds of requests succeed; return the most that were in flight."""
        most = 0
        for _ in range(count):
            started = 0
            while self.limiter.try_acquire():
                started += 1
            self.clock.moment += seconds
            for _ in range(started):
                self.limiter.release(seconds)
            most = max(most, started)
        return most


def test_it_starts_low_and_doubles_with_every_round() -> None:
    server = Server()
    assert [server.rounds(1, 0.1) for _ in range(7)] == [2, 4, 8, 16, 32, 64, 64]


@pytest.mark.parametrize("most", [1, 3, 16])
def test_it_never_allows_more_than_it_was_told(most: int) -> None:
    assert Server(most).rounds(50, 0.1) == most


def test_a_busy_server_halves_what_is_in_flight_and_success_adds_one_per_round() -> None:
    server = Server(16)
    server.rounds(10, 0.1)
    server.limiter.slow_down(1.0)
    assert server.limiter.allowed == 8
    assert server.limiter.pause == 1.0
    assert server.rounds(1, 1.0) == 0
    seen = []
    for _ in range(400):
        server.rounds(1, 0.1)
        seen.append(server.limiter.allowed)
    assert max(after - before for before, after in itertools.pairwise(seen)) <= 1
    assert seen[-1] == 16


def test_a_busy_server_is_sent_fewer_requests_a_second_than_got_through() -> None:
    """And more again, little by little, while it takes them."""
    server = Server(16)
    server.rounds(20, 0.1)  # 160 a second
    bounds = [server.limiter.per_second or math.inf]
    server.limiter.slow_down(1.0)
    bounds.append(server.limiter.per_second or math.inf)
    server.clock.moment += 1.0
    server.rounds(340, 0.1)
    bounds.append(server.limiter.per_second or math.inf)
    before, cut, grown = bounds
    assert before == math.inf
    assert cut < 160
    assert cut < grown


def test_what_was_sent_before_the_server_said_that_it_is_busy_cuts_the_rate_only_once() -> None:
    server = Server(16)
    server.rounds(20, 0.1)
    for _ in range(16):
        server.limiter.slow_down(1.0)
    assert server.limiter.allowed == 8
    assert server.limiter.per_second == pytest.approx(152)
    server.limiter.slow_down(5.0)
    assert server.limiter.pause == 1.0
    server.limiter.slow_down(5.0, asked=5.0)
    assert server.limiter.pause == 5.0


def test_a_pause_that_another_process_began_cuts_the_rate_too() -> None:
    server = Server(16)
    server.rounds(20, 0.1)
    server.limiter.keep_pause(1.0)
    assert server.limiter.per_second == pytest.approx(152)
    server.clock.moment += 1.0
    server.limiter.keep_pause(0.01)
    assert server.limiter.per_second == pytest.approx(152)


def test_below_one_request_at_a_time_the_rate_shrinks_on() -> None:
    """A server that is busy however little it is sent is asked less and less often."""
    server = Server(4)
    server.rounds(20, 0.2)
    bounds = []
    for _ in range(8):
        server.limiter.slow_down(1.0)
        server.clock.moment += 1.0
        server.rounds(1, 0.2)
        bounds.append(server.limiter.per_second)
    assert server.limiter.allowed <= 2
    assert bounds[-1] is not None
    assert bounds[-1] < 1 / 0.2 / 4


def test_rising_latency_takes_away_what_only_waits_in_the_servers_queue() -> None:
    """The server answers after 200 ms as long as no more than eight are in flight."""
    server = Server(64)
    allowed = []
    for _ in range(60):
        in_flight = min(server.limiter.allowed, 64)
        server.rounds(1, 0.2 * max(1.0, in_flight / 8))
        allowed.append(server.limiter.allowed)
    assert max(allowed[-30:]) < 40
    assert min(allowed[-30:]) >= 8


def test_noise_of_some_milliseconds_takes_away_nothing() -> None:
    server = Server(16)
    server.rounds(10, 0.002)
    server.rounds(1, 0.08)
    server.rounds(10, 0.002)
    assert server.limiter.allowed == 16


def test_a_server_that_stays_slower_is_believed() -> None:
    server = Server(16)
    server.rounds(20, 0.1)
    server.rounds(100, 1.0)
    assert server.limiter.allowed == 16


def test_every_change_of_a_bound_is_passed_on() -> None:
    server = Server(16)
    server.rounds(3, 0.1)
    assert server.changes == 14, "from 2 to 16, one by one"
    server.limiter.slow_down(0.0)
    assert server.changes == 15


def test_the_rate_that_was_set_is_never_exceeded() -> None:
    server = Server(16, rate=10.0)
    sent = 0
    while server.clock.moment < 10.0:
        sent += server.limiter.try_acquire()
        server.clock.moment += 0.01
        server.limiter.release(0.01)
    assert sent <= 101


@pytest.mark.parametrize("rate", [1.0, None])
def test_what_has_become_possible_meanwhile_is_not_waited_for(rate: float | None) -> None:
    """A task that is told to wait may begin to later: the loop had something else to do."""

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


def test_an_outage_of_hours_does_not_slow_a_lane_down_for_days() -> None:
    """However often a server says that it is busy: once it is not, full speed is minutes away."""
    server = Server(16)
    server.rounds(20, 0.1)
    for _ in range(500):
        server.clock.moment += 300.0
        server.limiter.slow_down(1.0)
    began = server.clock.moment
    while server.limiter.per_second is not None and server.clock.moment < began + 3600.0:
        server.rounds(1, 0.1)
    assert server.clock.moment - began < 600.0
