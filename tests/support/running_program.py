"""A program that a fork server has started, used as `subprocess.Popen` is."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress
from threading import Thread
from typing import IO, TYPE_CHECKING

from fork_messages import read_integer

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self


class RunningProgram:
    """A program that runs. Its server tells by the connection which process it is, and how it ended."""

    def __init__(self, command: Sequence[str], connection: socket.socket) -> None:
        """Take over the connection; whoever has pipes to the program adds our ends of them."""
        self.args = list(command)
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        self._connection = connection
        self.pid = read_integer(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pipe in (self.stdin, self.stdout, self.stderr):
            _close(pipe)
        self.wait()

    def poll(self) -> int | None:
        """Return the exit code, or None while the program runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code. Raises TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], seconds)[0]:
            self.returncode = read_integer(self._connection)
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if the program still runs."""
        if self.poll() is None:
            # It may have ended just now.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the program to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the program at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, data: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Write the input and return all output. After the timeout, kill the program and raise TimeoutExpired."""
        outputs: dict[str, bytes] = {}

        def write() -> None:
            # A program may end before it has read its input.
            with suppress(BrokenPipeError):
                if data and self.stdin is not None:
                    self.stdin.write(data)
            _close(self.stdin)

        def read(name: str, pipe: IO[bytes] | None) -> None:
            outputs[name] = pipe.read() if pipe is not None else b""
            _close(pipe)

        # A pipe holds 64 KiB only, so that all three must be served at the same time.
        threads = [
            Thread(target=write),
            Thread(target=read, args=("stdout", self.stdout)),
            Thread(target=read, args=("stderr", self.stderr)),
        ]
        for thread in threads:
            thread.start()
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            for thread in threads:
                thread.join()
        return outputs["stdout"], outputs["stderr"]


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()
