"""A terminal that is closed or stopped, and output that is not blocking, change nothing of a run."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from command_line import MODULE
from feeding import feeding
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox


def fill(descriptor: int) -> None:
    """Write to a terminal until it takes nothing more, as when nobody reads there."""
    os.set_blocking(descriptor, False)
    try:
        while os.write(descriptor, b"." * 1_000):
            pass
    except BlockingIOError:
        os.set_blocking(descriptor, True)


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "stopped"])
def test_a_terminal_that_takes_nothing_changes_nothing(
    command_line: CommandLine, sandbox: RunningSandbox, *, is_closed: bool
) -> None:
    """The run hung when it was stopped; when it was closed, it ended with 1 and without its report."""
    ours, theirs = os.openpty()
    options = ("--report", "report.json")
    # As after `nohup` or `disown`: the end of the terminal does not end the run.
    streams: dict[str, Any] = {"stderr": theirs, "preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    with feeding(command_line, sandbox, *options, **streams) as fed:
        fed.write(ndjson(track(0)))
        fed.wait_for(1)
        if is_closed:
            os.close(theirs)
            os.close(ours)
        else:
            fill(theirs)
        fed.write(ndjson(track(1), track(2)))
        fed.wait_for(3)
        assert fed.end() == 0
    if not is_closed:
        os.close(theirs)
        os.close(ours)
    assert json.loads((command_line.folder / "report.json").read_bytes())["delivered"] == 3


def test_a_dry_run_is_printed_whole_to_a_pipe_that_is_not_blocking(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    events = ndjson(*(track(number) for number in range(1_000)))
    whole = command_line.deliver(events, sandbox.base_url, "--dry-run").out.encode()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4_096)
    command = [sys.executable, "-m", MODULE, "deliver", "events.ndjson", "--base-url", sandbox.base_url, "--dry-run"]
    process = subprocess.Popen(
        command,
        cwd=command_line.folder,
        env=command_line.environment,
        stdout=write_end,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end, "rb") as printed:
        assert printed.read() == whole
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("arguments", ["deliver events.ndjson --dry-run", "status", "check", "docs"])
def test_a_closed_standard_output_is_no_traceback(
    command_line: CommandLine, sandbox: RunningSandbox, arguments: str
) -> None:
    command_line.deliver(ndjson(track(1)), sandbox.base_url)
    script = f"{sys.executable} -m {MODULE} {arguments} >&-"
    run = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=command_line.folder,
        env={**command_line.environment, "KABLE_BASE_URL": sandbox.base_url},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == ("--dry-run" in arguments)
    assert b"Traceback" not in run.stderr
