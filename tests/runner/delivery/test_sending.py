"""What becomes of a batch by what the server says: tried again, halved, parked, or kept for when somebody has acted."""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kable_destination.definitions import ConfigurationError, CredentialsError, Destination, RetryableError
from kable_destination.destination import kable
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sandbox import Faults
from kable_destination.runner.sources.files import FileSource
from segment_events import ndjson, track
from virtual_run import HOUR, SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from kable_destination.runner.transports.contract import Transport
    from virtual_clock import VirtualClock
    from virtual_run import VirtualRun

NOWHERE = "http://127.0.0.1:1"
Answer = httpx.Response | RetryableError


@dataclass
class Script:
    """A transport that gives scripted answers, or no answer, and remembers when it was asked what."""

    answers: list[Answer]
    clock: VirtualClock | None = None
    requests: list[tuple[float, httpx.Request]] = field(default_factory=list)

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.clock is not None
        self.requests.append((self.clock.monotonic(), request))
        answer = self.answers.pop(0)
        if isinstance(answer, RetryableError):
            raise answer
        return answer

    def wrap(self, _: Transport, clock: VirtualClock) -> Script:
        """Stand in for the transport of a run."""
        self.clock = clock
        return self

    @property
    def moments(self) -> list[float]:
        """When requests were sent, in seconds since the run began."""
        return [moment for moment, _ in self.requests]


def send(folder: Path, *answers: Answer, events: int = 2, **options: Any) -> tuple[VirtualRun, Script, Setting]:
    """Deliver some events through scripted answers."""
    script = Script(list(answers))
    setting = Setting(folder, NOWHERE, wrap=script.wrap, **options)
    return setting.deliver(ndjson(*(track(number) for number in range(events)))), script, setting


def asked(value: str, **headers: str) -> httpx.Response:
    """Make a 503 that asks for patience."""
    return httpx.Response(503, headers={"Retry-After": value, **headers})


@pytest.mark.parametrize("durable", [True, False])
def test_every_attempt_carries_the_same_body(tmp_path: Path, durable: bool) -> None:
    failures: list[Answer] = [RetryableError("no answer"), *(httpx.Response(500) for _ in range(9))]
    run, script, _ = send(tmp_path, *failures, httpx.Response(200), durable=durable)
    assert (run.report.delivered, run.report.dead, run.report.unsent) == (2, 0, 0)
    assert len({request.content for _, request in script.requests}) == 1
    assert (len(script.requests), run.report.retries) == (11, 10)


def test_waits_are_random_and_grow_from_a_second_to_five_minutes(tmp_path: Path) -> None:
    waits = []
    for seed in range(5):
        _, script, _ = send(tmp_path, *(httpx.Response(500) for _ in range(14)), httpx.Response(200), seed=seed)
        waits.append([later - sooner for sooner, later in zip(script.moments, script.moments[1:], strict=False)])
        (tmp_path / "outbox.sqlite").unlink()
    assert all(1 <= wait <= 300 for row in waits for wait in row)
    assert all(row[0] <= 2 and row[-1] >= 150 for row in waits)
    assert len({row[8] for row in waits}) == 5


def test_patience_may_end_with_a_number_of_attempts(tmp_path: Path) -> None:
    patience = RetryPolicy(seconds=None, attempts=4)
    run, script, _ = send(tmp_path, *(httpx.Response(500) for _ in range(4)), policy=patience, durable=False, events=1)
    assert len(script.requests) == 4
    assert +run.report.dead_lettered == {"exhausted": 1}


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (asked("4"), 4),
        (asked("30"), 30),
        (asked("7200"), 7200),
        (asked("Wed, 04 Mar 2026 05:06:47 GMT"), 40),
        (asked("Wed, 04 Mar 2026 12:00:20 GMT", Date="Wed, 04 Mar 2026 12:00:00 GMT"), 20),
    ],
)
def test_retry_after_is_obeyed_and_never_earlier(tmp_path: Path, answer: httpx.Response, seconds: float) -> None:
    run, script, _ = send(tmp_path, answer, httpx.Response(200))
    assert run.report.delivered == 2
    assert seconds <= script.moments[1] <= seconds + 5


@pytest.mark.parametrize("value", ["soon", "-5", "1.5", "", "Wed, 99 Foo 2026", "٣"])
def test_a_retry_after_that_makes_no_sense_is_ignored(tmp_path: Path, value: str) -> None:
    answer = httpx.Response(503, headers=[(b"Retry-After", value.encode())])
    run, script, _ = send(tmp_path, answer, httpx.Response(200))
    assert run.report.delivered == 2
    assert script.moments[1] <= 5


@pytest.mark.parametrize("value", ["86401", "99999999999999999999", "Fri, 04 Mar 2050 05:06:47 GMT"])
def test_an_absurd_retry_after_parks_the_batch_for_a_day_and_says_so(tmp_path: Path, value: str) -> None:
    run, script, _ = send(tmp_path, asked(value), httpx.Response(200))
    (parked,) = run.happened("parked")
    assert (parked.events, parked.wait) == (2, 24 * HOUR)
    assert parked.asked > 24 * HOUR
    assert script.moments[1] - script.moments[0] == 24 * HOUR
    assert run.report.delivered == 2


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.parametrize("events", [1, 2, 5])
def test_what_is_refused_for_its_content_is_halved_until_each_stands_alone(
    tmp_path: Path, status: int, events: int
) -> None:
    answers = [httpx.Response(status, json={"message": "No, thank you."}) for _ in range(2 * events - 1)]
    run, script, setting = send(tmp_path, *answers, events=events)
    assert (len(script.requests), +run.report.dead_lettered) == (2 * events - 1, {"refused": events})
    assert [letter.origin.place for letter in setting.letters()] == list(range(1, events + 1))
    assert all("No, thank you." in letter.message for letter in setting.letters())
    assert {letter.status_code for letter in setting.letters()} == {status}


@pytest.mark.parametrize("document", [{"success": False}, {"error": "no"}, {"errors": ["no"]}, {"failed": 1}], ids=str)
def test_a_200_that_tells_of_a_failure_is_halved_like_any_refusal(tmp_path: Path, document: dict[str, Any]) -> None:
    told = httpx.Response(200, json={**document, "message": "No, thank you."})
    run, script, setting = send(tmp_path, told, httpx.Response(200), told, httpx.Response(200), told, events=4)
    assert len(script.requests) == 5
    assert (run.report.delivered, +run.report.dead_lettered) == (3, {"refused": 1})
    (letter,) = setting.letters()
    assert (letter.origin.place, letter.reason) == (4, "refused")
    assert "answered 200 and reports a failure: " in letter.message


@pytest.mark.parametrize("size", [2, 100, 500])
# Where all are bad, chance decides nothing.
@pytest.mark.parametrize(("culprits", "seed"), [*itertools.product((1, 3), range(3)), (None, 0)])
def test_bad_events_are_found_within_the_bound_and_the_good_ones_arrive(
    tmp_path: Path, sandbox: RunningSandbox, size: int, culprits: int | None, seed: int
) -> None:
    count = size if culprits is None else min(culprits, size)
    bad = {(seed * 31 + number * 37) % size for number in range(count)} if count < size else set(range(size))
    sandbox.faults.set(Faults.model_validate({"refuse": [{"field": "data.is_bad", "value": True}]}))
    setting = Setting(tmp_path, sandbox.base_url)
    run = setting.deliver(
        ndjson(*(track(number, properties={"units": 1, "is_bad": number in bad}) for number in range(size)))
    )
    assert sandbox.ledger.requests <= bound(size, len(bad))
    assert billed(sandbox) == {f"message-{number:06}" for number in range(size) if number not in bad}
    assert {letter.origin.place - 1 for letter in setting.letters()} == bad
    assert (run.report.delivered, run.report.dead_lettered["refused"]) == (size - len(bad), len(bad))


def bound(size: int, culprits: int) -> int:
    """Give the most requests that may be needed to find some culprits."""
    return min(2 * size - 1, culprits * 2 * math.ceil(math.log2(size)) + 1)


def billed(sandbox: RunningSandbox) -> set[str]:
    """Give the ids in the ledger, which holds each once."""
    ids = [event["transactionId"] for event in sandbox.ledger.events]
    assert len(ids) == len(set(ids))
    return set(ids)


def test_answers_that_name_events_are_honoured_by_index(tmp_path: Path, sandbox: RunningSandbox) -> None:
    sandbox.faults.set(
        Faults.model_validate({"refuse": [{"field": "data.units", "value": 3}], "results_per_event": True})
    )
    setting = Setting(tmp_path, sandbox.base_url)
    run = setting.deliver(ndjson(*(track(number) for number in range(8))))
    assert (sandbox.ledger.requests, run.report.delivered) == (1, 7)
    (letter,) = setting.letters()
    assert (letter.origin.place, letter.reason, letter.status_code) == (4, "refused", 400)


def results(*statuses: int | None) -> httpx.Response:
    """Make a 207 with a result for each event that has a status."""
    told = [{"index": index, "status": status} for index, status in enumerate(statuses) if status is not None]
    return httpx.Response(207, json={"results": told})


def test_only_what_an_answer_does_not_account_for_is_sent_again(tmp_path: Path) -> None:
    run, script, setting = send(tmp_path, results(200, None, 400, 503), httpx.Response(200), events=4)
    (_, first), (_, second) = script.requests
    assert [len(request.content.split(b"transactionId")) - 1 for request in (first, second)] == [4, 2]
    assert all(f"message-00000{number}".encode() in second.content for number in (1, 3))
    assert (run.report.delivered, +run.report.dead_lettered) == (3, {"refused": 1})
    assert [letter.origin.place for letter in setting.letters()] == [3]


@pytest.mark.parametrize(("status", "error"), [(401, CredentialsError), (403, CredentialsError)])
def test_wrong_credentials_stop_everything_once_keep_everything_and_go_on_when_they_are_right(
    tmp_path: Path, sandbox: RunningSandbox, status: int, error: type[Exception]
) -> None:
    data = ndjson(*(track(number) for number in range(60)))
    sandbox.faults.set(Faults.model_validate({"statuses": {str(status): 1}, "authenticate": status}))
    setting = Setting(tmp_path, sandbox.base_url, rules={"batch_size": 10})
    run = setting.deliver(data)
    assert isinstance(run.ended, error)
    assert len(run.happened("stopped")) == 1
    assert (run.report.delivered, run.report.dead, run.report.unsent, setting.queued()) == (0, 0, 60, 60)
    sandbox.faults.set(Faults())
    again = setting.deliver()
    assert (again.ended, again.report.earlier, len(billed(sandbox)), setting.queued()) == (None, 60, 60, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_a_firewall_that_dislikes_one_event_is_no_reason_to_stop(tmp_path: Path, status: int) -> None:
    """The authentication test succeeds, so the credentials are good, and the content is at fault."""
    good = httpx.Response(200)
    answers = [httpx.Response(status), good, good, httpx.Response(status), httpx.Response(status), good]
    run, script, setting = send(tmp_path, *answers, events=4)
    assert run.ended is None
    paths = [request.url.path for _, request in script.requests]
    assert [path.rpartition("/")[2] for path in paths] == ["create", "authenticate", *["create"] * 4]
    (letter,) = setting.letters()
    assert (letter.origin.place, letter.status_code, letter.reason) == (3, status, "refused")
    assert "though the credentials are good" in letter.message
    assert run.report.delivered == 3


def test_a_firewall_is_not_judged_while_the_authentication_test_gives_no_answer(tmp_path: Path) -> None:
    answers: Sequence[Answer] = [httpx.Response(403), httpx.Response(503), httpx.Response(200)]
    run, _, _ = send(tmp_path, *answers)
    assert (run.report.delivered, run.report.dead, run.ended) == (2, 0, None)


@pytest.mark.parametrize("status", [301, 302, 402, 404, 405, 410, 415, 418, 431, 451, 499])
def test_a_wrong_address_stops_the_lane_and_keeps_everything(tmp_path: Path, status: int) -> None:
    run, script, setting = send(tmp_path, httpx.Response(status, headers={"Location": "https://elsewhere.example"}))
    assert isinstance(run.ended, ConfigurationError)
    assert (len(script.requests), len(run.happened("stopped"))) == (1, 1)
    assert (run.report.unsent, setting.queued()) == (2, 2)


def test_an_end_in_the_middle_of_a_batch_forgets_nothing_that_was_answered(tmp_path: Path) -> None:
    """A list is halved, and the run is ended while its second half is under way: the first half is delivered."""
    path = tmp_path / "events.ndjson"
    path.write_bytes(ndjson(*(track(number) for number in range(4))))
    destination = Destination(kable, SETTINGS)

    class Hanging:
        """Refuses the whole list, takes the first half of it, and never answers again."""

        def __init__(self) -> None:
            self.requests = 0
            self.hangs = asyncio.Event()

        async def send(self, request: httpx.Request) -> httpx.Response:
            self.requests += 1
            if self.requests > 2:
                self.hangs.set()
                await asyncio.Event().wait()
            return httpx.Response(400 if self.requests == 1 else 200, request=request)

    async def run() -> tuple[int, int, int]:
        clock, report, transport = SystemClock(), RunReport(), Hanging()
        queue = open_queue("memory:", clock=clock)
        delivery = Delivery(destination, queue, transport, Rules(RetryPolicy(), grace=0), report=report, clock=clock)
        running = asyncio.create_task(delivery.run([FileSource(str(path))]))
        await transport.hangs.wait()
        delivery.interrupt()
        await asyncio.wait_for(running, timeout=20)
        return report.delivered, report.unsent, transport.requests

    assert asyncio.run(run()) == (2, 2, 3)
