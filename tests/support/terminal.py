"""A command in a real terminal: what a person sees there, and what a person types."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import CommandLine
    from running_program import RunningProgram

CTRL_C, CTRL_D = "\x03", "\x04"
_DEADLINE = 60.0
_OF_ITS_OWN = """
import fcntl, os, signal, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
# Whoever runs the tests in the background lets them ignore Ctrl-C, which would be inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


@dataclass
class Terminal:
    """A running command whose input and outputs are one terminal."""

    process: RunningProgram
    master: int
    shown: str = ""
    _from: int = field(default=0, repr=False)

    def wait_for(self, text: str) -> None:
        """Read until a text appears after what was waited for before."""
        end = time.monotonic() + _DEADLINE
        while text not in self.shown[self._from :]:
            assert time.monotonic() < end, f"{text!r} does not appear in\n{self.shown}"
            assert self._read(), f"the command has ended without {text!r}:\n{self.shown}"
        self._from = self.shown.index(text, self._from) + len(text)

    def type(self, text: str) -> None:
        """Type a text, which may hold CTRL_C, or CTRL_D at the beginning of a line."""
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=_DEADLINE)

    def echoes(self) -> bool:
        """Return whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def _read(self) -> bool:
        """Read what is there, waiting for it; return False when the command has closed the terminal."""
        ready, _, _ = select.select([self.master], [], [], _DEADLINE)
        assert ready, f"nothing more appears after\n{self.shown}"
        try:
            block = os.read(self.master, 65_536)
        except OSError:
            # Linux reports the end of the other side as an error.
            return False
        self.shown += block.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(block)


@contextlib.contextmanager
def terminal(command_line: CommandLine, *arguments: str, **environment: str) -> Iterator[Terminal]:
    """Run a command in a terminal of its own, which is its controlling terminal, so that Ctrl-C reaches it."""
    master, slave = pty.openpty()
    process = command_line.start_with(
        slave, slave, slave, *arguments, before=_OF_ITS_OWN, environment={"TERM": "xterm", **environment}
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
