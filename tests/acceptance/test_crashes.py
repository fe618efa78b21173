"""Processes that are killed, that share an outbox, whose disk is full: the ledger has every event once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.sandbox import Faults
from postgres_server import require_postgres, shared_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

RUNS = range(int(os.environ.get("KABLE_KILLS", "4")))
EVENTS = 10_000
FILE_BYTES = 2_000_000
BOUNDED = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({FILE_BYTES}, {FILE_BYTES}))"
LONGEST = 0.5
"""Seconds within which an undisturbed run of so many events is over."""


@pytest.fixture(params=["sqlite", "postgres"], autouse=True)
def engine(request: pytest.FixtureRequest, command_line: CommandLine) -> str:
    """The engine of the outbox of all commands in a test."""
    engine: str = request.param
    if engine == "postgres":
        require_postgres()
        command_line.environment["KABLE_OUTBOX"] = shared_server().outbox(command_line.folder)
    return engine


def has_begun(engine: str, command_line: CommandLine) -> bool:
    """Return whether there is an outbox."""
    if engine == "sqlite":
        return bool(list(command_line.folder.glob("outbox.sqlite*")))
    return shared_server().has_outbox(command_line.folder)


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event stands in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


def ids(count: int) -> Counter[str]:
    """Name so many events, each once."""
    return Counter(f"message-{number:06}" for number in range(count))


@pytest.mark.parametrize("seed", RUNS)
def test_a_killed_run_is_taken_up_by_the_next(
    command_line: CommandLine, sandbox: RunningSandbox, engine: str, seed: int
) -> None:
    """The moments of the kills are random; no step by hand is needed, and no event is lost or billed twice."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(EVENTS))))
    arguments = ("events.ndjson", "--base-url", sandbox.base_url, "--batch-size", str(dice.choice((20, 100, 500))))
    for _ in range(dice.randint(1, 3)):
        process = command_line.start("deliver", *arguments)
        with process:
            while process.poll() is None and not has_begun(engine, command_line):
                time.sleep(0.001)
            time.sleep(dice.uniform(0, LONGEST))
            process.kill()
    run = command_line("deliver", *arguments)
    print(f"seed {seed}: {sandbox.ledger.requests} requests, {sandbox.ledger.duplicates} sent again")  # noqa: T201
    assert run.code == 0, run.err
    assert billed(sandbox) == ids(EVENTS), f"seed {seed}"
    assert json.loads(command_line("status", "--json").out)["dead"] == {}


def test_two_processes_share_an_outbox_and_send_nothing_twice(
    command_line: CommandLine, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read the same file at the same time, and each takes its share.

    Each has one request in flight at most, and the first answer waits for a second request: that of the other. No two
    events are of one customer, so no batch waits for another.
    """
    arrived: list[None] = []
    both = asyncio.Event()

    async def wait_for_both() -> None:
        arrived.append(None)
        if len(arrived) > 1:
            both.set()
        await both.wait()

    monkeypatch.setattr(sandbox.faults, "wait", wait_for_both)
    (command_line.folder / "events.ndjson").write_bytes(
        ndjson(*(track(number, userId=f"customer_{number}") for number in range(EVENTS)))
    )
    options = ("--base-url", sandbox.base_url, "--batch-size", "50", "--concurrency", "1")
    reports = ("one.json", "two.json")
    processes = [command_line.start("deliver", "events.ndjson", *options, "--report", report) for report in reports]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    requests = [json.loads((command_line.folder / report).read_text())["requests"] for report in reports]
    assert billed(sandbox) == ids(EVENTS)
    assert sandbox.ledger.duplicates == 0
    assert sum(requests) == sandbox.ledger.requests
    assert min(requests) > 0, "both had a share"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_disk_that_is_full_is_said_and_loses_nothing(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """No file may grow beyond 2 MB: the operating system refuses, as a full disk does."""
    many = 40_000
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(many))))
    sandbox.faults.set(Faults(statuses={"401": 1.0}, authenticate=401))
    options = ("--base-url", sandbox.base_url)

    process = command_line.start("deliver", "events.ndjson", *options, before=BOUNDED)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"warning: the outbox accepts no more events: " in errors
    assert b"; the input was not read to its end" in errors
    queued = sum(lane["queued"] for lane in json.loads(command_line("status", "--json").out)["lanes"])
    assert 0 < queued < many
    sandbox.faults.set(Faults())
    run = command_line("deliver", "events.ndjson", *options)
    assert run.code == 0, run.err
    assert billed(sandbox) == ids(many)
    assert sandbox.ledger.duplicates == 0


def test_what_a_killed_process_was_sending_is_not_being_sent(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    """`status` tells what the next run will find."""

    def lane() -> Any:
        lanes = json.loads(command_line("status", "--json").out or '{"lanes": []}')["lanes"]
        return next((lane for lane in lanes if lane["queued"]), {"leased": 0})

    sandbox.faults.set(Faults(kinds={"silent": 1.0}))
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(1), track(2)))
    with command_line.start("deliver", "events.ndjson", "--base-url", sandbox.base_url) as process:
        while not lane()["leased"]:
            assert process.poll() is None
        assert lane()["next_due"] is None
        process.kill()
    told = lane()
    assert (told["queued"], told["leased"]) == (2, 0)
    assert told["next_due"] <= time.time()


def test_a_killed_replay_is_ended_by_the_next(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """Its letters are none any more, but their events are queued: they are told of, and sent."""
    sandbox.faults.set(Faults.model_validate({"refuse": [{"field": "data.units", "value": 3}]}))
    (command_line.folder / "events.ndjson").write_bytes(ndjson(track(3)))
    options = ("--base-url", sandbox.base_url)
    assert command_line("deliver", "events.ndjson", *options).code == 1
    sandbox.faults.set(Faults(kinds={"silent": 1.0}))
    with command_line.start("dead-letters", "replay", *options) as process:
        while not any(lane["leased"] for lane in json.loads(command_line("status", "--json").out)["lanes"]):
            assert process.poll() is None
        process.kill()
    sandbox.faults.set(Faults())
    dry = command_line("dead-letters", "replay", "--dry-run", *options)
    assert (dry.code, dry.out) == (0, "would be sent again: 0\nwould be sent too, since queued before: 1\n")
    again = command_line("dead-letters", "replay", *options)
    assert again.code == 0, again.err
    assert "sent too, since queued before: 1" in again.out
    assert billed(sandbox) == Counter({"message-000003": 1})
    assert command_line("dead-letters", "replay", *options).out == "no dead letters to replay\n"


def test_what_a_slow_stream_brings_is_sent_when_it_falls_silent(
    command_line: CommandLine, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input stays open, and its two lines fill no batch."""
    arrived = threading.Event()

    async def tell() -> None:
        arrived.set()

    monkeypatch.setattr(sandbox.faults, "wait", tell)
    process = command_line.start("deliver", "-", "--base-url", sandbox.base_url)
    assert process.stdin is not None
    process.stdin.write(ndjson(track(1), track(2)))
    process.stdin.flush()
    assert arrived.wait(timeout=60), "nothing was sent before the end of the input"
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert billed(sandbox) == Counter({"message-000001": 1, "message-000002": 1})


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_run_that_waits_for_room_ends_when_it_is_told_to(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """At once, and not when it would have looked for room again."""
    dice = random.Random(0)  # noqa: S311 - no secret, and nothing that can be compressed
    events = (track(number, properties={"noise": dice.randbytes(500).hex()}) for number in range(10_000))
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*events))
    sandbox.faults.set(Faults(statuses={"503": 1.0}))
    options = ("events.ndjson", "--base-url", sandbox.base_url, "--wait", "600")
    process = command_line.start("deliver", *options, before=BOUNDED)
    assert process.stderr is not None
    assert b"accepts no more events" in process.stderr.readline()
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 130
