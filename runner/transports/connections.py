"""Connections that are watched: bytes that come before a request was sent are not an answer to it.

HTTP/1.1 numbers nothing, so a response belongs to a request only because it comes after it on the same connection.
aiohttp keeps what an idle connection receives and takes it for the answer to the next request. Here such a connection
is closed instead. Only public parts are used: the connector's `connect`, and a protocol between aiohttp and its socket.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

_TURNS_TO_READ = 2
"""Turns of the event loop until it has read what its sockets held: it polls them in one, and reads in the next."""


class ConnectionUse:
    """The use of a connection for one request and its answer. `needs_new`: on a connection that was not used yet."""

    def __init__(self, *, needs_new: bool = False) -> None:
        self.needs_new = needs_new
        self.is_reused = False
        self._connection: _WatchedConnection | None = None

    @property
    def was_lost_while_idle(self) -> bool:
        """Whether the connection was a used one on which no answer began: the server may have closed it before."""
        return self.is_reused and self._connection is not None and not self._connection.has_answer

    @property
    def is_early(self) -> bool:
        """Whether the answer was complete while a part of the request was still here."""
        return self._connection is not None and self._connection.is_early

    def begin(self, connection: _WatchedConnection) -> None:
        """Take a connection."""
        self._connection = connection
        self.is_reused = connection.is_used
        connection.is_used = True
        connection.has_answer = connection.is_early = False

    def abort(self) -> None:
        """End the connection at once, whatever is still to be sent on it."""
        if self._connection is not None:
            self._connection.abort()

    def send(self) -> None:
        """Expect an answer from now on."""
        if self._connection is not None:
            self._connection.is_asked = True


connection_use: ContextVar[ConnectionUse] = ContextVar("connection_use")
"""The use for which this task asks the connector for a connection."""


class WatchedBody(aiohttp.Payload):
    """The body of a request. Head and body are written together, so the request is sent when this is."""

    def __init__(self, content: bytes, use: ConnectionUse) -> None:
        super().__init__(content)
        self._content = content
        self._use = use

    @property
    def size(self) -> int:
        """The length in bytes, for the header Content-Length."""
        return len(self._content)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return self._content.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body, and expect an answer from now on."""
        self._use.send()
        await writer.write(self._content)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        """Write the body, which is as long as the header says."""
        await self.write(writer)


class WatchingConnector(aiohttp.TCPConnector):
    """A pool of connections that gives none on which something came unasked."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - its name upstream
    ) -> Connection:
        """Return a connection on which nothing has come since its last answer. Raises ClientError."""
        use = connection_use.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol.transport is None:
                connection.close()
                raise aiohttp.ServerDisconnectedError
            watched = _watched(protocol, protocol.transport)
            try:
                for _ in range(_TURNS_TO_READ):
                    await asyncio.sleep(0)
            except BaseException:
                connection.close()
                raise
            if not (use.needs_new and watched.is_used) and not watched.is_spoilt and not protocol.should_close:
                connection.add_callback(watched.rest)
                use.begin(watched)
                return connection
            connection.close()
            if not watched.is_used:
                raise aiohttp.ServerDisconnectedError


class _WatchedConnection(asyncio.Protocol):
    """Passes on to aiohttp what a connection receives after a request, and closes it if it receives something else.

    - `is_asked`: a request was sent, and its answer is not complete.
    - `is_spoilt`: something came that is not an answer.
    - `is_early`: the latest bytes came while a part of the request was still here.
    """

    def __init__(self, handler: ResponseHandler, transport: asyncio.Transport) -> None:
        self.is_used = self.is_asked = self.is_spoilt = self.has_answer = self.is_early = False
        self._handler = handler
        self._transport = transport

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def rest(self) -> None:
        """Expect nothing until the next request."""
        self.is_asked = False

    def data_received(self, data: bytes) -> None:
        """Pass on a part of an answer."""
        if not self.is_asked:
            self.is_spoilt = True
            self.abort()
            return
        self.has_answer = True
        self.is_early = self._transport.get_write_buffer_size() > 0
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on the end of what the server sends."""
        self._handler.eof_received()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on the end of the connection."""
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the buffer is full."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the buffer has room."""
        self._handler.resume_writing()


def _watched(handler: ResponseHandler, transport: asyncio.Transport) -> _WatchedConnection:
    """Return the watch of a connection, which a new one is given here."""
    protocol = transport.get_protocol()
    if not isinstance(protocol, _WatchedConnection):
        protocol = _WatchedConnection(handler, transport)
        transport.set_protocol(protocol)
    return protocol
