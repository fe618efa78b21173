"""A terminal that is closed or stopped, and output that is not blocking, change nothing of a run."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from command_line import shell
from feeding import feeding
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox


NO_HANGUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
"""As after `nohup` or `disown`: the end of the terminal does not end the run."""


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
    options: dict[str, Any] = {"stderr": theirs, "before": NO_HANGUP, "ends_early": False}
    with feeding(command_line, sandbox, "--report", "report.json", **options) as fed:
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
    arguments = ("deliver", "events.ndjson", "--base-url", sandbox.base_url, "--dry-run")
    with Path(os.devnull).open("r+b") as nowhere:
        process = command_line.start_with(nowhere.fileno(), write_end, nowhere.fileno(), *arguments, ends_early=False)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as printed:
        assert printed.read() == whole
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("arguments", ["deliver events.ndjson --dry-run", "status", "check", "docs"])
def test_a_closed_standard_output_is_no_traceback(
    command_line: CommandLine, sandbox: RunningSandbox, arguments: str
) -> None:
    command_line.deliver(ndjson(track(1)), sandbox.base_url)
    run = shell(command_line, f"$W {arguments} >&-", sandbox.base_url, KABLE_BASE_URL=sandbox.base_url)
    assert run.returncode == ("--dry-run" in arguments)
    assert "Traceback" not in run.stderr
