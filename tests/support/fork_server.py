"""Start Python programs from a process that has imported what they need, which takes a tenth of the time.

A program started here has a process, a folder, an environment and pipes of its own, and ends as any Python program
does; only its imports are done already. Use a plain process where imports are the point.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_INTEGER = struct.Struct("!i")


@dataclass(frozen=True)
class Program:
    """A module to run as `python -m` does."""

    module: str
    arguments: tuple[str, ...]
    folder: str
    environment: dict[str, str]


class ForkServer:
    """A process that imports modules once, and forks for every program that is run."""

    def __init__(self, modules: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        ours, theirs = socket.socketpair()
        self._connection = ours
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno()), *modules]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, cwd=folder)

    def run(self, program: Program, stdin: bytes = b"", timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end; after the timeout it is killed, and TimeoutExpired raised."""
        (given, stdin_end), (out, out_end), (err, err_end) = (os.pipe() for _ in range(3))
        self._send(program, [given, out_end, err_end])
        for descriptor in (given, out_end, err_end):
            os.close(descriptor)
        outputs: dict[str, bytes] = {}
        threads = [
            Thread(target=_write, args=(os.fdopen(stdin_end, "wb"), stdin)),
            Thread(target=_read, args=(os.fdopen(out, "rb"), outputs, "out")),
            Thread(target=_read, args=(os.fdopen(err, "rb"), outputs, "err")),
        ]
        # A pipe holds 64 KiB only, so that all three must be served at the same time.
        for thread in threads:
            thread.start()
        (pid,) = _INTEGER.unpack(_exactly(self._connection, _INTEGER.size))
        ended, _, _ = select.select([self._connection], [], [], timeout)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        (code,) = _INTEGER.unpack(_exactly(self._connection, _INTEGER.size))
        for thread in threads:
            thread.join()
        if not ended:
            raise subprocess.TimeoutExpired([program.module, *program.arguments], timeout)
        return subprocess.CompletedProcess([program.module, *program.arguments], code, outputs["out"], outputs["err"])

    def _send(self, program: Program, descriptors: list[int]) -> None:
        text = json.dumps(asdict(program)).encode()
        socket.send_fds(self._connection, [_INTEGER.pack(len(text))], descriptors)
        self._connection.sendall(text)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.wait(timeout=10)


def _write(pipe: BinaryIO, data: bytes) -> None:
    # A program may end before it has read its input.
    with suppress(BrokenPipeError), pipe:
        pipe.write(data)


def _read(pipe: BinaryIO, outputs: dict[str, bytes], name: str) -> None:
    with pipe:
        outputs[name] = pipe.read()


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the other side has ended")
        data += part
    return data


def _serve(connection: socket.socket) -> Program | None:
    """Fork for each program; return the program in the fork, and None at the end of the server."""
    while True:
        header, descriptors, _, _ = socket.recv_fds(connection, _INTEGER.size, 3)
        if not header:
            return None
        text = _exactly(connection, *_INTEGER.unpack(header))
        child = os.fork()
        if not child:
            break
        connection.sendall(_INTEGER.pack(child))
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        connection.sendall(_INTEGER.pack(os.waitstatus_to_exitcode(status)))
    connection.close()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    return Program(**json.loads(text))


def _become(program: Program) -> None:
    os.chdir(program.folder)
    os.environ.clear()
    os.environ.update(program.environment)
    time.tzset()
    _open_streams_anew()
    sys.argv[1:] = program.arguments
    # As the interpreter itself does with -m.
    sys.path[0] = program.folder
    runpy.run_module(program.module, run_name="__main__", alter_sys=True)


def _open_streams_anew() -> None:
    """Replace streams that remember what these descriptors were in the server: a file that can be rewound, perhaps."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        stream = io.TextIOWrapper(
            open(descriptor, "wb" if descriptor else "rb", closefd=False),  # noqa: SIM115 - open to the end
            encoding=old.encoding,
            errors=old.errors,
            line_buffering=old.line_buffering,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        importlib.import_module(name)
    # The collector leaves alone what is here already: it would copy all of it into each fork.
    gc.collect()
    gc.freeze()
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    # Here, and not in a function, so that the program ends like any other: with nothing above it.
    if asked is not None:
        _become(asked)
