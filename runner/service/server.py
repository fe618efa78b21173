"""The servers of the service: uvicorn on sockets of ours, with every size, number and time bounded."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ...definitions import Problem, SetupError
from .refusing import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from ..configuration.service_options import ServiceOptions

MOST_HEADER_BYTES = 64 * 1024
HEADER_SECONDS = 20.0
"""How long a client may take to send the headers of a request, once it has begun."""

_KEEP_ALIVE_SECONDS = 75
_OTHER_FILES = 300
"""Files that are open beside the connections of clients: the outbox, and connections to the destination."""

_BACKLOG = 2048
_MOST_REFUSED = 100
"""So many connections above the limit are answered that there are too many; others are only ended."""


class BoundedConfig(uvicorn.Config):
    """The configuration of a server, with limits that uvicorn has not."""

    header_seconds = HEADER_SECONDS
    most_connections = 1


class BoundedProtocol(HttpToolsProtocol):
    """Ends connections that take more than they may: uvicorn bounds neither headers nor what follows an answer.

    Trailers count as headers. A connection above the number that is allowed is answered so, and ended; uvicorn itself
    would turn down all others too.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the headers of the first request."""
        assert isinstance(self.config, BoundedConfig)  # noqa: S101 - the server below makes it
        self._header_seconds = self.config.header_seconds
        self._header_bytes = 0
        self._trailer_bytes = 0
        self._is_draining = False
        self._timer: asyncio.TimerHandle | None = None
        most = self.config.most_connections
        super().connection_made(transport)
        if len(self.connections) > most:
            self.app = refuse
            if len(self.connections) > most + _MOST_REFUSED:
                transport.abort()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives while headers do."""
        if not self._is_draining and (self._timer is not None or self._header_bytes):
            self._header_bytes += len(data)
        super().data_received(data)
        # Of what has arrived together with the end of the headers, the rest is body.
        if self._header_bytes > MOST_HEADER_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin to watch the headers of a request."""
        super().on_message_begin()
        self._trailer_bytes = 0
        if self._timer is None:
            self._watch()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; count the trailers, which follow a body in chunks, and forget them."""
        if self._timer is not None:
            super().on_header(name, value)
            return
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > MOST_HEADER_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Stop watching."""
        self._unwatch()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Begin to watch the rest of a body that nobody reads any more: it may be endless."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and self._timer is None:
            # It is read, though: a client that is cut off while it sends does not see the answer.
            self._is_draining = True
            self._watch()

    def on_message_complete(self) -> None:
        """Stop watching the rest of a body."""
        if self._is_draining:
            self._is_draining = False
            self._unwatch()
        super().on_message_complete()

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self._header_seconds, self._too_slow)

    def _unwatch(self) -> None:
        self._header_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        self.transport.abort()


class Server(uvicorn.Server):
    """A server on one socket, within a program that handles signals itself.

    `certificates` is the folder that the paths of the certificate begin at; without it, there is no TLS.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, options: ServiceOptions, *, certificates: Path | None = None
    ) -> None:
        security: dict[str, Any] = {}
        if certificates is not None and options.certificate is not None:
            security["ssl_certfile"] = str(certificates / options.certificate)
            if options.certificate_key is not None:
                security["ssl_keyfile"] = str(certificates / options.certificate_key)
        config = BoundedConfig(
            app,
            access_log=False,
            backlog=_BACKLOG,
            forwarded_allow_ips=options.trusted_proxies,
            http=BoundedProtocol,
            lifespan="off",
            log_config=None,
            log_level="error",
            proxy_headers=bool(options.trusted_proxies),
            server_header=False,
            timeout_graceful_shutdown=int(options.request_seconds) + 1,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            ws="none",
            **security,
        )
        config.header_seconds = min(HEADER_SECONDS, options.request_seconds)
        config.most_connections = possible_connections(options.connections)
        try:
            config.load()
        except OSError as error:
            raise _unusable_certificate(error) from None
        super().__init__(config)
        self._listener = listener
        self.listens = asyncio.Event()
        self.base_url = _base_url(listener, is_secure=bool(security))

    def renew_certificate(self) -> None:
        """Read the certificate again: new connections get it. Raises SetupError."""
        config = self.config
        if config.ssl is not None and config.ssl_certfile is not None:
            try:
                config.ssl.load_cert_chain(config.ssl_certfile, config.ssl_keyfile)
            except OSError as error:
                raise _unusable_certificate(error) from None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program: several servers end together, and the deliveries after them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self.listens.set()

    async def run_until_ended(self) -> None:
        """Serve until `end`, and until open requests are answered."""
        await self.serve(sockets=[self._listener])

    def end(self) -> None:
        """Listen no more."""
        self.should_exit = True


def possible_connections(asked: int) -> int:
    """Let this process open as many files as connections need; return how many connections there can be."""
    try:
        import resource  # noqa: PLC0415 - not every platform has it
    except ImportError:
        return asked
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = asked + _OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    return asked if soft == resource.RLIM_INFINITY else max(1, min(asked, soft - _OTHER_FILES))


def _unusable_certificate(error: OSError) -> SetupError:
    return SetupError.of([Problem("service.certificate", f"cannot be used: {error.strerror or error}")])


def listen(host: str, port: int, *, host_place: str, port_place: str) -> socket.socket:
    """Return a socket that listens. Raises SetupError; the places name the options."""
    try:
        # The protocol must be named: asyncio sends without delay only on sockets that say they are TCP.
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError):
        raise SetupError.of([Problem(host_place, f"{host!r} is not an address of this machine")]) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        told = f"{host}:{port} cannot be listened on: {error.strerror or error}"
        raise SetupError.of([Problem(port_place, told)]) from None
    return listener


def _base_url(listener: socket.socket, *, is_secure: bool) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "https" if is_secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
