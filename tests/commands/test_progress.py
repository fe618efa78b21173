"""The progress of a delivery in a real terminal, and what it says when nothing moves."""

from __future__ import annotations

import gzip
import re
from threading import Event
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.commands.progress import Movement, shown_reading
from kable_destination.runner.delivery.notices import Notice
from scripted_server import scripted_server
from segment_events import ndjson, track
from terminal import terminal

if TYPE_CHECKING:
    from command_line import CommandLine

EVENTS = ndjson(*(track(number) for number in range(3_000)))


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment


@pytest.mark.parametrize("name", ["events.ndjson", "events.ndjson.gz"])
@pytest.mark.parametrize("columns", [80, 120])
def test_a_file_has_bytes_rate_and_time_left(command_line: CommandLine, name: str, columns: int) -> None:
    content = gzip.compress(EVENTS) if name.endswith("gz") else EVENTS
    (command_line.folder / name).write_bytes(content)
    may_answer = Event()

    def answer(_: int) -> tuple[int, dict[str, str], bytes]:
        assert may_answer.wait(60)
        return 200, {}, b""

    with scripted_server(answer) as server:
        options = ("--base-url", server.base_url, "--planners", "0")
        with terminal(command_line, "deliver", name, *options, COLUMNS=str(columns)) as shown:
            shown.wait_for("3,000 read, 0 delivered, 0 dead")
            shown.wait_for(f"{len(content) / 1e3:.1f} kB read, ")
            shown.wait_for("B/s")
            shown.wait_for("waiting for an answer of 127.0.0.1")
            may_answer.set()
            assert shown.end() == 0
    for line in re.sub("\x1b\\[[0-9;?]*[A-Za-z]|\r", "\n", shown.shown).splitlines():
        assert len(line) <= columns, line


def test_bytes_rate_and_time_left_add_up() -> None:
    assert shown_reading(0, 5_000_000, 1.0) == "0 B of 5.0 MB, 0 B/s, time left unknown"
    assert shown_reading(1_000_000, 5_000_000, 2.0) == "1.0 MB of 5.0 MB, 500.0 kB/s, 0:08 left"
    assert shown_reading(10**9, 4_601 * 10**9, 1.0) == "1.0 GB of 4,601.0 GB, 1.0 GB/s, 1:16:40 left"
    assert shown_reading(5_000_000, 5_000_000, 2.0) == "5.0 MB read, 2.5 MB/s"


def test_the_reason_is_shown_when_nothing_moves(command_line: CommandLine) -> None:
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(1)))
    with scripted_server(lambda _: (503, {"Retry-After": "60"}, b"")) as server:
        options = ("--base-url", server.base_url, "--wait", "90")
        with terminal(command_line, "deliver", "events.ndjson", *options) as shown:
            shown.wait_for("503")
            shown.wait_for("next attempt in ")
            shown.type("\x03")
            assert shown.end() == 130


def test_without_a_terminal_or_if_quiet_nothing_is_drawn(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (200, {}, b"")) as server:
        run = command_line.deliver(ndjson(track(1)), server.base_url)
        assert (run.code, run.err) == (0, "")
        with terminal(command_line, "deliver", "events.ndjson", "-q", "--base-url", server.base_url) as shown:
            assert shown.end() == 0
        assert shown.shown == ""


def test_what_keeps_a_delivery_is_told_until_it_moves_again() -> None:
    now = Hand()
    movement = Movement("api.example.com", now)
    assert movement.why_not() == ""
    now.moment += 4
    assert movement.why_not() == "waiting for more input for 4 s"
    movement.observe(Notice(kind="accepted", events=10))
    assert movement.why_not() == ""
    now.moment += 4
    assert movement.why_not() == "waiting for an answer of api.example.com for 4 s"
    movement.observe(Notice(kind="postponed", events=10, error="503 Service Unavailable", wait=30))
    assert movement.why_not() == "503 Service Unavailable; next attempt in 30 s"
    now.moment += 31
    assert movement.why_not() == "503 Service Unavailable"
    movement.observe(Notice(kind="delivered", events=10))
    assert movement.why_not() == ""
    movement.observe(Notice(kind="full", error="the disk is full"))
    assert movement.why_not() == "the outbox accepts no more events: the disk is full"
    movement.observe(Notice(kind="room"))
    assert movement.why_not() == ""
