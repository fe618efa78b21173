"""Whatever fails at random, every event ends in exactly one place: the ledger, once, or a dead letter."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.sandbox import Faults
from postgres_server import require_postgres, shared_server
from segment_events import ndjson, track
from virtual_run import Setting

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox

SEEDS = range(int(os.environ.get("KABLE_CHAOS_SEEDS", "30")))
_SEEDS_OF_POSTGRES = SEEDS if len(SEEDS) > 100 else SEEDS[9::10]
EVENTS = 1_000
KINDS = ("hang_up_before", "hang_up_inside", "hang_up_after", "truncated", "not_json")
STATUSES = ("408", "429", "500", "502", "503", "504")


def planners_of(seed: int) -> int:
    """Return how many planners a run has."""
    return int(os.environ.get("KABLE_CHAOS_PLANNERS", "0")) or 2 * (seed % 10 == 9)


@pytest.mark.parametrize(
    ("engine", "seed"),
    [*(("sqlite", seed) for seed in SEEDS), *(("postgres", seed) for seed in _SEEDS_OF_POSTGRES)],
)
def test_random_faults_lose_nothing_and_double_nothing(
    tmp_path: Path, sandbox: RunningSandbox, engine: str, seed: int
) -> None:
    """A quarter, a tenth or a hundredth of the requests fail, in every way that passes by itself.

    In every tenth run other processes plan, and in every run as many as KABLE_CHAOS_PLANNERS says. With PostgreSQL
    there are fewer runs, unless many are asked for.
    """
    rate = (0.25, 0.10, 0.01)[seed % 3] / (len(KINDS) + len(STATUSES))
    sandbox.faults.set(
        Faults(statuses=dict.fromkeys(STATUSES, rate), kinds=dict.fromkeys(KINDS, rate), retry_after="3", seed=seed)
    )
    if engine == "postgres":
        require_postgres()
    setting = Setting(
        tmp_path,
        sandbox.base_url,
        seed=seed,
        rules={"batch_size": 20},
        planners=planners_of(seed),
        url=shared_server().outbox(tmp_path) if engine == "postgres" else None,
    )
    run = setting.deliver(ndjson(*(track(number) for number in range(EVENTS))))
    print(f"seed {seed}: {run.report.requests} requests, {run.report.retries} retries")  # noqa: T201 - to try it again
    billed = Counter(event["transactionId"] for event in sandbox.ledger.events)
    assert billed == Counter(f"message-{number:06}" for number in range(EVENTS)), f"seed {seed}"
    assert (run.report.delivered, run.report.dead, run.report.unsent) == (EVENTS, 0, 0)
    assert (setting.queued(), setting.letters()) == (0, [])
