"""What `deliver` reads: files, pipes, devices and what is no JSON, as a user names them."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

RUNNER = f"{sys.executable} -m kable_destination.runner"


def shell(command_line: CommandLine, script: str, base_url: str) -> subprocess.CompletedProcess[str]:
    """Run a script of bash in the folder of the command line; `$K` is the program and `$B` its options."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=command_line.folder,
        env={**command_line.environment, "K": RUNNER, "B": f"--base-url {base_url}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


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
            arguments = ["deliver", path, "--base-url", sandbox.base_url]
            process = subprocess.Popen(
                [sys.executable, "-m", "kable_destination.runner", *arguments],
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
        ("$K deliver . $B", "folder"),
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
    run = shell(command_line, "timeout -s TERM 3 $K deliver p $B --wait 1", sandbox.base_url)
    assert run.returncode in {124, 130}
    assert "Traceback" not in run.stderr
