"""A planner process as the process sees it that has started it."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from .connection import receive, send

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from kable_destination.runner.planners.program import main; main(int(sys.argv[1]))"
)
_BLOCKED = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


class PlannerProcess:
    """Starts a planner, passes messages to it, and calls back in the event loop with its answers and its end.

    A fresh interpreter: a fork of this process would have copies of its locks, and of the outbox. Two threads wait for
    the pipe, since a message is as long as a chunk.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        set_up: bytes,
        *,
        answered: Callable[[PlannerProcess, bytearray], None],
        ended: Callable[[PlannerProcess], None],
    ) -> None:
        self._loop = loop
        self._set_up = set_up
        self._answered = answered
        self._ended = ended
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_killed = False
        self._thread = threading.Thread(target=self._run, name="planner", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The number of the process; None before it is started."""
        process = self._process
        return None if process is None else process.pid

    def send(self, message: bytes) -> None:
        """Send a message, when those before it have been sent."""
        self._messages.put(message)

    def kill(self) -> None:
        """End the process at once; `ended` is called."""
        with self._lock:
            self._is_killed = True
            if self._process is not None:
                self._process.kill()

    def join(self) -> None:
        """Wait until the process has ended and is forgotten by the system."""
        self._thread.join()

    def _run(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            with ours:
                try:
                    process = self._start(theirs)
                except OSError:
                    return
                finally:
                    theirs.close()
                writer = threading.Thread(target=self._write, args=(ours,), name="to planner", daemon=True)
                writer.start()
                while (message := receive(ours)) is not None:
                    self._call(self._answered, self, message)
                process.kill()
                process.wait()
                # What it has not read is of no use to anybody.
                with contextlib.suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)
                self._messages.put(None)
                writer.join()
        finally:
            self._call(self._ended, self)

    def _start(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P"]
        arguments = [str(theirs.fileno()), json.dumps(sys.path)]
        # Until the program ignores them itself: a terminal sends Ctrl-C to all of its processes. A process inherits
        # what the thread blocks that starts it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        with self._lock:
            process = subprocess.Popen(
                [*command, "-c", _PROGRAM, *arguments], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
            self._process = process
            if self._is_killed:
                process.kill()
        return process

    def _write(self, connection: socket.socket) -> None:
        try:
            send(connection, self._set_up)
            while (message := self._messages.get()) is not None:
                send(connection, message)
        except OSError:
            # It has ended. What it was asked is asked again, of another.
            return

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        # When the loop is closed, nobody waits for it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)
