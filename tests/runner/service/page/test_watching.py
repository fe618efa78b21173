"""What the page shows of a delivery: its state, and live figures, of this process or of another one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.delivery.notices import Notice
from kable_destination.runner.service.page.figures import Figures, latency_of
from kable_destination.runner.service.page.live import MOST_STREAMS, LiveFigures
from open_page import MARK, open_page
from running_service import running_service, until
from segment_events import ndjson, track
from virtual_clock import VirtualClock
from virtual_run import START
from watched_page import watched_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox


def first_with(messages: Iterator[dict[str, Any]], is_enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first message with something in it. There is one a second, so this cannot take long."""
    return next(message for _, message in zip(range(30), messages, strict=False) if is_enough(message))


def test_the_status_has_lanes_dead_letters_and_limits(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with watched_page(tmp_path, sandbox) as page:
        page.refused(1)
        page.service.post("/v1/track", track(2))
        page.service.delivered(1)
        found = until(page.status, lambda found: bool(found["lanes"] and found["lanes"][0]["delivered"]))
    lane = found["lanes"][0]
    assert (lane["action"], lane["delivered"], lane["queued"], lane["stopped"]) == ("track", 1, 0, False)
    assert (lane["environment"], lane["isLive"], lane["isSentHere"]) == ("Test", False, True)
    assert CLIENT_ID in lane["account"]
    assert lane["error"]
    assert found["dead"] == {"refused": 1}
    assert found["name"].endswith("outbox.sqlite")
    assert found["bytes"] > 0
    assert API_KEY not in json.dumps(found)


def test_live_figures_of_this_process_change_with_its_events(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with watched_page(tmp_path, sandbox) as page, closing(page.live()) as messages:
        assert next(messages)["perSecond"] == {"accepted": 0, "delivered": 0, "dead": 0}
        page.refuse_bad()
        for number in range(5):
            page.service.post("/v1/track", track(number))
        message = first_with(messages, lambda message: message["perSecond"]["delivered"] > 0)
        assert message["latency"]["p95"] >= message["latency"]["p50"] > 0
        assert message["recent"][0]["outcome"] == "delivered"
        assert message["recent"][0]["status"] == 200
        assert msgspec.convert(message, LiveFigures).per_second.delivered > 0
        page.refused(9)
        message = first_with(messages, lambda message: message["dead"] == 1)
        assert "failed" in {outcome["outcome"] for outcome in message["recent"]}


def test_live_figures_of_another_process_are_read_from_the_queue(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with ExitStack() as stack:
        service = stack.enter_context(running_service(tmp_path, sandbox))
        page = stack.enter_context(open_page(tmp_path, base_url=sandbox.base_url))
        answer = stack.enter_context(page.client.stream("GET", "/page/api/live"))
        lines = (line for line in answer.iter_lines() if line.startswith("data:"))
        messages = (json.loads(line.removeprefix("data:")) for line in lines)
        first = next(messages)
        assert (first["latency"], first["retries"], first["recent"]) == (None, None, [])
        for number in range(3):
            service.post("/v1/track", track(number))
        message = first_with(messages, lambda message: message["perSecond"]["delivered"] > 0)
        assert message["recent"][0]["outcome"] == "delivered"
        assert message["recent"][0]["events"] > 0
        (lane,) = page.get("status").json()["lanes"]
        assert lane["isSentHere"] is False


def test_the_page_alone_makes_no_outbox_by_looking(tmp_path: Path) -> None:
    with open_page(tmp_path) as page:
        for path in ("status", "live", "dead-letters", "dead-letters/1"):
            answer = page.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_outbox")
        for path, body in (
            ("lanes/resume", {"account": "a", "action": "track"}),
            ("dead-letters/replay", {"ids": [1]}),
            ("dead-letters/discard", {"ids": [1]}),
        ):
            answer = page.post(path, body)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_outbox")
    assert [path.name for path in tmp_path.iterdir()] == ["kable.toml"]


def test_an_outbox_that_is_turned_off_or_damaged_is_explained(tmp_path: Path) -> None:
    configuration = f'[settings]\nkableClientId = "{CLIENT_ID}"\n[delivery]\noutbox = false\n'
    with open_page(tmp_path, configuration=configuration, outbox=None) as page:
        assert "turned off" in page.get("status").json()["message"]
    (tmp_path / "outbox.sqlite").write_bytes(b"not a database" * 100)
    with open_page(tmp_path) as page:
        answer = page.get("status")
        assert (answer.status_code, answer.json()["code"]) == (409, "outbox_unusable")


def test_damage_that_shows_when_a_row_is_read_is_explained(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    command_line.deliver(ndjson(track(1, userId=None, anonymousId=None)), sandbox.base_url)
    file = tmp_path / "outbox.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
        roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'dead_letters'").fetchall()
    content = bytearray(file.read_bytes())
    for (root,) in roots:
        content[(root - 1) * size : root * size] = b"\xee" * size
    file.write_bytes(content)
    with open_page(tmp_path, base_url=sandbox.base_url) as page:
        for path in ("status", "live", "dead-letters", "dead-letters/1"):
            answer = page.get(path)
            assert (answer.status_code, answer.json()["code"]) == (409, "outbox_unusable")
            assert "malformed" in answer.json()["message"]


def test_the_page_alone_replays_into_an_outbox_that_the_next_delivery_empties(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    command_line.deliver(ndjson(track(1, userId=None, anonymousId=None), track(2)), sandbox.base_url)
    assert len(sandbox.ledger.events) == 1
    with open_page(tmp_path, base_url=sandbox.base_url) as page:
        (letter,) = page.get("dead-letters").json()["letters"]
        assert letter["reason"] == "rejected"
        shown = page.get(f"dead-letters/{letter['id']}").json()
        assert (shown["request"], shown["problems"][0]["place"]) == (None, "clientId")
        body = {"id": letter["id"], "event": json.dumps(track(1))}
        done = page.post("dead-letters/replay", body).json()
        assert done["message"] == "1 event is queued; the next delivery sends it."
    command_line("deliver", "--base-url", sandbox.base_url)
    assert len(sandbox.ledger.events) == 2


def test_only_a_few_watch_at_once_and_one_who_goes_makes_room(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with watched_page(tmp_path, sandbox) as page, ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=page.service.running.base_url, headers=MARK, timeout=30))
            for _ in range(MOST_STREAMS)
        ]
        streams = [stack.enter_context(client.stream("GET", "/page/api/live")) for client in clients]
        assert [stream.status_code for stream in streams] == [200] * MOST_STREAMS
        refused = page.get("live")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        assert int(refused.headers["Retry-After"]) > 0
        streams[0].close()

        def status() -> int:
            with page.client.stream("GET", "/page/api/live") as stream:
                return stream.status_code

        until(status, lambda found: found == 200)


def test_a_live_view_ends_with_the_service(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(headers=MARK, timeout=30))
        with watched_page(tmp_path, sandbox) as page:
            url = f"{page.service.running.base_url}/page/api/live"
            answer = stack.enter_context(client.stream("GET", url))
            lines = answer.iter_lines()
            assert next(lines).startswith("data:")
        # The service has ended, and its last word was the end of the stream.
        assert [line for line in lines if line and not line.startswith("data:")] == []


def test_retries_and_stops_are_counted() -> None:
    clock = VirtualClock(START)
    figures = Figures(clock)
    for notice in (
        Notice(kind="accepted", events=10),
        Notice(kind="attempted", events=10, attempt=1, status=503, seconds=0.5, error="busy"),
        Notice(kind="attempted", events=10, attempt=2, status=200, seconds=0.1),
        Notice(kind="delivered", events=10),
        Notice(kind="dead", reason="rejected", error="no ID"),
        Notice(kind="dead", reason="refused", error="no"),
        Notice(kind="stopped", error="wrong key"),
    ):
        figures.observer(notice)
        clock.set(clock.now() + timedelta(seconds=1))
    totals = figures.totals
    assert (totals.accepted, totals.delivered, totals.dead, totals.retries) == (10, 10, 2, 1)
    assert [outcome.outcome for outcome in figures.outcomes] == ["stopped", "rejected", "delivered", "failed"]
    latency = figures.latency()
    assert latency is not None
    assert (latency.p50, latency.p95) == (0.1, 0.5)


def test_a_failure_shows_among_thousands_of_deliveries() -> None:
    figures = Figures(VirtualClock(START))
    figures.observer(Notice(kind="attempted", events=1, attempt=1, status=400, error="no"))
    for _ in range(1_000):
        figures.observer(Notice(kind="attempted", events=1, attempt=1, status=200))
    outcomes = [outcome.outcome for outcome in figures.outcomes]
    assert (outcomes.count("failed"), outcomes.count("delivered")) == (1, 25)


def test_percentiles_are_of_the_values_that_there_are() -> None:
    assert latency_of([]) is None
    hundred = latency_of([number / 100 for number in range(1, 101)])
    assert hundred is not None
    assert (hundred.p50, hundred.p95) == (0.5, 0.95)
    assert latency_of([0.3]) == latency_of([0.3, 0.3])
