"""A lane that has stopped is shown with the reason, and is started again from the page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Lane
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sandbox.faults import Faults
from open_page import open_page
from running_service import until
from segment_events import ndjson, track
from watched_page import watched_page

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

WRONG_KEY = Faults.model_validate({"statuses": {"401": 1}, "authenticate": 401})


def test_a_stopped_lane_says_why_and_is_sent_at_once_when_it_is_started_again(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    sandbox.faults.set(WRONG_KEY)
    with watched_page(tmp_path, sandbox) as page:
        page.service.post("/v1/track", track(1))
        found = until(page.status, lambda found: any(lane["stopped"] for lane in found["lanes"]))
        lane = next(lane for lane in found["lanes"] if lane["queued"])
        assert (lane["stopped"], lane["queued"]) == (True, 1)
        assert "401" in lane["error"] or "credentials" in lane["error"].lower()
        assert API_KEY not in lane["error"]
        sandbox.faults.set(Faults())
        done = page.post("lanes/resume", {"account": lane["account"], "action": lane["action"]}).json()
        assert (done["lane"]["stopped"], done["lane"]["isSentHere"]) == (False, True)
        assert done["message"] == "The lane is open again, and its events are being sent."
        assert len(page.service.delivered(1)) == 1
        until(page.status, lambda found: not any(lane["stopped"] for lane in found["lanes"]))


def test_the_page_alone_opens_a_lane_for_the_next_delivery(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    sandbox.faults.set(WRONG_KEY)
    command_line.deliver(ndjson(track(1)), sandbox.base_url)
    with open_page(tmp_path, base_url=sandbox.base_url) as page:
        lane = next(lane for lane in page.get("status").json()["lanes"] if lane["queued"])
        assert lane["stopped"]
        done = page.post("lanes/resume", {"account": lane["account"], "action": lane["action"]}).json()
        assert not done["lane"]["stopped"]
        assert "kable-destination deliver" in done["message"]
        other = page.post("lanes/resume", {"account": lane["account"], "action": "other"})
        assert (other.status_code, other.json()["code"]) == (404, "no_such_lane")


async def stop_otherwise(outbox: Path, lane: dict[str, Any], error: str) -> None:
    """Note at a lane that it has stopped, as the process does that delivers."""
    queue = open_queue(outbox, clock=SystemClock())
    try:
        await queue.mark(Lane(lane["account"], lane["action"]), stopped=error)
    finally:
        await queue.close()


@pytest.mark.parametrize(("change", "left"), [(("request id ", "request id of-a-later-try-"), 0), (("401", "404"), 1)])
def test_lanes_that_the_same_reason_stopped_start_together(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox, change: tuple[str, str], left: int
) -> None:
    sandbox.faults.set(WRONG_KEY)
    command_line.deliver(ndjson(track(1)), sandbox.base_url)
    with open_page(tmp_path, base_url=sandbox.base_url) as page:
        first, second = page.get("status").json()["lanes"]
        assert first["stopped"]
        assert second["stopped"]
        asyncio.run(stop_otherwise(tmp_path / "outbox.sqlite", second, second["error"].replace(*change)))
        page.post("lanes/resume", {"account": first["account"], "action": first["action"]})
        assert sum(lane["stopped"] for lane in page.get("status").json()["lanes"]) == left


def test_a_request_that_names_no_lane_is_refused(tmp_path: Path) -> None:
    bodies: list[Any] = [{}, {"account": "a"}, {"account": 1, "action": "track"}, [], "x" * 20_000]
    with open_page(tmp_path) as page:
        assert [page.post("lanes/resume", body).status_code for body in bodies] == [400] * len(bodies)
