"""Start Python programs from a process that has imported what they need, which takes a tenth of the time.

A program started here has a process, a folder, an environment and descriptors of its own, and ends as any Python
program does; only its imports are done already. Use a plain process where imports are the point.

A test starts one with `ForkServer.run` or `ForkServer.start`, and a shell with the words of `ForkServer.command`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fork_messages import connect, send_request
from running_program import RunningProgram

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUPPORT = Path(__file__).parent
_BACKLOG = 128


@dataclass(frozen=True)
class Program:
    """What to run, in words that may follow `python`: `-m MODULE`, `-c CODE` or a script, each with its arguments.

    - `installed`: a folder of packages that this program finds beside those of the server.
    - `before`: statements that its process runs before all else, such as `import os; os.setsid()`.
    - `ends_early`: unless it fails, its process ends without taking the interpreter apart, which takes longer than many
      a program. Everything that the program has asked for at its end is done before.
    """

    command: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    installed: str = ""
    before: str = ""
    ends_early: bool = True


class ForkServer:
    """A process that imports modules once, and forks for every program that is run."""

    def __init__(
        self, modules: Sequence[str], environment: dict[str, str], folder: Path, *, around: Sequence[str] = ()
    ) -> None:
        """Start the process, by way of another program where one is given."""
        self.environment = environment
        # In a folder of its own, since the path of a socket must be short.
        self._home = TemporaryDirectory(prefix="fork-")
        self._address = str(Path(self._home.name) / "socket")
        self._alive, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self._address)
            listening.listen(_BACKLOG)
            descriptors = (listening.fileno(), theirs.fileno())
            program = (sys.executable, str(_SUPPORT / "fork_server_process.py"), *map(str, descriptors), *modules)
            self._process = subprocess.Popen([*around, *program], pass_fds=descriptors, env=environment, cwd=folder)

    def run(self, program: Program, stdin: bytes = b"", timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end; after the timeout it is killed, and TimeoutExpired raised."""
        with self.start(program) as running:
            out, errors = running.communicate(stdin, timeout)
            return subprocess.CompletedProcess(running.args, running.wait(), out, errors)

    def start(self, program: Program) -> RunningProgram:
        """Start a program and leave it running, with pipes."""
        (stdin, our_stdin), (our_stdout, stdout), (our_stderr, stderr) = (os.pipe() for _ in range(3))
        running = self.start_with(program, stdin, stdout, stderr)
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        running.stdin = os.fdopen(our_stdin, "wb")
        running.stdout = os.fdopen(our_stdout, "rb")
        running.stderr = os.fdopen(our_stderr, "rb")
        return running

    def start_with(self, program: Program, stdin: int, stdout: int, stderr: int) -> RunningProgram:
        """Start a program and leave it running, with these descriptors as its own."""
        connection = connect(self._address)
        send_request(
            connection,
            program.command,
            program.folder,
            program.environment,
            {0: stdin, 1: stdout, 2: stderr},
            installed=program.installed,
            before=program.before,
            ends_early=program.ends_early,
        )
        return RunningProgram(program.command, connection)

    def command(self, installed: str = "-", *, ends_early: bool = True) -> list[str]:
        """Return what stands for `python` in a shell: a program that it runs is forked, with all that it has there.

        The options are as in Program; `-` is nothing installed.
        """
        end = "early" if ends_early else "whole"
        return [sys.executable, "-ES", str(_SUPPORT / "fork_client.py"), self._address, installed, end]

    def close(self) -> None:
        """End the process."""
        self._alive.close()
        self._process.wait(timeout=10)
        self._home.cleanup()
