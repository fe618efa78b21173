"""`deliver`, as a user runs it: what arrives, what is kept, what is said, and how it ends."""

from __future__ import annotations

import base64
import fcntl
import gzip
import json
import random
import signal
import socket
import struct
import termios
import threading
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from command_line import API_KEY, Run
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox


def wanted(report: dict[str, Any]) -> int:
    """What was read and not skipped."""
    skipped: int = sum(report["skipped"].values())
    return int(report["read"]) - skipped


def accounted(report: dict[str, Any]) -> int:
    """What ended in one of the three places."""
    dead: int = sum(report["dead_lettered"].values())
    return int(report["delivered"]) + dead + int(report["unsent"])


def holds_no_secret(run: Run) -> bool:
    """Whether no spelling of the key stands in what a run printed or wrote."""
    written = "".join(path.read_text(errors="replace") for path in run.folder.iterdir() if path.name != "events.ndjson")
    spellings = (API_KEY, quote(API_KEY, safe=""), base64.b64encode(API_KEY.encode()).decode().rstrip("="))
    return not any(spelling in text for text in (run.out, run.err, written) for spelling in spellings)


def test_every_event_arrives_once_in_twenty_requests(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(*(track(number) for number in range(10_000))), sandbox.base_url)
    assert run.code == 0, run.err
    assert (run.report["delivered"], run.report["requests"]) == (10_000, 20)
    arrived = [event["transactionId"] for event in sandbox.ledger.events]
    assert len(arrived) == len(set(arrived)) == 10_000
    for start in range(0, 10_000, 500):
        request = arrived[start : start + 500]
        assert request == sorted(request), "events keep their order within a request"
    assert run.letters == []
    assert holds_no_secret(run)


def test_a_dry_run_prints_the_bodies_that_a_run_sends(command_line: CommandLine) -> None:
    events = ndjson(*(track(number, properties={"name": f"Zoë {number} 💸", "n": 1.50}) for number in range(1_234)))
    with scripted_server(lambda _: (200, {}, b"")) as server:
        dry = command_line.deliver(events, server.base_url, "--dry-run")
        assert server.requests == []
        assert dry.code == 0, dry.err
        command_line.deliver(events, server.base_url, "--concurrency", "1")
    printed = [line.encode() for line in dry.out.split("\n") if line.startswith(("[", "{"))]
    assert printed == server.bodies
    assert len(printed) == 3
    assert holds_no_secret(dry)


def test_bad_lines_are_kept_with_reasons_and_the_rest_is_delivered(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    big = track(7, properties={"blob": "x" * 2_000_000})
    lines = [
        track(1),
        b'{"type": "track", "userId": "u1", "messageId"',
        b'"just a text"',
        b"[1, 2]",
        big,
        b'{"type":"track","userId":"\xff\xfe"}',
        track(8, type="trakc"),
        {key: value for key, value in track(9).items() if key != "userId"},
        track(10, timestamp="yesterday"),
        b"",
        b"[" * 100_000,
        json.dumps(track(12))
        .replace('"properties": {', '"properties": {"deep": ' + "[" * 500 + "]" * 500 + ",")
        .encode(),
        track(11),
        track(13, type="purchase"),
    ]
    run = command_line.deliver(ndjson(*lines), sandbox.base_url)
    assert run.code == 1
    report = run.report
    assert report["delivered"] == 2
    assert report["skipped"]["unknown_type"] == 1
    assert report["dead_lettered"] == {"unreadable": 5, "rejected": 5, "refused": 0, "exhausted": 0}
    assert wanted(report) == accounted(report) == 12
    assert [event["transactionId"] for event in sandbox.ledger.events] == ["message-000001", "message-000011"]
    told = {letter["line"]: letter["message"] for letter in run.letters}
    for line, words in {
        2: "JSON",
        3: "an event is a JSON object, but this is a string",
        4: "but this is an array",
        5: "1,000,000",
        6: "UTF-8",
        7: 'did you mean "track"?',
        8: "clientId",
        9: '"yesterday"',
        11: "nested too deeply",
        12: "nested deeper than 254 levels",
    }.items():
        assert words in told[line], told[line]
    assert all(letter["file"] == "events.ndjson" for letter in run.letters)
    rejected = next(letter for letter in run.letters if letter["line"] == 9)
    assert rejected["event"] == track(10, timestamp="yesterday")
    assert [error["path"] for error in rejected["errors"]] == ["timestamp"]
    assert '"deep": [[[' in next(letter["text"] for letter in run.letters if letter["line"] == 12)


@pytest.mark.parametrize("source", ["file", "standard input"])
@pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 3), (404, 2), (405, 2), (302, 2)])
def test_a_run_that_makes_no_sense_stops_with_one_clear_line_and_loses_nothing(
    command_line: CommandLine, source: str, status: int, code: int
) -> None:
    events = ndjson(*(track(number) for number in range(3_000)), b"not an event")
    words = {"location": "https://elsewhere.example/"} if status == 302 else {}
    with scripted_server(lambda _: (status, {"X-REQUEST-ID": "req_1", **words}, b'{"message":"no"}')) as server:
        if source == "file":
            run = command_line.deliver(events, server.base_url, "--no-outbox")
        else:
            common = (
                "--no-outbox",
                "--base-url",
                server.base_url,
                "--report",
                "report.json",
                "--dead-letters",
                "letters.ndjson",
            )
            run = command_line("deliver", "-", *common, stdin=events)
    assert run.code == code
    assert len(run.err.strip().splitlines()) == 1
    assert str(status) in run.err
    assert "req_1" in run.err
    assert run.report["unsent"] == 3_000
    assert run.report["dead_lettered"]["unreadable"] == 1
    assert wanted(run.report) == accounted(run.report)
    unsent = [letter["event"]["messageId"] for letter in run.letters if letter["reason"] == "unsent"]
    expected = [] if source == "file" else [f"message-{number:06}" for number in range(3_000)]
    assert sorted(unsent) == expected, "what standard input gave is kept; a file still has it"
    assert holds_no_secret(run)


def test_wrong_credentials_are_refused_by_the_sandbox(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track()), sandbox.base_url, KABLE_API_KEY="sk_test.another-key-altogether")
    assert run.code == 3
    assert "Traceback" not in run.err
    assert sandbox.ledger.events == []


def test_a_server_that_is_down_is_tried_again_and_everything_is_kept(command_line: CommandLine) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        events = ndjson(*(track(number) for number in range(600)))
        run = command_line.deliver(events, address, "--no-outbox", "--attempts", "2")
    assert run.code == 1
    assert run.report["retries"] == 2
    assert run.report["dead_lettered"]["exhausted"] == 600
    assert sorted(letter["event"]["messageId"] for letter in run.letters) == [f"message-{n:06}" for n in range(600)]
    assert "cannot be reached" in run.letters[0]["message"]


def test_a_passing_fault_is_tried_again_with_the_same_body(command_line: CommandLine) -> None:
    def answer(number: int) -> tuple[int, dict[str, str], bytes]:
        return (503, {"Retry-After": "0"}, b"") if number == 0 else (200, {}, b"")

    with scripted_server(answer) as server:
        run = command_line.deliver(ndjson(track(1), track(2)), server.base_url)
    assert run.code == 0
    assert (run.report["requests"], run.report["retries"], run.report["delivered"]) == (2, 1, 2)
    assert server.bodies[0] == server.bodies[1]


def test_a_server_that_asks_for_too_much_patience_is_not_asked_again(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (429, {"Retry-After": "86400", "X-REQUEST-ID": "req_9"}, b"slow down")) as server:
        run = command_line.deliver(ndjson(track(1)), server.base_url, "--no-outbox")
    assert run.code == 1
    assert run.report["requests"] == 1
    (letter,) = run.letters
    assert (letter["reason"], letter["status"], letter["request_id"]) == ("exhausted", 429, "req_9")
    assert "slow down" in letter["message"]


def test_refused_content_is_not_sent_again(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (422, {"X-REQUEST-ID": "req_5"}, b'{"message":"unknown customer"}')) as server:
        run = command_line.deliver(ndjson(track(1)), server.base_url)
    assert (run.code, run.report["requests"]) == (1, 1)
    (letter,) = run.letters
    assert (letter["reason"], letter["status"], letter["request_id"]) == ("refused", 422, "req_5")
    assert "unknown customer" in letter["message"]


def test_the_secret_is_masked_even_when_the_server_and_an_event_repeat_it(command_line: CommandLine) -> None:
    with scripted_server(lambda _: (400, {"X-REQUEST-ID": API_KEY}, f"bad key {API_KEY}".encode())) as server:
        events = ndjson(track(1, properties={"oops": API_KEY, API_KEY: 1}))
        run = command_line.deliver(events, server.base_url, "--no-outbox")
    assert len(run.letters) == 1
    assert holds_no_secret(run)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("form", ["lines", "array", "indented array"])
@pytest.mark.parametrize("source", ["file", "standard input"])
def test_every_form_of_input_is_read(
    command_line: CommandLine, sandbox: RunningSandbox, *, form: str, compressed: bool, source: str
) -> None:
    events = [track(number) for number in range(1_200)]
    indent = 2 if form == "indented array" else None
    data = ndjson(*events) if form == "lines" else json.dumps(events, indent=indent).encode()
    data = gzip.compress(data) if compressed else data
    if source == "file":
        run = command_line.deliver(data, sandbox.base_url)
    else:
        run = command_line("deliver", "-", "--base-url", sandbox.base_url, stdin=data)
    assert run.code == 0, run.err
    assert len(sandbox.ledger.events) == 1_200


def test_a_duplicate_is_delivered_counted_and_discarded(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    run = command_line.deliver(ndjson(track(1), track(2), track(1)), sandbox.base_url)
    assert (run.report["delivered"], run.report["duplicates"]) == (3, 1)
    assert len(sandbox.ledger.events) == 2


def test_a_smaller_batch_can_be_asked_for_and_a_larger_one_is_refused(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    events = ndjson(*(track(number) for number in range(10)))
    assert command_line.deliver(events, sandbox.base_url, "--batch-size", "4").report["requests"] == 3
    refused = command_line.deliver(events, sandbox.base_url, "--batch-size", "501")
    assert refused.code == 2
    assert "at most 500" in refused.err


def test_dead_letters_are_appended_and_never_overwritten(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    for _ in range(2):
        command_line.deliver(ndjson(b"bad"), sandbox.base_url, "--no-outbox")
    assert len(command_line.deliver(ndjson(track(1)), sandbox.base_url, "--no-outbox").letters) == 2


def test_files_are_read_in_turn_and_a_missing_one_is_named_while_the_others_are_sent(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    (command_line.folder / "a.ndjson").write_bytes(ndjson(track(1)))
    (command_line.folder / "b.ndjson").write_bytes(ndjson(track(2)))
    run = command_line("deliver", "a.ndjson", "missing.ndjson", "--base-url", sandbox.base_url)
    assert run.code == 1
    assert "not read: missing.ndjson cannot be read" in run.out
    assert [event["transactionId"] for event in sandbox.ledger.events] == ["message-000001"]


def test_batches_fill_across_files(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """Which files share a request depends on how soon the next one is read, so there are many."""
    names = [f"{number:02}.ndjson" for number in range(30)]
    for number, name in enumerate(names):
        (command_line.folder / name).write_bytes(ndjson(track(number)))
    run = command_line("deliver", *names, "--base-url", sandbox.base_url)
    assert run.code == 0
    assert [event["transactionId"] for event in sandbox.ledger.events] == [f"message-{n:06}" for n in range(30)]
    assert sandbox.ledger.requests < 30


@pytest.mark.parametrize(
    "url", ["http://kable.example", "ftp://127.0.0.1", "127.0.0.1:80", "http://user:pass@127.0.0.1", "https://"]
)
def test_a_base_url_that_would_give_the_secret_away_is_refused(command_line: CommandLine, url: str) -> None:
    run = command_line.deliver(ndjson(track(1)), url)
    assert run.code == 2
    assert "base URL" in run.err


def test_without_credentials_nothing_is_sent_and_both_settings_are_named(command_line: CommandLine) -> None:
    run = command_line.deliver(ndjson(track()), "http://127.0.0.1:9", KABLE_API_KEY="", KABLE_CLIENT_ID="")
    assert run.code == 2
    assert "apiKey" in run.err
    assert "kableClientId" in run.err


def unread_bytes(pipe: IO[bytes]) -> int:
    """Return how many bytes of a pipe nobody has read yet."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def test_an_interruption_keeps_what_standard_input_gave(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    arguments = ("deliver", "-", "--no-outbox", "--base-url", sandbox.base_url)
    files = ("--report", "report.json", "--dead-letters", "letters.ndjson")
    with command_line.start(*arguments, *files) as process:
        assert process.stdin is not None
        process.stdin.write(ndjson(*(track(number) for number in range(700))))
        process.stdin.flush()
        # What is still in the pipe was not given yet.
        while (sandbox.ledger.accepted_requests == 0 or unread_bytes(process.stdin)) and process.poll() is None:
            threading.Event().wait(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    run = Run(130, "", "", command_line.folder)
    delivered = run.report["delivered"]
    assert 0 < delivered == 700 - run.report["unsent"]
    kept = [letter["event"]["messageId"] for letter in run.letters]
    billed = [event["transactionId"] for event in sandbox.ledger.events]
    assert sorted(billed[:delivered] + kept) == [f"message-{n:06}" for n in range(700)]


@pytest.mark.parametrize("cut", [0, 1, 40], ids=["a whole line", "a line without its line feed", "half a line"])
def test_a_file_that_grows_is_taken_up_where_it_ended(
    command_line: CommandLine, sandbox: RunningSandbox, cut: int
) -> None:
    """A log is delivered every hour; each event arrives once, also one that was half written."""
    everything = ndjson(*(track(number) for number in range(9)))
    first = ndjson(*(track(number) for number in range(4)))
    command_line.deliver(first[: len(first) - cut], sandbox.base_url)
    run = command_line.deliver(everything, sandbox.base_url)
    assert "accepted by an earlier run up to line" in run.out
    assert [event["transactionId"] for event in sandbox.ledger.events] == [f"message-{n:06}" for n in range(9)]
    assert sandbox.ledger.duplicates == 0
    assert command_line("dead-letters", "list").out == "no dead letters\n", "what was half written is whole"


def test_a_gzipped_file_that_grows_leaves_no_dead_letters(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """Its end is damaged for as long as it is being written."""
    compressed = gzip.compress(ndjson(*(track(number, rest=random.random()) for number in range(2_000))))  # noqa: S311
    assert command_line.deliver(compressed[: len(compressed) // 2], sandbox.base_url).code == 1
    assert "gzip data is damaged" in command_line("dead-letters", "list").out
    run = command_line.deliver(compressed, sandbox.base_url)
    assert (run.code, len(sandbox.ledger.events)) == (0, 2_000)
    assert command_line("dead-letters", "list").out == "no dead letters\n"


def test_a_line_that_stays_unreadable_when_its_file_grows_is_one_dead_letter(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    """The letter tells of the line as it is in the end; others of the file stay as they are."""
    first = ndjson(b"{bad", track(1))
    for data in (first + b'{"half', first + b'{"half": ', first + b'{"half": no}\n'):
        assert command_line.deliver(data, sandbox.base_url).code == 1
    assert "dead letters: 2 unreadable" in command_line("dead-letters", "list").out
    texts = [json.loads(command_line("dead-letters", "show", str(number)).out or "{}") for number in range(1, 5)]
    assert [letter["text"] for letter in texts if letter] == ["{bad", '{"half": no}']
