"""A server that a function scripts for each connection, for faults below HTTP. Speaks TLS with a certificate."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def read_request(connection: socket.socket) -> bytes:
    """Read one request with a Content-Length, or without a body; empty at the end of the connection."""
    text = b""
    while b"\r\n\r\n" not in text:
        block = connection.recv(65_536)
        if not block:
            return b""
        text += block
    head, _, body = text.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def talking_server(
    talk: Callable[[socket.socket, int], None], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[int]]]:
    """Serve on a free loopback port; give the port, and the numbers of the connections as they come."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    connections: list[int] = []

    def serve(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection:
            if tls is None:
                talk(connection, number)
                return
            with tls.wrap_socket(connection, server_side=True) as secure:
                talk(secure, number)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(len(connections))
            thread = threading.Thread(target=serve, args=(connection, connections[-1]), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1], connections
    finally:
        # close() alone does not wake a thread in accept().
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join(timeout=10)
