"""Messages over a socket: eight bytes with the length, then so many bytes."""

from __future__ import annotations

import socket
import struct

_LENGTH = struct.Struct("!Q")


def send(connection: socket.socket, message: bytes) -> None:
    """Send a message. Raises OSError when nobody reads it any more."""
    connection.sendall(_LENGTH.pack(len(message)))
    connection.sendall(message)


def receive(connection: socket.socket) -> bytearray | None:
    """Receive a message; None if the other side has ended, even within a message.

    It is one wait in the kernel however long the message is: a thread that came back for each part of it would have to
    wait for its turn in the interpreter each time.
    """
    head = _exactly(connection, _LENGTH.size)
    return None if head is None else _exactly(connection, *_LENGTH.unpack(head))


def _exactly(connection: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        try:
            count = connection.recv_into(view[filled:], 0, socket.MSG_WAITALL)
        except OSError:
            return None
        if not count:
            return None
        filled += count
    return data
