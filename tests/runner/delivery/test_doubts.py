"""A 4xx that says nothing about the content: it stops the lane, unless another batch gets through meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import ConfigurationError, StoppedError, UnexpectedAnswerError
from scripted_server import scripted_server
from segment_events import ndjson, track
from virtual_run import Setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.transports.contract import Transport
    from virtual_clock import VirtualClock
    from virtual_run import VirtualRun


@dataclass
class Server:
    """Answers each request with the status that a function gives for its number and the numbers of its events."""

    answer: Callable[[int, set[int]], int]
    requests: list[set[int]] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)

    def wrap(self, _: Transport, __: VirtualClock) -> Server:
        """Stand in for the transport of a run."""
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        number, events = len(self.requests), events_of(request.content)
        self.requests.append(events)
        status = self.answer(number, events)
        await asyncio.sleep(0)
        if status == 200:
            self.delivered += events
        return httpx.Response(status, request=request)


def events_of(body: bytes) -> set[int]:
    """Give the numbers of the events that a body holds."""
    return {int(part[:6]) for part in body.split(b'"message-')[1:]}


def deliver(
    folder: Path, answer: Callable[[int, set[int]], int], *, events: int, batch: int, concurrency: int = 4
) -> tuple[VirtualRun, Server, Setting]:
    """Deliver some events to such a server."""
    server = Server(answer)
    rules = {"batch_size": batch, "concurrency": concurrency}
    setting = Setting(folder, "http://127.0.0.1:1", wrap=server.wrap, rules=rules)
    return setting.deliver(ndjson(*(track(number) for number in range(events)))), server, setting


STATUSES = [402, 404, 405, 406, 410, 415, 418, 431, 451, 499]


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_that_every_batch_gets_stops_the_lane_and_no_event_is_dead(
    tmp_path: Path, status: int, concurrency: int
) -> None:
    run, server, setting = deliver(tmp_path, lambda *_: status, events=300, batch=10, concurrency=concurrency)
    assert isinstance(run.ended, ConfigurationError)
    assert (run.report.dead, run.report.unsent, setting.queued()) == (0, 300, 300)
    assert len(server.requests) <= 4


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("culprit", [0, 57, 99])
@pytest.mark.parametrize("status", [404, 431, 451])
def test_an_event_that_alone_gets_it_is_dead_and_the_others_arrive(
    tmp_path: Path, status: int, culprit: int, concurrency: int
) -> None:
    run, server, setting = deliver(
        tmp_path,
        lambda _, numbers: status if culprit in numbers else 200,
        events=100,
        batch=10,
        concurrency=concurrency,
    )
    assert run.ended is None
    assert sorted(server.delivered) == [number for number in range(100) if number != culprit]
    (letter,) = setting.letters()
    assert (letter.origin.place, letter.status_code, letter.reason) == (culprit + 1, status, "refused")
    assert "though other batches get through" in letter.message


@pytest.mark.parametrize("culprits", [{0}, {57}, {99}, {0, 57}, {3, 50, 98}])
def test_a_single_batch_shows_by_one_of_its_events_that_others_are_at_fault(tmp_path: Path, culprits: set[int]) -> None:
    """There is no other batch that could show it, and the good events stayed queued until new ones came."""
    run, server, setting = deliver(
        tmp_path, lambda _, numbers: 431 if culprits & numbers else 200, events=100, batch=100, concurrency=1
    )
    assert (run.ended, setting.queued()) == (None, 0)
    assert {letter.origin.place - 1 for letter in setting.letters()} == culprits
    assert sorted(server.delivered) == sorted(set(range(100)) - culprits)


@pytest.mark.parametrize("events", [1, 2, 100])
def test_a_single_batch_of_which_nothing_gets_through_stops_the_lane_soon(tmp_path: Path, events: int) -> None:
    run, server, setting = deliver(tmp_path, lambda *_: 451, events=events, batch=100)
    assert isinstance(run.ended, ConfigurationError)
    assert (run.report.dead, setting.queued(), setting.letters()) == (0, events, [])
    assert len(server.requests) <= 3


@pytest.mark.parametrize("batch", [1, 10])
def test_many_events_that_get_it_among_good_ones_do_not_stop_the_lane(tmp_path: Path, batch: int) -> None:
    bad = set(range(0, 120, 12))
    run, server, setting = deliver(
        tmp_path, lambda _, numbers: 431 if bad & numbers else 200, events=120, batch=batch, concurrency=8
    )
    if run.ended is None:
        assert {letter.origin.place - 1 for letter in setting.letters()} == bad
        assert len(server.delivered) == 110
    else:
        # Each batch of ten or more of these holds a bad event: nothing gets through that could show it.
        assert batch == 10
        assert run.report.dead == 0


def test_an_address_that_is_wrong_from_some_moment_costs_no_event(tmp_path: Path) -> None:
    """Successes from before prove nothing about later responses."""
    run, server, setting = deliver(
        tmp_path, lambda number, _: 200 if number < 8 else 410, events=400, batch=10, concurrency=4
    )
    assert isinstance(run.ended, ConfigurationError)
    assert (run.report.dead, setting.letters()) == (0, [])
    assert len(server.delivered) == run.report.delivered == 80
    assert setting.queued() == 320


def test_a_status_that_passes_costs_no_event(tmp_path: Path) -> None:
    """While a server is replaced, one request meets the wrong one: it is sent again when others get through."""
    run, server, _ = deliver(tmp_path, lambda number, _: 404 if number == 3 else 200, events=200, batch=10)
    assert (run.ended, run.report.delivered, run.report.dead) == (None, 200, 0)
    assert len(server.requests) == 21


@pytest.mark.parametrize("status", [423, 425, 500, 501, 505, 507, 511, 520, 599])
def test_a_status_of_the_server_is_tried_again(tmp_path: Path, status: int) -> None:
    run, _, _ = deliver(tmp_path, lambda number, _: status if number < 3 else 200, events=20, batch=10)
    assert (run.ended, run.report.delivered, run.report.dead) == (None, 20, 0)


@pytest.mark.parametrize("status", [600, 777, 999])
def test_a_status_that_http_does_not_know_stops_the_lane(tmp_path: Path, status: int) -> None:
    run, _, setting = deliver(tmp_path, lambda *_: status, events=30, batch=10)
    assert isinstance(run.ended, UnexpectedAnswerError)
    assert isinstance(run.ended, StoppedError)
    assert (run.report.dead, setting.queued()) == (0, 30)


def test_the_next_run_sends_what_a_stopped_one_has_left(tmp_path: Path) -> None:
    _, _, setting = deliver(tmp_path, lambda *_: 431, events=50, batch=10)
    assert setting.queued() == 50
    server = Server(lambda *_: 200)
    setting.wrap = server.wrap
    again = setting.deliver()
    assert (again.ended, sorted(server.delivered), setting.queued()) == (None, list(range(50)), 0)


def test_over_a_socket_431_stops_with_2_and_keeps_everything(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (431, {}, b"")) as server:
        run = command_line.deliver(ndjson(*(track(number) for number in range(25))), server.base_url)
    assert (run.code, run.report["unsent"], run.letters) == (2, 25, [])
    assert "answered 431" in run.err
