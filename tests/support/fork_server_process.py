"""The process of a fork server: it imports modules, then forks for each program that it is asked for.

python fork_server_process.py LISTENING ALIVE MODULE…

LISTENING is the descriptor of the socket where it is asked, and the server ends when nobody holds the other end of
ALIVE any more.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import io
import os
import runpy
import select
import signal
import site
import socket
import sys
import time
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING

from fork_messages import INTEGER, read_request, receive_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_BEYOND_ALL = 500
"""No descriptor here has so high a number."""
_READ_AT_START = ("PYTHON", "LC_", "LANG")
"""The beginnings of the names of variables that the interpreter itself reads, when it starts."""


class Server:
    """Forks for each program, and tells who asked for it which process it is, and how it ended."""

    def __init__(self, listening: socket.socket, alive: socket.socket) -> None:
        self._listening = listening
        self._alive = alive
        self._asked: dict[int, socket.socket] = {}
        self._woken, waking = os.pipe()
        for descriptor in (self._woken, waking):
            os.set_blocking(descriptor, False)
        # The end of a program wakes up the loop.
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any] | None:
        """Return a request in the process that was forked for it, and None at the end of the server."""
        while True:
            waiting: list[Any] = [self._listening, self._alive, self._woken, *self._asked.values()]
            readable, _, _ = select.select(waiting, [], [])
            if self._alive in readable:
                return None
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._tell_of_ends()
            for child, connection in self._asked.items():
                # Nothing more is asked, so who asked is gone: killed, perhaps, and its program with it.
                if connection in readable:
                    os.kill(child, signal.SIGKILL)
            if self._listening in readable and (request := self._fork()) is not None:
                return request

    def _fork(self) -> dict[str, Any] | None:
        connection, _ = self._listening.accept()
        try:
            text, descriptors = receive_request(connection)
        except (EOFError, OSError):
            # Who connected was killed before it asked.
            connection.close()
            return None
        child = os.fork()
        if child:
            for descriptor in descriptors:
                os.close(descriptor)
            self._asked[child] = connection
            with suppress(OSError):
                connection.sendall(INTEGER.pack(child))
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request = read_request(text)
        _take_over(descriptors, request["descriptors"])
        return request

    def _tell_of_ends(self) -> None:
        while self._asked:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            with self._asked.pop(child) as connection, suppress(OSError):
                connection.sendall(INTEGER.pack(os.waitstatus_to_exitcode(status)))


def _take_over(received: Sequence[int], numbers: Sequence[int]) -> None:
    """Have the received descriptors under these numbers, and no other."""
    # A number that is to be taken may still be that of another one.
    aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _BEYOND_ALL) for descriptor in received]
    os.closerange(0, _BEYOND_ALL)
    for descriptor, number in zip(aside, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def become(request: Mapping[str, Any]) -> None:
    """Be what the request asks for, to the end."""
    _check(request["environment"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    _open_streams()
    if request["installed"]:
        site.addsitedir(request["installed"])
    exec(request["before"], {})  # noqa: S102 - likewise
    _run(request["command"], request["folder"])


def _check(environment: Mapping[str, str]) -> None:
    """Refuse what would have made another interpreter of this one."""
    changed = {name for name, _ in environment.items() ^ os.environ.items() if name.startswith(_READ_AT_START)}
    # Python itself sets this one where no language is set.
    changed.discard("LC_CTYPE")
    assert not changed, f"a plain process is needed: {', '.join(sorted(changed))} are read when Python starts"


def _run(command: Sequence[str], folder: str) -> None:
    """Run what follows `python`, as the interpreter does."""
    first, *rest = command
    if first == "-m":
        sys.path[0], sys.argv[1:] = folder, rest[1:]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.path[0], sys.argv[:] = "", ["-c", *rest[1:]]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), vars(main))  # noqa: S102 - it is what was asked for
    else:
        sys.path[0], sys.argv[:] = os.path.dirname(os.path.realpath(first)), command  # noqa: PTH120 - as Python has it
        runpy.run_path(first, run_name="__main__")


class EarlyEnd:
    """Ends a program before the interpreter is taken apart, which would copy most of the memory of the server.

    Everything else has happened by then: the program's threads have ended, and its own functions were called.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        # The first to be registered is the last to be called.
        atexit.register(self._end)

    def _end(self) -> None:
        if self.code is None:
            return
        # Where that fails, the interpreter shall tell of it.
        with suppress(OSError, ValueError):
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(self.code)


def _open_streams() -> None:
    """Replace streams that remember what these descriptors were in the server: a file that can be rewound, perhaps."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(descriptor, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _stream(descriptor: int, like: io.TextIOWrapper) -> io.TextIOWrapper | None:
    # Output is written through where the interpreter was told to buffer none.
    buffering = 0 if descriptor and like.write_through else -1
    try:
        binary = open(descriptor, "wb" if descriptor else "rb", buffering, closefd=False)  # noqa: SIM115 - to the end
    except OSError:
        # It is closed, and a program has None then.
        return None
    return io.TextIOWrapper(
        binary,
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=like.line_buffering,
        write_through=like.write_through,
    )


if __name__ == "__main__":
    end = EarlyEnd()
    for name in sys.argv[3:]:
        importlib.import_module(name)
    # The collector leaves alone what is here already: it would copy all of it into each fork.
    gc.collect()
    gc.freeze()
    asked = Server(*(socket.socket(fileno=int(number)) for number in sys.argv[1:3])).serve()
    # Here, and not in a function, so that the program ends like any other: with nothing above it.
    if asked is not None:
        try:
            become(asked)
        except SystemExit as ended:
            if asked["ends_early"] and isinstance(ended.code, int):
                end.code = ended.code
            raise
        if asked["ends_early"]:
            end.code = 0
