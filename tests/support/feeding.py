"""A command that is fed by the test: event by event on its standard input, while it runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
import sys
import termios
import threading
from typing import IO, TYPE_CHECKING, Any

from command_line import MODULE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox

LOOK_SECONDS = 0.01


class Fed:
    """A running command: `write` gives it bytes, `wait_for` waits until so many events have arrived."""

    def __init__(self, process: subprocess.Popen[bytes], given: IO[bytes], sandbox: RunningSandbox) -> None:
        self.process = process
        self._given = given
        self._sandbox = sandbox

    def write(self, data: bytes) -> None:
        """Give it some bytes."""
        self._given.write(data)
        self._given.flush()

    def wait_for(self, events: int) -> None:
        """Wait until so many events have arrived, and the command has read all that it was given."""
        while len(self._sandbox.ledger.events) < events or unread_bytes(self._given):
            assert self.process.poll() is None, "the command has ended"
            threading.Event().wait(LOOK_SECONDS)

    def end(self) -> int:
        """End its input, and return its exit code."""
        self._given.close()
        return self.process.wait(timeout=60)


def unread_bytes(pipe: IO[bytes]) -> int:
    """Return how many bytes of a pipe nobody has read yet."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


@contextlib.contextmanager
def feeding(
    command_line: CommandLine, sandbox: RunningSandbox, *options: str, blocking: bool = True, **streams: Any
) -> Iterator[Fed]:
    """Deliver from a pipe that the test writes to; `blocking` is how the command finds it."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, blocking)
    command = [sys.executable, "-m", MODULE, "deliver", "-", "--base-url", sandbox.base_url, *options]
    outputs = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}
    with os.fdopen(write_end, "wb") as given:
        process = subprocess.Popen(
            command, cwd=command_line.folder, env=command_line.environment, stdin=read_end, **outputs
        )
        os.close(read_end)
        try:
            yield Fed(process, given, sandbox)
        finally:
            process.kill()
            process.wait()
