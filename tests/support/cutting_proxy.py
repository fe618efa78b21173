"""A proxy in front of PostgreSQL that cuts connections: before a commit reaches the server, before its answer, now."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMMIT = b"COMMIT\x00"
_BYTES = 65_536


class CuttingProxy:
    """Passes bytes on. `cut` says what happens to the next commits: "before", "after", or "passed" on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut: list[str] = []
        self.resets = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        """Accept no more, and cut all connections."""
        self._end(self._listener)
        self.cut_all()
        for thread in self._threads:
            thread.join(timeout=10)
        for connection in (self._listener, *self._open):
            connection.close()

    def accept_no_more(self) -> None:
        """Accept no connection any more; those that are open stay until one is cut."""
        self._end(self._listener)

    def cut_all(self) -> None:
        """Cut all connections."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def reset_all(self) -> None:
        """Break all connections off as a router does that has forgotten them. `resets` counts them."""
        with self._lock:
            for connection in self._open:
                if _reset(connection):
                    self.resets += 1

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open |= {client, server}
                lost = threading.Event()
                self._start(self._pass_requests, client, server, lost)
                self._start(self._pass_answers, server, client, lost)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _pass_requests(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_BYTES):
                fate = self._fate(data)
                if fate == "before":
                    break
                if fate == "after":
                    # The server works on it, and its answer goes nowhere.
                    lost.set()
                server.sendall(data)
        if lost.is_set():
            return
        self._end(client, server)

    def _pass_answers(self, server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_BYTES):
                if lost.is_set():
                    break
                client.sendall(data)
        self._end(client, server)

    def _fate(self, data: bytes) -> str:
        with self._lock:
            return self.cut.pop(0) if _COMMIT in data and self.cut else "passed"

    def _end(self, *connections: socket.socket) -> None:
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> bool:
    """Send a reset to the other end, while others wait for what it sends; return whether it was connected."""
    with contextlib.suppress(OSError):
        connection.getpeername()
        # To connect to no address ends a connection at once. Only C can say so.
        nowhere = struct.pack("H14x", socket.AF_UNSPEC)
        ctypes.CDLL(None).connect(connection.fileno(), nowhere, len(nowhere))
        return True
    return False


@contextlib.contextmanager
def cutting_proxy(target: int) -> Iterator[CuttingProxy]:
    """Run a proxy in front of a port of this machine."""
    proxy = CuttingProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
