"""What a fork server is asked and what it answers. It imports little, since every command of a shell does."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

INTEGER = struct.Struct("!i")
_MOST_DESCRIPTORS = 64


def connect(address: str) -> socket.socket:
    """Connect to the server."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    return connection


def send_request(
    connection: socket.socket,
    command: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    descriptors: Mapping[int, int],
    *,
    installed: str = "",
    before: str = "",
    ignored: Sequence[int] = (),
    ends_early: bool = True,
) -> None:
    """Ask for a program.

    It has the descriptors of ours that are the values, under the numbers that are the keys, and ignores these signals.
    """
    request = {
        "command": [_text(word) for word in command],
        "folder": _text(folder),
        "environment": {_text(name): _text(value) for name, value in environment.items()},
        "installed": _text(installed),
        "before": before,
        "descriptors": list(descriptors),
        "ignored": list(ignored),
        "ends_early": ends_early,
    }
    text = json.dumps(request).encode()
    socket.send_fds(connection, [INTEGER.pack(len(text))], list(descriptors.values()))
    connection.sendall(text)


def receive_request(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Receive what `send_request` sends: the request, to be read by `read_request`, and its descriptors.

    Raises EOFError.
    """
    header, descriptors, _, _ = socket.recv_fds(connection, INTEGER.size, _MOST_DESCRIPTORS)
    if not header:
        raise EOFError("nothing was asked")
    return exactly(connection, *INTEGER.unpack(header)), descriptors


def read_request(text: bytes) -> dict[str, Any]:
    """Read a request in the process that becomes the program: each has its own encoding of words."""
    request: dict[str, Any] = json.loads(text)
    request["command"] = [_word(word) for word in request["command"]]
    request["environment"] = {_word(name): _word(value) for name, value in request["environment"].items()}
    for name in ("folder", "installed"):
        request[name] = _word(request[name])
    return request


def read_integer(connection: socket.socket) -> int:
    """Receive a number: the process of a program, and later how it ended, as `subprocess` tells it."""
    (number,) = INTEGER.unpack(exactly(connection, INTEGER.size))
    return int(number)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Receive so many bytes. Raises EOFError."""
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the other side has ended")
        data += part
    return data


def _text(word: str) -> str:
    return os.fsencode(word).decode("latin-1")


def _word(text: str) -> str:
    return os.fsdecode(text.encode("latin-1"))
