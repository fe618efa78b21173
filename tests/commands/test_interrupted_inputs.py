"""What was read of an input that nobody can read again is delivered or kept, however the run ends."""

from __future__ import annotations

import gzip
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from feeding import feeding
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

NOWHERE = "http://127.0.0.1:1"
LETTERS = ("--dead-letters", "letters.ndjson", "--report", "report.json")


def numbers(sandbox: RunningSandbox) -> list[int]:
    """The numbers of the events that arrived."""
    return sorted(int(event["transactionId"].removeprefix("message-")) for event in sandbox.ledger.events)


def letters(command_line: CommandLine, name: str) -> list[dict[str, Any]]:
    """The dead letters in a file."""
    return [json.loads(line) for line in (command_line.folder / name).read_bytes().splitlines()]


def gzipped(text: bytes) -> bytes:
    """Compress a text that goes on: all of it is there, and its end is not."""
    compressed = gzip.compress(text)
    return compressed[:-8]


def test_nothing_yet_is_not_the_end(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """Whoever shares the pipe may have made it non-blocking, and its writer may be slow."""
    with feeding(command_line, sandbox, blocking=False) as fed:
        for number in range(3):
            fed.write(ndjson(track(number)))
            fed.wait_for(number + 1)
        assert fed.end() == 0
    assert numbers(sandbox) == [0, 1, 2]


LAST = json.dumps(track(2)).encode()


@pytest.mark.parametrize(
    ("begin", "rest", "arrives"),
    [
        (ndjson(track(1)), LAST, True),
        (ndjson(track(1)), LAST[:50], False),
        (b"[\n" + ndjson(track(1)).strip() + b",\n", LAST, True),
        (b"[\n" + ndjson(track(1)).strip() + b",\n", LAST[:50], False),
        (json.dumps(track(1), indent=1).encode() + b"\n", json.dumps(track(2), indent=1).encode(), True),
        (gzipped(ndjson(track(1))), b"", None),
    ],
    ids=["a line", "a part of a line", "an element", "a part of an element", "an object", "gzip"],
)
def test_a_signal_keeps_the_text_whose_end_has_not_come(
    command_line: CommandLine, sandbox: RunningSandbox, begin: bytes, rest: bytes, *, arrives: bool | None
) -> None:
    with feeding(command_line, sandbox, *LETTERS) as fed:
        fed.write(begin)
        fed.wait_for(1)
        fed.write(rest)
        fed.wait_for(1)
        fed.process.send_signal(signal.SIGHUP)
        assert fed.process.wait(timeout=60) == 130
    assert command_line("deliver", "--base-url", sandbox.base_url).code == 0
    assert numbers(sandbox) == ([1, 2] if arrives else [1])
    if arrives is False:
        (letter,) = letters(command_line, "letters.ndjson")
        assert (letter["reason"], letter["text"].encode()) == ("unreadable", LAST[:50])


BOUNDED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))"


@pytest.mark.parametrize("is_pipe", [True, False])
def test_a_disk_that_stays_full_ends_a_run_and_what_a_pipe_gave_is_kept(
    command_line: CommandLine, *, is_pipe: bool
) -> None:
    """It was lost: 5,507 events were read, and 4,132 accepted."""
    many = 60_000
    events = ndjson(*(track(number) for number in range(many)))
    (command_line.folder / "events.ndjson").write_bytes(events)
    source = "-" if is_pipe else "events.ndjson"
    options = ("deliver", source, "--base-url", NOWHERE, "--wait", "0", "--report", "report.json")
    process = command_line.start(*options, before=BOUNDED)
    out, errors = process.communicate(events if is_pipe else b"", timeout=60)
    assert process.returncode == 1, errors
    assert b"the outbox accepts no more events" in errors
    report = json.loads((command_line.folder / "report.json").read_bytes())
    assert 0 < report["read"] == report["unsent"] < many, out
    assert (report["unaccepted"] > 0) is is_pipe
    assert (b"could not be accepted, and cannot be read again. dead-letters.ndjson has each" in errors) is is_pipe
    kept = []
    if is_pipe:
        found = letters(command_line, "dead-letters.ndjson")
        assert {letter["reason"] for letter in found} == {"unsent"}
        assert (command_line.folder / "dead-letters.ndjson").stat().st_mode & 0o777 == 0o600
        kept = [int(letter["event"]["messageId"][-6:]) for letter in found if letter["event"] is not None]
    queued = json.loads(command_line("status", "--json").out)["lanes"][0]["queued"]
    assert queued == report["unsent"]
    # What the pipe gave: all that was accepted, and then all that was written down.
    assert kept == list(range(queued, queued + len(kept)))


@pytest.mark.parametrize("source", ["-", "events.ndjson"])
def test_events_of_which_a_part_was_accepted_are_counted_and_kept_once(command_line: CommandLine, source: str) -> None:
    (command_line.folder / "kable.toml").write_text("[delivery]\noutboxMegabytes = 1\n", encoding="utf-8")
    events = ndjson(*(track(number) for number in range(6_000)))
    (command_line.folder / "events.ndjson").write_bytes(events)
    options = (source, "--base-url", NOWHERE, "--wait", "0", "--config", "kable.toml", *LETTERS)
    run = command_line("deliver", *options, stdin=events)
    assert run.code == 1
    assert run.report["read"] == run.report["unsent"] == run.report["kept"] > 0
    unaccepted = [int(letter["event"]["messageId"][-6:]) for letter in run.letters if letter["event"] is not None]
    begin = run.report["read"]
    assert unaccepted == list(range(begin, begin + len(unaccepted)))
    assert bool(unaccepted) is (source == "-")
