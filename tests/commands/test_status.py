"""`status`, as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine


def test_status_tells_what_waits_and_what_went_wrong(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (503, {"Retry-After": "3600"}, b"")) as server:
        run = command_line.deliver(ndjson(*(track(number) for number in range(7))), server.base_url)
    assert run.code == 1
    human = command_line("status")
    assert "outbox.sqlite: 7 queued, 0 of them being sent · 0 dead letters" in human.out
    assert "the next is due in" in human.out
    assert "503" in human.out
    (lane,) = [lane for lane in json.loads(command_line("status", "--json").out)["lanes"] if lane["queued"]]
    assert (lane["queued"], lane["leased"], lane["batches"], lane["stopped"]) == (7, 0, 1, False)


def test_status_tells_that_a_lane_has_stopped(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (401, {}, b"")) as server:
        assert command_line.deliver(ndjson(track(1)), server.base_url).code == 3
    assert "stopped: fix the cause, then run deliver again" in command_line("status").out


def test_without_an_outbox_it_says_so(command_line: CommandLine) -> None:
    run = command_line("status")
    assert run.code == 2
    assert "there is no outbox at outbox.sqlite; deliver makes one" in run.err
    assert list(command_line.folder.iterdir()) == []
