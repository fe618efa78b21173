"""Messages over a socket: two lengths, a head of so many bytes, and a body of so many."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTHS = struct.Struct("!QQ")
_SENT_AT_ONCE = 64


class Message(NamedTuple):
    """A message on its way: its body comes in parts, so nobody has to join them before."""

    head: bytes
    body: Sequence[bytes | memoryview] = ()


def send(connection: socket.socket, message: Message) -> None:
    """Send a message. Raises OSError when nobody reads it any more."""
    lengths = _LENGTHS.pack(len(message.head), sum(map(len, message.body)))
    parts = [memoryview(part) for part in (lengths, message.head, *message.body)]
    while parts:
        sent = connection.sendmsg(parts[:_SENT_AT_ONCE])
        while parts and sent >= len(parts[0]):
            sent -= len(parts.pop(0))
        if sent:
            parts[0] = parts[0][sent:]


def receive(connection: socket.socket) -> tuple[bytes, bytes] | None:
    """Receive head and body of a message; None if the other side has ended, even within a message."""
    try:
        lengths = _exactly(connection, _LENGTHS.size)
        if lengths is None:
            return None
        head_length, body_length = _LENGTHS.unpack(lengths)
        head = _exactly(connection, head_length)
        body = _exactly(connection, body_length)
    except OSError:
        return None
    return None if head is None or body is None else (head, body)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    """Receive so many bytes.

    It is one wait in the kernel however many there are: a thread that came back for each part of them would have to
    wait for its turn in the interpreter each time.
    """
    if not size:
        return b""
    data = connection.recv(size, socket.MSG_WAITALL)
    while data and len(data) < size:
        more = connection.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            return None
        data += more
    return data or None
