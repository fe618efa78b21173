"""Processes that share an outbox look for what others leave, and not all of them at the same moments."""

from __future__ import annotations

import random

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.delivery import Rules, active_lanes
from kable_destination.runner.delivery.lane import POLL_SECONDS, ActiveLane
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.queues.contract import LaneDepth
from kable_destination.runner.queues.suite.opened import MovedClock

LOOKS = 50


def looks(lane: ActiveLane, clock: MovedClock) -> list[float]:
    """Return after how many seconds a lane looks again, each time that it finds what others have leased."""
    found = []
    for _ in range(LOOKS):
        lane.hold([], LaneDepth(batches=1, events=1, leased_elsewhere=1), 1, clock)
        wait = lane.wait(clock)
        assert wait is not None
        found.append(wait)
        clock.moment += wait
    return found


def of_a_process(seed: int) -> list[float]:
    """Return the looks of a process that has its own randomness."""
    clock = MovedClock()
    rules = Rules(RetryPolicy(randomness=random.Random(seed)))  # noqa: S311 - no secret
    destination = Destination(kable, {"apiKey": "sk_test.x", "kableClientId": "kci_x"})
    return looks(active_lanes(destination, rules, clock)[0], clock)


def test_processes_look_at_moments_of_their_own() -> None:
    processes = [of_a_process(seed) for seed in range(8)]
    for waits in processes:
        assert POLL_SECONDS * 0.75 <= min(waits) < max(waits) <= POLL_SECONDS * 1.25
    moments = [round(sum(waits[: count + 1]), 6) for waits in processes for count in range(LOOKS)]
    assert len({*moments}) == len(moments)


def test_a_seed_makes_it_repeatable() -> None:
    assert of_a_process(1) == of_a_process(1)
