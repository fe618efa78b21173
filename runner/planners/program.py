"""The program of a planner process: it reads chunks, plans them, and writes what they came to, until nobody asks.

It holds no state that matters, opens nothing, and may be killed at any moment.
"""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..delivery.planning import ChunkPlanner
from ..queues.preparing import preparation_for
from .connection import receive, send
from .messages import read_job, result_of

if TYPE_CHECKING:
    from ..configuration.recipe import Recipe

_OBJECTS_BEFORE_COLLECTION = 200_000
_IGNORED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a planner must know: the destination, whose fingerprint must be this, and how to plan for it."""

    recipe: Recipe
    fingerprint: str
    account: str
    batch_size: int | None
    counts_nobodies: bool
    scheme: str


READY = b"ready"
FAILED = b""
"""The answer for a chunk that could not be planned, though the planner goes on: it is planned by whoever asked."""


def main(descriptor: int) -> None:
    """Plan for the process at the other end of a socket."""
    # A terminal sends Ctrl-C to all its processes. The one that accepts decides when this one ends: by its own end.
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _IGNORED)
    connection = socket.socket(fileno=descriptor)
    message = receive(connection)
    if message is None:
        return
    set_up: SetUp = pickle.loads(message)  # noqa: S301 - it comes from the process that has started this one
    destination = set_up.recipe.set_up()
    if destination.fingerprint != set_up.fingerprint:
        # What is installed has changed since the other process began.
        return
    planner = ChunkPlanner(
        destination, set_up.account, batch_size=set_up.batch_size, counts_nobodies=set_up.counts_nobodies
    )
    preparation = preparation_for(set_up.scheme)
    messages: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(connection, messages), daemon=True).start()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    send(connection, READY)
    while True:
        chunk, oldest = read_job(messages.get())
        try:
            answer = result_of(planner.plan([chunk], oldest), preparation)
        except Exception:  # noqa: BLE001 - whoever asked meets it again, and says what it is
            answer = FAILED
        try:
            send(connection, answer)
        except OSError:
            os._exit(0)


def _read(connection: socket.socket, messages: queue.SimpleQueue[bytearray]) -> None:
    """Read the next chunk while one is planned; end the process when the other side has ended."""
    while (message := receive(connection)) is not None:
        messages.put(message)
    os._exit(0)
