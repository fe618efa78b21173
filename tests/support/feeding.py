"""A command that is fed by the test: event by event on its standard input, while it runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from running_program import RunningProgram

LOOK_SECONDS = 0.01


class Fed:
    """A running command: `write` gives it bytes, `wait_for` waits until so many events have arrived."""

    def __init__(self, process: RunningProgram, given: IO[bytes], sandbox: RunningSandbox) -> None:
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
    command_line: CommandLine,
    sandbox: RunningSandbox,
    *options: str,
    blocking: bool = True,
    stderr: int | None = None,
    before: str = "",
    ends_early: bool = True,
) -> Iterator[Fed]:
    """Deliver from a pipe that the test writes to; `blocking` is how the command finds it, and others as in Program."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, blocking)
    arguments = ("deliver", "-", "--base-url", sandbox.base_url, *options)
    with os.fdopen(write_end, "wb") as given, Path(os.devnull).open("wb") as nowhere:
        nothing = nowhere.fileno()
        errors = nothing if stderr is None else stderr
        process = command_line.start_with(read_end, nothing, errors, *arguments, before=before, ends_early=ends_early)
        os.close(read_end)
        try:
            yield Fed(process, given, sandbox)
        finally:
            process.kill()
            process.wait()
