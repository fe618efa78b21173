"""What `deliver` reads: files, pipes, devices and what is no JSON, as a user names them."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import zstandard

from command_line import MODULE, shell
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox


def write(command_line: CommandLine, name: str, *numbers: int) -> Path:
    """Write a file of events with these numbers."""
    path = command_line.folder / name
    path.write_bytes(ndjson(*(track(number) for number in numbers)))
    return path


def numbers(sandbox: RunningSandbox) -> list[int]:
    """The numbers of the events that arrived."""
    return sorted(int(event["transactionId"].removeprefix("message-")) for event in sandbox.ledger.events)


@pytest.mark.parametrize(
    "command",
    [
        "$K deliver <(cat {}) $B",
        "cat {} | $K deliver /dev/stdin $B",
        "cat {} | $K deliver /dev/fd/0 $B",
        "cat {} | $K deliver /proc/self/fd/0 $B",
        "$K deliver /dev/fd/7 $B 7<{}",
        "cat {} | $K deliver - $B",
        "rm -f p; mkfifo p; (cat {} > p) & $K deliver p $B",
        "rm -f p; mkfifo p; (exec > p; sleep 0.3; cat {}) & $K deliver p $B",
    ],
)
def test_what_comes_by_a_pipe_arrives_each_time(
    command_line: CommandLine, sandbox: RunningSandbox, command: str
) -> None:
    write(command_line, "day1", 1, 2)
    write(command_line, "day2", 3, 4, 5)
    for day, read in (("day1", 2), ("day2", 3)):
        run = shell(command_line, command.replace("{}", day), sandbox.base_url)
        assert run.returncode == 0, run.stderr
        assert f"{read} read" in run.stdout
    assert numbers(sandbox) == [1, 2, 3, 4, 5]


def test_standard_input_may_be_a_socket(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    for number, path in enumerate(("-", "/dev/stdin")):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            arguments = ["-m", MODULE, "deliver", path, "--base-url", sandbox.base_url]
            process = subprocess.Popen(
                [*command_line.server.command(), *arguments],
                cwd=command_line.folder,
                env=command_line.environment,
                stdin=theirs.fileno(),
                stderr=subprocess.PIPE,
            )
            ours.sendall(ndjson(track(number)))
            ours.shutdown(socket.SHUT_WR)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert numbers(sandbox) == [0, 1]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("$K deliver - $B <&-", "standard input is closed"),
        ("$K deliver /dev/stdin $B <&-", "standard input is closed"),
        ("$K deliver /dev/fd/9 $B 9<&-", "Bad file descriptor"),
        ("$K deliver - $B 0>/dev/null", "Bad file descriptor"),
        ("$K deliver /dev/fd/1 $B >/dev/null", "Bad file descriptor"),
        ("mkfifo p; $K deliver p p $B", "only once"),
        ("$K deliver - /dev/stdin $B < /dev/null", "only once"),
        ("$K deliver '*.nothing' $B", "names no file"),
    ],
)
def test_an_input_that_cannot_be_read_ends_the_run_with_one_line(
    command_line: CommandLine, sandbox: RunningSandbox, command: str, words: str
) -> None:
    run = shell(command_line, command, sandbox.base_url)
    assert run.returncode == 2, run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_path_that_is_a_socket_is_named(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(command_line.folder / "s"))
        run = shell(command_line, "$K deliver s $B", sandbox.base_url)
    assert run.returncode == 2
    assert "s: cannot be read: it is a socket" in run.stderr


def test_a_writer_that_never_comes_leaves_the_run_interruptible(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    os.mkfifo(command_line.folder / "p")
    run = shell(command_line, "timeout -s TERM 1 $K deliver p $B --wait 1", sandbox.base_url)
    assert run.returncode in {124, 130}
    assert "Traceback" not in run.stderr


ENVELOPE = {
    "sentAt": "2026-03-04T05:06:08.000Z",
    "writeKey": "w",
    "context": {"library": {"name": "analytics-go"}},
    "batch": [track(1), {"type": "track", "messageId": "x"}, track(2), 5],
}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (json.dumps(ENVELOPE).encode(), 1),
        (json.dumps(ENVELOPE, indent=2).encode(), 1),
        (json.dumps(ENVELOPE).replace('"batch": [', '"batch": [\n').replace("}, ", "},\n").encode(), 1),
        (ndjson(track(7), ENVELOPE), 2),
        (json.dumps([track(7), ENVELOPE]).encode(), 1),
        (json.dumps([track(7), ENVELOPE], indent=1).encode(), 19),
    ],
    ids=["a file", "an indented file", "a file of lines", "a line", "an item", "an indented item"],
)
def test_a_batch_of_an_sdk_is_read_as_its_events(
    command_line: CommandLine, sandbox: RunningSandbox, content: bytes, line: int
) -> None:
    run = command_line.deliver(content, sandbox.base_url)
    assert run.code == 1
    assert numbers(sandbox)[:2] == [1, 2]
    found = {letter["item"]: letter for letter in run.letters}
    assert set(found) == {2, 4}
    assert {letter["line"] for letter in run.letters} == {line}
    assert found[2]["event"]["context"] == {"library": {"name": "analytics-go"}}
    assert "number" in found[4]["message"]
    assert run.report["read"] == len(numbers(sandbox)) + 2


def test_integrations_of_the_batch_skip_its_events(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    envelope = {**ENVELOPE, "integrations": {"All": False}, "batch": [track(1), track(2)]}
    run = command_line.deliver(ndjson(envelope), sandbox.base_url)
    assert run.code == 0
    assert run.report["skipped"]["integrations"] == 2
    assert numbers(sandbox) == []


def deliver(command_line: CommandLine, sandbox: RunningSandbox, *paths: str) -> tuple[int, str, int]:
    """Deliver files; return the exit code, the output, and how many events were read."""
    run = command_line("deliver", *paths, "--base-url", sandbox.base_url, "--report", "report.json")
    assert "Traceback" not in run.err, run.err
    return run.code, run.out + run.err, run.report["read"]


def test_a_rotated_log_is_neither_lost_nor_read_twice(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    folder = command_line.folder
    log = write(command_line, "app.log", *range(100))
    assert deliver(command_line, sandbox, "app.log")[2] == 100
    with log.open("ab") as more:
        more.write(ndjson(*(track(number) for number in range(100, 110))))
    log.rename(folder / "app.log.1")
    write(command_line, "app.log", *range(200, 230))
    code, out, read = deliver(command_line, sandbox, "app.log.1", "app.log")
    assert (code, read) == (0, 10 + 30)
    assert "app.log.1: accepted by an earlier run as app.log up to line 101" in out
    # The next night, compressed, and truncated instead of renamed.
    (folder / "app.log.2.gz").write_bytes(gzip.compress((folder / "app.log.1").read_bytes()))
    (folder / "app.log.1").write_bytes(log.read_bytes())
    write(command_line, "app.log", 300)
    assert deliver(command_line, sandbox, "app.log.2.gz", "app.log.1", "app.log")[2] == 1
    assert numbers(sandbox) == [*range(110), *range(200, 230), 300]


def test_a_copy_in_the_same_run_is_not_read_twice(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "a", 1, 2, 3)
    write(command_line, "b", 1, 2, 3)
    write(command_line, "c", 1, 2, 3, 4)
    write(command_line, "d", 1, 2, 9)
    code, out, read = deliver(command_line, sandbox, "a", "b", "c", "d")
    assert (code, read) == (0, 3 + 1 + 3)
    assert "b: all of it was accepted by an earlier run as a" in out
    assert numbers(sandbox) == [1, 2, 3, 4, 9]


def test_files_that_begin_alike_keep_a_checkpoint_each(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    write(command_line, "a", *range(10), 100)
    write(command_line, "b", *range(10), 200)
    for read in (22, 0, 0):
        assert deliver(command_line, sandbox, "a", "b")[2] == read


def parquet() -> bytes:
    return b"PAR1" + os.urandom(2_000) + b"PAR1"


TABLE = b"type,userId,event\n" + b"track,u1,API Call\n" * 300
FORMATS = {
    "Parquet": parquet(),
    "zip": b"PK\x03\x04\x14\0" + os.urandom(500),
    "Excel": b"PK\x03\x04\x14\0" + b"\0" * 20 + b"[Content_Types].xml" + os.urandom(500),
    "CSV": TABLE,
    "TSV": TABLE.replace(b",", b"\t"),
    "a CSV table": b"\xef\xbb\xbf" + TABLE.replace(b",", b";"),
    "(its first line is type,userId,event)": gzip.compress(TABLE),
    "UTF-16": ndjson(track(1)).decode().encode("utf-16"),
    "UTF-16 text": ndjson(track(1)).decode().encode("utf-16-be"),
    "UTF-32": ndjson(track(1)).decode().encode("utf-32"),
    "Avro": b"Obj\x01" + os.urandom(300),
    "binary": b"\x0a\x05track\x12\x02u1\x1a\x03\0\x01\x02" * 200,
    "tar": b"events.ndjson".ljust(257, b"\0") + b"ustar\x0000" + b"\0" * 200,
    "XML": b"<?xml version='1.0'?>\n<events/>\n" * 200,
    "gzip data that was compressed twice": gzip.compress(gzip.compress(ndjson(track(1)))),
    "xz": b"\xfd7zXZ\0" + os.urandom(100),
    "none of its first 100 lines": b"{'type': 'track'}\n" * 150,
    "100 lines": json.dumps([1] * 150).encode(),
    "holds no events": b"just text here\n" * 101,
}


@pytest.mark.parametrize("name", FORMATS)
def test_another_format_is_refused_by_name_before_any_of_it_is_accepted(
    command_line: CommandLine, sandbox: RunningSandbox, name: str
) -> None:
    (command_line.folder / "data").write_bytes(FORMATS[name])
    write(command_line, "good", 1)
    code, out, read = deliver(command_line, sandbox, "data")
    assert (code, read) == (2, 0)
    assert "error: data " in out
    assert name in out
    assert command_line("dead-letters", "list").out == "no dead letters\n"
    assert deliver(command_line, sandbox, "data", "good")[::2] == (1, 1)


def test_zstd_is_read_and_its_damage_is_named(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    text = ndjson(*(track(number) for number in range(3_000)))
    whole = zstandard.ZstdCompressor(write_checksum=True).compress(text)
    frames = zstandard.compress(text[:1_000]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstandard.compress(text[1_000:])
    folder = command_line.folder
    (folder / "whole.zst").write_bytes(whole)
    assert deliver(command_line, sandbox, "whole.zst")[::2] == (0, 3_000)
    (folder / "frames.zst").write_bytes(frames)
    assert deliver(command_line, sandbox, "frames.zst")[::2] == (0, 0), "the same content was read before"
    (folder / "cut.zst").write_bytes(zstandard.compress(text[5:])[:-100])
    run = command_line("deliver", "cut.zst", "--base-url", sandbox.base_url)
    assert run.code == 1
    assert (
        "zstd data is damaged"
        in command_line("dead-letters", "show", "1").out + command_line("dead-letters", "list").out
    )
    run = command_line("deliver", "-", "--no-outbox", "--base-url", sandbox.base_url, stdin=whole)
    assert "3,000 read" in run.out


def test_standard_input_without_events_still_gives_dead_letters(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    run = command_line("deliver", "-", "--base-url", sandbox.base_url, stdin=b"a line\n" * 150 + ndjson(track(1)))
    assert run.code == 1
    assert "151 read · 1 delivered" in run.out
    run = command_line("deliver", "-", "--base-url", sandbox.base_url, stdin=parquet())
    assert run.code == 2
    assert "standard input is a Parquet file" in run.err


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    for number in range(5):
        write(command_line, f"f{number}", number)
    # It is there when the run begins, and its target is a file that the system refuses to read.
    (command_line.folder / "bad").symlink_to("/proc/self/mem")
    gone, gate = write(command_line, "gone", 7), command_line.folder / "gate"
    os.mkfifo(gate)

    def remove() -> None:
        with gate.open("wb") as opened:
            # The run has begun, since it reads.
            gone.unlink()
            opened.write(ndjson(track(9)))

    with ThreadPoolExecutor() as threads:
        removing = threads.submit(remove)
        code, out, read = deliver(command_line, sandbox, "gate", "f0", "f1", "bad", "f2", "gone", "f3", "f4")
        removing.result()
    assert (code, read) == (1, 6)
    assert "error: bad cannot be read" in out
    assert "error: gone cannot be read: No such file or directory" in out
    report = json.loads((command_line.folder / "report.json").read_text())
    assert [(source["source"], source["result"]) for source in report["sources"]] == [
        ("gate", "read"),
        ("f0", "read"),
        ("f1", "read"),
        ("bad", "failed"),
        ("f2", "read"),
        ("gone", "failed"),
        ("f3", "read"),
        ("f4", "read"),
    ]
    assert numbers(sandbox) == [0, 1, 2, 3, 4, 9]


@pytest.mark.parametrize("kind", ["lines", "a batch on each line", "standard input"])
def test_large_events_with_small_payloads_fill_no_memory(command_line: CommandLine, kind: str) -> None:
    """The server takes nothing, so every batch is tried and kept. It asks each to wait, which the run does not."""
    before, _, after = json.dumps({**track(1), "messageId": "NUMBER", "context": {"blob": "BLOB"}}).partition("BLOB")
    if "batch" in kind:
        before, after = f'{{"batch": [{before}', f"{after}]}}"
    # What all have in common is compressed once: members of a gzip file are read as one.
    common = gzip.compress(b"x" * (8 * 1024 * 1024 - 1_000) + f"{after}\n".encode(), 1)
    members = (gzip.compress(before.replace("NUMBER", f"m{number}").encode()) + common for number in range(30))
    (command_line.folder / "big.gz").write_bytes(b"".join(members))
    peak = "import resource,subprocess,sys; subprocess.run(sys.argv[1:]); "
    peak += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    source = "- < big.gz" if kind == "standard input" else "big.gz"
    with scripted_server(lambda _: (500, {"Retry-After": "60"}, b"")) as server:
        run = shell(command_line, f"{sys.executable} -c '{peak}' $P deliver {source} $B --wait 1", server.base_url)
    assert "30 read" in run.stdout, run.stderr
    assert "30 unsent" in run.stdout
    # All of them take 240.
    assert 20 < int(run.stdout.splitlines()[-1]) < 280
