"""A planner as the process sees it that plans by it: messages, answers and its end, in the event loop."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import TYPE_CHECKING

from .connection import Message, receive, send

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .server import PlannerServer


class PlannerProcess:
    """Has a planner started, passes messages to it, and calls back in the event loop with its answers and its end.

    Two threads wait for the socket, since a message is as long as a chunk.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: PlannerServer,
        *,
        answered: Callable[[PlannerProcess, bytes], None],
        ended: Callable[[PlannerProcess], None],
    ) -> None:
        self._loop = loop
        self._server = server
        self._answered = answered
        self._ended = ended
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.pid: int | None = None
        self._connection: socket.socket | None = None
        self._is_killed = False
        self._thread = threading.Thread(target=self._run, name="planner", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Send a message, when those before it have been sent."""
        self._messages.put(message)

    def kill(self) -> None:
        """End the process at once; `ended` is called."""
        self._is_killed = True
        if self.pid is not None:
            self._server.kill(self.pid)
        self._hang_up()

    def _hang_up(self) -> None:
        """End the connection. If the server has ended, nobody else can end a planner: it ends when nobody asks it."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """Wait until the process has ended."""
        self._thread.join()

    def _run(self) -> None:
        try:
            connection, self.pid = self._server.start()
            with connection:
                self._connection = connection
                if self._is_killed:
                    self._hang_up()
                writer = threading.Thread(target=self._write, args=(connection,), name="to planner", daemon=True)
                writer.start()
                while (message := receive(connection)) is not None:
                    self._call(self._answered, self, message[0])
                # What it has not read is of no use to anybody.
                self._hang_up()
                self._messages.put(None)
                writer.join()
        except OSError:
            # There is no server any more.
            pass
        finally:
            self._call(self._ended, self)

    def _write(self, connection: socket.socket) -> None:
        # When it has ended, what it was asked is asked again, of another.
        with contextlib.suppress(OSError):
            while (message := self._messages.get()) is not None:
                send(connection, message)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        # When the loop is closed, nobody waits for it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)
