"""A program that is forked from a process with its imports is the program that a plain process runs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from command_line import MODULE
from fork_server import Program
from segment_events import track

if TYPE_CHECKING:
    from pathlib import Path

    from fork_server import ForkServer

EVENT = json.dumps(track()).encode()


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("--version",), b"", 0),
        (("deliver", "--nothing"), b"", 2),
        (("docs", "--format", "html"), b"", 0),
        (("preview", "-"), EVENT, 0),
        (("status",), EVENT * 1_000, 2),
    ],
)
def test_it_ends_and_says_the_same(
    fork_server: ForkServer, tmp_path: Path, arguments: tuple[str, ...], stdin: bytes, code: int
) -> None:
    forked = fork_server.run(Program(("-m", MODULE, *arguments), str(tmp_path), fork_server.environment), stdin)
    plain = subprocess.run(
        [sys.executable, "-m", MODULE, *arguments],
        cwd=tmp_path,
        env=fork_server.environment,
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert forked.returncode == code
    assert (forked.returncode, forked.stdout, forked.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def test_one_that_does_not_end_is_killed_and_others_run_after_it(fork_server: ForkServer, tmp_path: Path) -> None:
    def program(*arguments: str) -> Program:
        return Program(("-m", MODULE, *arguments), str(tmp_path), fork_server.environment)

    with pytest.raises(subprocess.TimeoutExpired):
        fork_server.run(program("sandbox", "--port", "0"), timeout=0.1)
    assert fork_server.run(program("--version")).returncode == 0
