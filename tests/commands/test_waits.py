"""Waits, as a user sees them: what is due later is sent at once if the user says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

BUSY = (503, {"Retry-After": "3600"}, b"")


@pytest.mark.parametrize("command", [("deliver", "--now"), ("dead-letters", "replay")])
def test_delayed_events_are_sent_at_once(command_line: CommandLine, command: tuple[str, ...]) -> None:
    is_well = False
    with scripted_server(lambda _: (200, {}, b"") if is_well else BUSY) as server:
        options = ("--base-url", server.base_url)
        assert command_line.deliver(ndjson(*map(track, range(3))), server.base_url, "--wait", "0").code == 1
        is_well = True
        before = len(server.requests)
        assert command_line("deliver", "--wait", "0", *options).code == 1
        assert len(server.requests) == before, "the server asked for an hour"
        run = command_line(*command, *options)
        assert run.code == 0, run.err
        assert len(server.requests) == before + 1
    (lane,) = [lane for lane in json.loads(command_line("status", "--json").out)["lanes"] if lane["delivered"]]
    assert (lane["delivered"], lane["queued"], lane["paused_until"]) == (3, 0, None)


def test_a_lane_that_is_busy_again_waits_again(command_line: CommandLine) -> None:
    """`--now` is for what waits when the run begins. The run asks the server once, and keeps to its answer."""
    with scripted_server(lambda _: BUSY) as server:
        command_line.deliver(ndjson(track(1)), server.base_url, "--wait", "0")
        before = len(server.requests)
        run = command_line("deliver", "--now", "--wait", "0", "--base-url", server.base_url)
        assert (run.code, len(server.requests)) == (1, before + 1)
