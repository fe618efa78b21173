"""The planner server: a process without threads that forks planners, so each starts at once and shares memory.

It is a fork of a process that has no threads yet, or a fresh interpreter: a fork of a process with threads would have
copies of locks that nobody opens any more.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .connection import Message, receive, send
from .program import Way, plan_for

if TYPE_CHECKING:
    from ...definitions import Destination
    from ..configuration.recipe import Recipe

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from kable_destination.runner.planners.server import main; main(int(sys.argv[1]))"
)
_IGNORED = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
_COMMAND = struct.Struct("!ci")
_NUMBER = struct.Struct("!i")
_START, _KILL = b"S", b"K"
_REAP_SECONDS = 1.0
_OBJECTS_BEFORE_COLLECTION = 200_000


@dataclass(frozen=True, slots=True)
class _SetUp:
    """What a fresh interpreter must know; the destination must have this fingerprint."""

    recipe: Recipe
    fingerprint: str
    way: Way


class PlannerServer:
    """The server, as the process sees it that plans by it. It ends with this process, and all planners with it."""

    def __init__(self, connection: socket.socket, process: subprocess.Popen[bytes] | int) -> None:
        self._connection = connection
        self._process = process
        # Planners are started and killed from several threads.
        self._lock = threading.Lock()

    @classmethod
    def forked(cls, destination: Destination, way: Way) -> PlannerServer | None:
        """Fork a server from this process; None if it has threads, or the system has no fork."""
        if not hasattr(os, "fork") or _has_threads():
            return None
        ours, theirs = socket.socketpair()
        # Until the server ignores them: a terminal sends Ctrl-C to all of its processes.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        try:
            number = os.fork()
            if not number:
                _be_server(theirs, ours, destination, way)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        return cls(ours, number)

    @classmethod
    def fresh(cls, recipe: Recipe, fingerprint: str, way: Way) -> PlannerServer | None:
        """Start a server in a fresh interpreter, which takes as long as to import everything; None if it cannot be.

        The settings go through the socket: arguments and environment of a process can be seen by others.
        """
        if not hasattr(os, "fork") or not sys.executable:
            return None
        ours, theirs = socket.socketpair()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            theirs.close()
        server = cls(ours, process)
        send(ours, Message(pickle.dumps(_SetUp(recipe, fingerprint, way))))
        return server

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process if isinstance(self._process, int) else self._process.pid

    def start(self) -> tuple[socket.socket, int]:
        """Start a planner; return the socket to it and its number. Raises OSError if the server has ended."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                socket.send_fds(self._connection, [_COMMAND.pack(_START, 0)], [theirs.fileno()])
                number = self._connection.recv(_NUMBER.size, socket.MSG_WAITALL)
        except OSError:
            ours.close()
            raise
        if len(number) < _NUMBER.size:
            ours.close()
            raise OSError("the server of planners has ended")
        return ours, _NUMBER.unpack(number)[0]

    def kill(self, planner: int) -> None:
        """End a planner at once. The server does it, which knows that the number is still that of the planner."""
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(_COMMAND.pack(_KILL, planner))

    def close(self) -> None:
        """End the server and all planners, and wait for that."""
        # A shutdown wakes those who wait for an answer; a close does not.
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        if isinstance(self._process, int):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._process, 0)
        else:
            self._process.wait()


def main(descriptor: int) -> None:
    """Be a server in a fresh interpreter."""
    _ignore_signals()
    connection = socket.socket(fileno=descriptor)
    message = receive(connection)
    if message is None:
        return
    set_up: _SetUp = pickle.loads(message[0])  # noqa: S301 - it comes from the process that has started this one
    destination = set_up.recipe.set_up()
    # Otherwise what is installed has changed since the other process began, which plans by itself then.
    if destination.fingerprint == set_up.fingerprint:
        _serve(connection, destination, set_up.way)


def _be_server(connection: socket.socket, other_end: socket.socket, destination: Destination, way: Way) -> None:
    """Be a server in a fork; never return."""
    try:
        other_end.close()
        _ignore_signals()
        # A pipe that is read by the other process belongs to that alone.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        _serve(connection, destination, way)
    finally:
        # What the other process does at its end is not for its fork.
        os._exit(0)


def _ignore_signals() -> None:
    """Let the process that accepts decide when this one ends, by its own end."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _IGNORED)


def _serve(connection: socket.socket, destination: Destination, way: Way) -> None:
    """Start and kill planners until the other side ends; then end all of them."""
    # The collector leaves alone what is shared: it would copy all of it into each planner.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    planners: set[int] = set()
    while True:
        planners -= _ended()
        if not select.select([connection], [], [], _REAP_SECONDS)[0]:
            continue
        try:
            head, descriptors, _, _ = socket.recv_fds(connection, _COMMAND.size, 1)
        except OSError:
            head = b""
        if len(head) < _COMMAND.size:
            break
        command, planner = _COMMAND.unpack(head)
        planners -= _ended()
        if command == _KILL and planner in planners:
            os.kill(planner, signal.SIGKILL)
        for descriptor in descriptors:
            number = os.fork()
            if not number:
                _be_planner(connection, descriptor, destination, way)
            os.close(descriptor)
            planners.add(number)
            connection.sendall(_NUMBER.pack(number))
    for number in planners:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)


def _be_planner(server: socket.socket, descriptor: int, destination: Destination, way: Way) -> None:
    """Be a planner in a fork of the server; never return."""
    try:
        server.close()
        plan_for(socket.socket(fileno=descriptor), destination, way)
    finally:
        os._exit(1)


def _ended() -> set[int]:
    """Return the planners that have ended since they were asked for."""
    ended = set()
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.add(found[0])
    return ended


def _has_threads() -> bool:
    tasks = Path("/proc/self/task")
    return threading.active_count() > 1 or (tasks.exists() and len(list(tasks.iterdir())) > 1)
