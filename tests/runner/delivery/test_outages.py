"""Outages: servers down for days, connections that die, disks that are full. Nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import ConfigurationError, RetryableError, StoppedError
from kable_destination.runner.sandbox import Faults
from segment_events import ndjson, track
from virtual_run import HOUR, Setting

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from kable_destination.runner.transports.contract import Transport
    from virtual_clock import VirtualClock

EVENTS = 1_000
BATCH = 500
"""As many events as one request may carry."""
EVERYTHING = ndjson(*(track(number) for number in range(EVENTS)))
ALL_IDS = Counter(f"message-{number:06}" for number in range(EVENTS))


@dataclass
class Down:
    """A way to a server that cannot be reached for so many hours, from the start of the clock on."""

    hours: float
    transport: Transport | None = None
    clock: VirtualClock | None = None
    attempts: int = 0

    def wrap(self, transport: Transport, clock: VirtualClock) -> Down:
        """Stand before the transport of a run."""
        self.transport, self.clock = transport, clock
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.transport is not None
        assert self.clock is not None
        if self.clock.monotonic() < self.hours * HOUR:
            self.attempts += 1
            raise RetryableError("the connection was refused")
        return await self.transport.send(request)


@dataclass
class Measuring:
    """A way on which the size of each answer is noted, as far as it was read."""

    transport: Transport | None = None
    sizes: list[int] = field(default_factory=list)

    def wrap(self, transport: Transport, _: VirtualClock) -> Measuring:
        """Stand before the transport of a run."""
        self.transport = transport
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.transport is not None
        response = await self.transport.send(request)
        self.sizes.append(len(response.content))
        return response


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event stands in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


def test_with_segments_own_rate_of_failures_everything_arrives(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """6.64 % of the first attempts fail in Segment's public example, where 99.28 % arrive in the end."""
    kinds = {"500": 0.0166, "502": 0.0166, "503": 0.0166, "504": 0.0166}
    sandbox.faults.set(Faults(statuses=kinds, seed=664))
    setting = Setting(tmp_path, sandbox.base_url, rules={"batch_size": 1, "concurrency": 16})
    run = setting.deliver(ndjson(*(track(number) for number in range(BATCH))))
    failed = sum(count for what, count in sandbox.faults.document()["happened"].items() if what != "ok")
    assert 20 < failed < 60, "so many that the run means something"
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(BATCH))
    assert (run.report.delivered, run.report.dead, run.report.unsent) == (BATCH, 0, 0)


def test_a_run_that_does_not_wait_soon_sees_that_a_server_is_down(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """One batch is tried again after short waits, and of the others each is tried once."""
    down = Down(1)
    setting = Setting(tmp_path, sandbox.base_url, wrap=down.wrap, rules={"longest_wait": 0.0, "batch_size": 10})
    run = setting.deliver(EVERYTHING)
    batches = EVENTS // 10
    assert (run.report.delivered, run.report.dead, setting.queued()) == (0, 0, EVENTS)
    assert batches <= down.attempts <= batches + 4 * 3
    assert run.seconds < 20


@pytest.mark.parametrize(("hours", "batches"), [(6, 2), (24, 1), (71, 1)])
def test_what_waits_through_an_outage_arrives(
    tmp_path: Path, sandbox: RunningSandbox, hours: float, batches: int
) -> None:
    """A server may be down for almost three days."""
    down = Down(hours)
    events = batches * BATCH
    run = Setting(tmp_path, sandbox.base_url, wrap=down.wrap).deliver(
        ndjson(*(track(number) for number in range(events)))
    )
    assert sum(billed(sandbox).values()) == len(billed(sandbox)) == events
    assert (run.report.delivered, run.report.dead, run.report.unsent) == (events, 0, 0)
    assert sandbox.ledger.requests == batches
    assert run.seconds >= hours * HOUR
    assert down.attempts < batches * hours * 3600 / 150 + 100, "each batch is tried once in two to five minutes"


def test_after_three_days_everything_is_a_dead_letter_that_replays(
    tmp_path: Path, sandbox: RunningSandbox, command_line: CommandLine
) -> None:
    """The letters tell what happened, and the next command sends them, each once."""
    setting = Setting(tmp_path, sandbox.base_url, wrap=Down(73).wrap)
    run = setting.deliver(ndjson(*(track(number) for number in range(BATCH))))
    assert (run.report.delivered, run.report.dead, run.report.unsent) == (0, BATCH, 0)
    assert {(letter.reason, letter.message) for letter in setting.letters()} == {
        ("exhausted", "the connection was refused")
    }
    assert run.seconds < 72.2 * HOUR
    replay = command_line("dead-letters", "replay", "--base-url", sandbox.base_url)
    assert replay.code == 0, replay.err
    assert sum(billed(sandbox).values()) == len(billed(sandbox)) == BATCH
    assert sandbox.ledger.requests == 1
    again = command_line("dead-letters", "replay", "--base-url", sandbox.base_url)
    assert again.out == "no dead letters to replay\n"
    assert (sandbox.ledger.requests, setting.letters(), setting.queued()) == (1, [], 0)


@pytest.mark.parametrize("fault", ["hang_up_after", "truncated"])
def test_what_was_accepted_before_the_connection_died_is_billed_once(
    tmp_path: Path, sandbox: RunningSandbox, fault: str
) -> None:
    """Nobody can know that it arrived: it is sent again, and discarded there as a duplicate."""
    sandbox.faults.set(Faults.model_validate({"script": [fault]}))
    run = Setting(tmp_path, sandbox.base_url).deliver(ndjson(track(1)))
    assert billed(sandbox) == Counter(["message-000001"])
    assert sandbox.ledger.duplicates == 1
    assert (run.report.delivered, run.report.requests, run.report.retries) == (1, 2, 1)


def test_a_full_disk_stops_what_comes_in_and_loses_nothing(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Nothing drains while the server is down; the next run, with room, takes up the file where it stopped."""
    many = 20_000
    sandbox.faults.set(Faults(statuses={"503": 1.0}))
    everything = ndjson(*(track(number) for number in range(many)))
    full = Setting(tmp_path, sandbox.base_url, limit_bytes=2_000_000, rules={"longest_wait": 1.0})
    run = full.deliver(everything)
    assert type(run.ended) is StoppedError
    assert "the outbox accepts no more events: " in str(run.ended)
    assert "no more than 2,000,000 may be" in str(run.ended)
    assert "make room and run again" in str(run.ended)
    kept = full.queued()
    assert 500 <= kept < many
    assert (run.report.delivered, run.report.dead) == (0, 0)
    sandbox.faults.set(Faults())
    roomy = Setting(tmp_path, sandbox.base_url, started_hours=1)
    run = roomy.deliver(everything)
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(many))
    assert sandbox.ledger.duplicates == 0
    assert (roomy.queued(), roomy.letters()) == (0, [])


def test_a_full_disk_makes_a_run_wait_until_there_is_room(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """What is delivered makes room, and the run goes on by itself."""
    many = 20_000
    sandbox.faults.set(Faults(script=("503",)))  # so that more comes in than goes out
    setting = Setting(tmp_path, sandbox.base_url, limit_bytes=1_000_000)
    run = setting.deliver(ndjson(*(track(number) for number in range(many))))
    assert run.happened("full")
    assert run.happened("room")
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(many))
    assert (run.ended, run.report.delivered) == (None, many)


@dataclass
class Locking:
    """A way on which another program locks the outbox before the first answer, for some seconds."""

    answer: httpx.Response | None = None
    seconds: float = 10
    setting: Setting | None = None
    transport: Transport | None = None
    clock: VirtualClock | None = None
    unlocking: asyncio.Task[None] | None = None

    def wrap(self, transport: Transport, clock: VirtualClock) -> Locking:
        """Stand before the transport of a run."""
        self.transport, self.clock = transport, clock
        return self

    async def send(self, request: httpx.Request) -> httpx.Response:
        assert self.transport is not None
        assert self.setting is not None
        if self.unlocking is None:
            other = sqlite3.connect(self.setting.outbox, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            self.unlocking = asyncio.create_task(self.unlock(other))
            if self.answer is not None:
                return self.answer
        return await self.transport.send(request)

    async def unlock(self, other: sqlite3.Connection) -> None:
        """Hold the lock for a while, then let go."""
        assert self.clock is not None
        await self.clock.sleep(self.seconds)
        other.close()


@pytest.mark.parametrize("answer", [None, httpx.Response(500, headers={"Retry-After": "8"})])
def test_an_outbox_that_another_program_has_locked_is_waited_for(
    tmp_path: Path, sandbox: RunningSandbox, answer: httpx.Response | None
) -> None:
    """It is said once, whatever wants to write; when the file is free, the run goes on by itself."""
    many = 20_000
    locking = Locking(answer)
    setting = Setting(tmp_path, sandbox.base_url, wrap=locking.wrap, busy_seconds=0.01)
    locking.setting = setting
    run = setting.deliver(ndjson(*(track(number) for number in range(many))))
    assert [notice.error for notice in run.happened("full")] == [
        "another program has it to itself (database is locked)"
    ]
    assert len(run.happened("room")) == 1
    assert run.seconds >= 10
    assert (run.ended, run.report.delivered) == (None, many)
    assert billed(sandbox) == Counter(f"message-{number:06}" for number in range(many))
    assert (sandbox.ledger.duplicates, setting.queued()) == (0, 0)


def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """The wait is bounded, and silence is no delivery."""
    sandbox.faults.set(Faults(script=("silent", "silent")))
    run = Setting(tmp_path, sandbox.base_url, timeout=0.1).deliver(ndjson(track(1)))
    assert (run.report.delivered, run.report.requests) == (1, 3)
    assert ["did not answer in time" in notice.error for notice in run.happened("attempted")] == [
        True,
        True,
        False,
    ]
    assert billed(sandbox) == Counter(["message-000001"])


def test_an_answer_of_ten_megabytes_is_neither_read_nor_believed(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """It says 200, but it is no answer that Kable gives: the events are sent again."""
    sandbox.faults.set(Faults(script=("huge",)))
    measuring = Measuring()
    run = Setting(tmp_path, sandbox.base_url, wrap=measuring.wrap).deliver(ndjson(track(1)))
    assert measuring.sizes == [65_536, measuring.sizes[1]]
    assert measuring.sizes[1] < 1_000
    assert (run.report.delivered, run.report.requests) == (1, 2)
    assert billed(sandbox) == Counter(["message-000001"])


def test_a_redirect_loop_is_not_followed(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Secrets would go where it points to. The lane stops, everything is kept, and arrives in the end."""
    sandbox.faults.set(Faults(kinds={"redirect": 1.0}))
    setting = Setting(tmp_path, sandbox.base_url)
    run = setting.deliver(ndjson(track(1), track(2)))
    assert type(run.ended) is ConfigurationError
    assert "307" in str(run.ended)
    assert sandbox.ledger.requests == 1
    assert (run.report.delivered, run.report.unsent, setting.queued()) == (0, 2, 2)
    sandbox.faults.set(Faults())
    setting.deliver()
    assert billed(sandbox) == Counter(["message-000001", "message-000002"])


def test_a_slow_server_is_waited_for(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Late is not never."""
    sandbox.faults.set(Faults(latency=0.05))
    run = Setting(tmp_path, sandbox.base_url, timeout=5, rules={"batch_size": 100}).deliver(EVERYTHING)
    assert (run.report.delivered, run.report.requests, run.report.retries) == (EVENTS, 10, 0)
    assert billed(sandbox) == ALL_IDS


def test_taking_up_a_file_never_forgets_how_far_it_was_accepted(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Whatever ends the run while what was accepted is skipped: an event without an id would be taken twice."""
    everything = ndjson(*(track(number) for number in range(20_000)))
    setting = Setting(tmp_path, sandbox.base_url)
    setting.deliver(everything)
    with sqlite3.connect(setting.outbox) as connection:
        connection.execute(
            "CREATE TRIGGER forward BEFORE INSERT ON checkpoints"
            " WHEN EXISTS (SELECT 1 FROM checkpoints WHERE key = NEW.key"
            " AND json_extract(CAST(state AS TEXT), '$.line') > json_extract(CAST(NEW.state AS TEXT), '$.line'))"
            " BEGIN SELECT RAISE(ABORT, 'the checkpoint went back'); END"
        )
    connection.close()
    run = setting.deliver(everything + ndjson(track(20_000)))
    assert (run.report.delivered, sandbox.ledger.duplicates) == (1, 0)
