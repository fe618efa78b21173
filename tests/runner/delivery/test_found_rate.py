"""The rate that is found by trying: a server's limit is used nearly whole by several processes, and seldom exceeded."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.delivery.found_rate import CUT, GUESS_SECONDS, HOLD_SECONDS, FoundRate
from kable_destination.runner.delivery.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 6
LATENCY = 0.02
SETTLED, END = 10.0, 90.0
NEWS_SECONDS = 0.5
"""After at most this time another process knows of a pause."""


class Moments:
    """A clock that is where it is put."""

    moment = 0.0

    def monotonic(self) -> float:
        return self.moment


class AnySecond:
    """Takes at most `most` requests in any second."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: deque[float] = deque()

    def takes(self, now: float) -> bool:
        while self._taken and self._taken[0] <= now - 1:
            self._taken.popleft()
        if len(self._taken) >= self.most:
            return False
        self._taken.append(now)
        return True


class EachSecond:
    """Takes at most `most` requests in each second of the clock."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._second = self._taken = 0

    def takes(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._taken = int(now), 0
        self._taken += 1
        return self._taken <= self.most


class Bucket:
    """Takes `most` requests a second on average, and as many at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._left = float(most)
        self._at = 0.0

    def takes(self, now: float) -> bool:
        self._left = min(self.most, self._left + (now - self._at) * self.most)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Simulation:
    """Processes that always have something to send, a limiter each, and a server that answers some with 429."""

    def __init__(self, server: AnySecond | EachSecond | Bucket, rate: float | None, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)  # noqa: S311 - of a simulation
        self._clock = Moments()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._limiters = [Limiter(self._clock, most=16, rate=rate) for _ in range(WORKERS)]  # type: ignore[arg-type]
        self._looks: list[float | None] = [None] * WORKERS
        self.taken = self.refused = 0
        for worker, limiter in enumerate(self._limiters):
            limiter.share(WORKERS)
            self._after(self._random.random(), partial(self._send, worker))

    def run(self) -> None:
        """Let the time pass."""
        while self._events[0][0] < END:
            self._clock.moment, _, happen = heapq.heappop(self._events)
            happen()

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._clock.moment + seconds, next(self._count), happen))

    def _send(self, worker: int) -> None:
        limiter, now = self._limiters[worker], self._clock.moment
        while limiter.try_acquire():
            self._after(self._random.uniform(0.3, 0.7) * LATENCY, lambda: self._arrive(worker, now))
        wait = max(limiter.pause, limiter._next_at - now)
        planned = self._looks[worker]
        if wait > 0 and (planned is None or planned <= now or planned > now + wait + 0.005):
            late = wait + self._random.uniform(0, 0.002)
            self._looks[worker] = now + late
            self._after(late, lambda: self._send(worker))

    def _arrive(self, worker: int, sent_at: float) -> None:
        is_taken = self._server.takes(self._clock.moment)
        if self._clock.moment >= SETTLED:
            self.taken += is_taken
            self.refused += not is_taken
        self._after(self._random.uniform(0.3, 0.7) * LATENCY, lambda: self._answer(worker, sent_at, is_taken=is_taken))

    def _answer(self, worker: int, sent_at: float, *, is_taken: bool) -> None:
        now = self._clock.moment
        self._limiters[worker].release(now - sent_at if is_taken else None)
        if not is_taken:
            pause = self._random.uniform(1.0, 2.0)
            self._limiters[worker].slow_down(pause)
            for other in range(WORKERS):
                if other != worker:
                    self._after(self._random.uniform(0, NEWS_SECONDS), partial(self._hear, other, now + pause))
        self._send(worker)

    def _hear(self, worker: int, until: float) -> None:
        if until > self._clock.moment:
            self._limiters[worker].keep_pause(until - self._clock.moment)
        self._send(worker)


@pytest.mark.parametrize("rate", [None, 50.0])
@pytest.mark.parametrize("kind", [AnySecond, EachSecond, Bucket])
def test_processes_use_nearly_all_that_a_server_takes_and_seldom_more(
    kind: type[AnySecond | EachSecond | Bucket], rate: float | None
) -> None:
    """Whether they were told the limit of 50 requests a second, or have to find it."""
    runs = [Simulation(kind(50), rate, seed) for seed in range(3)]
    for run in runs:
        run.run()
        assert run.refused < 0.02 * (run.taken + run.refused)
    assert sum(run.taken for run in runs) > 0.87 * 50 * (END - SETTLED) * len(runs)


def sent(found: FoundRate, start: float, end: float, per_second: float) -> float:
    """Let requests succeed at a rate; return the moment of the last."""
    moment = start
    while moment + 1 / per_second < end:
        moment += 1 / per_second
        found.note_good(moment)
    return moment


def test_there_is_no_bound_before_a_server_is_busy_and_none_if_nothing_ever_got_through() -> None:
    found = FoundRate(0.0)
    assert found.per_second is None
    found.cut(5.0, 1.0)
    assert found.per_second is None


def test_it_stays_below_what_got_through_for_half_a_minute_and_then_grows_until_it_bounds_nothing() -> None:
    found = FoundRate(0.0)
    found.cut(sent(found, 0.0, 10.0, 20.0), 1.0)
    bound = found.per_second
    assert bound == pytest.approx(20 * CUT, rel=0.06)
    now = sent(found, 11.0, 11.0 + HOLD_SECONDS - 1, 20.0)
    assert found.per_second == bound
    now = sent(found, now, now + 11, 20.0)
    assert bound is not None
    assert found.per_second is not None
    assert 1.2 * bound < found.per_second < 1.5 * bound
    sent(found, now, now + 60, 20.0)
    assert found.per_second is None


def test_what_got_through_in_less_than_a_second_is_a_guess_that_is_soon_tried_beyond() -> None:
    found = FoundRate(0.0)
    found.cut(sent(found, 0.0, 0.2, 100.0), 1.0)
    bound = found.per_second
    sent(found, 1.2, 1.2 + 2 * GUESS_SECONDS, 20.0)
    assert bound is not None
    assert found.per_second is not None
    assert found.per_second > bound


def test_if_nothing_gets_through_it_is_halved_to_one_in_ten_seconds() -> None:
    found = FoundRate(0.0)
    now = sent(found, 0.0, 10.0, 20.0)
    bounds = []
    for _ in range(12):
        found.cut(now, 1.0)
        bounds.append(found.per_second)
        now += 2.0
    assert bounds[1] == pytest.approx(bounds[0] / 2)  # type: ignore[operator]
    assert bounds[-1] == 0.1


def test_time_in_which_nothing_is_sent_lets_nothing_grow() -> None:
    found = FoundRate(0.0)
    found.cut(sent(found, 0.0, 10.0, 20.0), 1.0)
    before = found.per_second
    found.note_good(10_000.0)
    assert before is not None
    assert found.per_second is not None
    assert found.per_second - before < 0.1 * before
