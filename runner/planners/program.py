"""What a planner process does: it reads chunks, plans them, and writes the plans, until nobody asks.

It holds no state that matters, opens nothing, and may be killed at any moment.
"""

from __future__ import annotations

import os
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..delivery.planning import ChunkPlanner
from ..queues.preparing import preparation_for
from .connection import Message, receive, send
from .messages import read_job, result_of

if TYPE_CHECKING:
    import socket

    from ...definitions import Destination

READY = b"ready"
SALTED = b"="
"""The first message holds this and the salt of the queue; nothing if it has none."""
FAILED = b""
"""The answer for a chunk that could not be planned, though the planner continues: the caller plans it."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to plan: for which account and which queue, by its scheme, and what the options say."""

    account: str
    scheme: str
    batch_size: int | None = None
    counts_nobodies: bool = False


def plan_for(connection: socket.socket, destination: Destination, way: Way) -> None:
    """Plan for the process at the other end of a socket, until it ends."""
    planner = ChunkPlanner(destination, way.account, batch_size=way.batch_size, counts_nobodies=way.counts_nobodies)
    messages: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(connection, messages), daemon=True).start()
    send(connection, Message(READY))
    salt, _ = messages.get()
    preparation = preparation_for(way.scheme, salt.removeprefix(SALTED) if salt else None)
    while True:
        chunk, oldest = read_job(*messages.get())
        try:
            answer = result_of(planner.plan([chunk], oldest), preparation)
        except Exception:  # noqa: BLE001 - the caller meets it again, and says what it is
            answer = FAILED
        send(connection, Message(answer))


def _read(connection: socket.socket, messages: queue.SimpleQueue[tuple[bytes, bytes]]) -> None:
    """Read the next chunk while one is planned; end the process when the other side has ended."""
    while (message := receive(connection)) is not None:
        messages.put(message)
    os._exit(0)
