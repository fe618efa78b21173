"""The servers of the service: uvicorn on sockets of ours, with every size, number and time bounded."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ...definitions import Problem, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from ..configuration.service_options import ServiceOptions

MOST_HEADER_BYTES = 64 * 1024
HEADER_SECONDS = 20.0
"""How long a client may take to send the headers of a request, once it has begun."""

_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose headers are too long, or take too long: uvicorn bounds neither."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the headers of the first request."""
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives while headers do."""
        if self._header_timer is not None or self._header_bytes:
            self._header_bytes += len(data)
        super().data_received(data)
        # Of what has arrived together with the end of the headers, the rest is body.
        if self._header_bytes > MOST_HEADER_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin to watch the headers of a request."""
        super().on_message_begin()
        if self._header_timer is None:
            self._watch()

    def on_headers_complete(self) -> None:
        """Stop watching."""
        self._unwatch()
        super().on_headers_complete()

    def _watch(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _unwatch(self) -> None:
        self._header_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._header_timer = None
        self.transport.abort()


class Server(uvicorn.Server):
    """A server on one socket, within a program that handles signals itself."""

    def __init__(
        self, app: ASGIApp, listener: socket.socket, options: ServiceOptions, folder: Path, *, tls: bool
    ) -> None:
        security: dict[str, Any] = {}
        if tls and options.certificate is not None:
            security["ssl_certfile"] = str(folder / options.certificate)
            if options.certificate_key is not None:
                security["ssl_keyfile"] = str(folder / options.certificate_key)
        config = uvicorn.Config(
            app,
            access_log=False,
            backlog=_BACKLOG,
            forwarded_allow_ips=options.trusted_proxies,
            http=BoundedProtocol,
            lifespan="off",
            limit_concurrency=options.connections,
            log_config=None,
            log_level="error",
            proxy_headers=bool(options.trusted_proxies),
            server_header=False,
            timeout_graceful_shutdown=int(options.request_seconds) + 1,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            ws="none",
            **security,
        )
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


def _unusable_certificate(error: OSError) -> SetupError:
    return SetupError.of([Problem("service.certificate", f"cannot be used: {error.strerror or error}")])


def listen(place: str, host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises SetupError."""
    try:
        # The protocol must be named: asyncio sends without delay only on sockets that say they are TCP.
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError):
        raise SetupError.of([Problem(f"{place}ost", f"{host!r} is not an address of this machine")]) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        told = f"{host}:{port} cannot be listened on: {error.strerror or error}"
        raise SetupError.of([Problem(f"{place}ort", told)]) from None
    return listener


def _base_url(listener: socket.socket, *, is_secure: bool) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "https" if is_secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
