"""Endings: a run ends when nothing more can be done, and leaves nothing under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from answering import Answering, busy
from segment_events import ndjson, track
from virtual_run import Setting

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox

MANY = 2_000


def test_a_full_queue_does_not_keep_a_run_that_waits_for_the_server_from_ending(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    """The server asks for two hours, and the reader waits for room."""
    setting = Setting(
        tmp_path,
        sandbox.base_url,
        wrap=Answering(lambda _: busy(7200)).wrap,
        limit_bytes=300_000,
        rules={"longest_wait": 60.0, "batch_size": 50},
    )
    run = setting.deliver(ndjson(*(track(number) for number in range(30_000))))
    assert run.seconds <= 120
    assert run.report.delivered == 0


def test_requests_that_fail_do_not_keep_a_full_queue_waiting(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """They make no room, however many there are: one for each batch, again and again."""
    setting = Setting(
        tmp_path,
        sandbox.base_url,
        wrap=Answering(lambda _: httpx.Response(500)).wrap,
        limit_bytes=300_000,
        rules={"longest_wait": 2.0, "batch_size": 10},
    )
    run = setting.deliver(ndjson(*(track(number) for number in range(30_000))))
    assert "the outbox accepts no more events" in str(run.ended)
    assert run.seconds <= 30


def test_a_full_queue_of_a_lane_that_has_stopped_does_not_keep_a_run_from_ending(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    """Nothing makes room: one lane has stopped, and the other is empty."""
    setting = Setting(
        tmp_path,
        sandbox.base_url,
        wrap=Answering(lambda _: httpx.Response(404)).wrap,
        limit_bytes=300_000,
        rules={"longest_wait": 60.0, "batch_size": 50},
    )
    run = setting.deliver(ndjson(*(track(number) for number in range(30_000))))
    assert run.seconds <= 120
    assert run.ended is not None
