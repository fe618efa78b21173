"""The sandbox on a real socket: in the foreground for the command line, in a thread for tests and other programs."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Event
from typing import TYPE_CHECKING

import uvicorn

from .app import create_app
from .credentials import DEFAULT_API_KEY, DEFAULT_CLIENT_ID
from .faults import FaultPlan
from .ledger import Ledger
from .recorder import RequestLog, create_recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

    from ...definitions import Redactor
    from .faults import Faults
    from .mishaps import HangUp

_GRACE_SECONDS = 1
_HIGHEST_PORT = 65_535
_LOOPBACK = "127.0.0.1"


def serve(
    *,
    host: str = _LOOPBACK,
    port: int = 0,
    client_id: str = DEFAULT_CLIENT_ID,
    api_key: str = DEFAULT_API_KEY,
    announce: Callable[[str], None],
    allow_remote: bool = False,
    faults: Faults | None = None,
) -> None:
    """Serve a sandbox until SIGINT or SIGTERM, then return.

    Port 0 takes a free one. `announce` is called once with the base URL, as soon as the sandbox listens there. Raises
    ValueError for a credential that no header can carry, for a port that does not exist, and for a host beyond this
    machine unless `allow_remote`; OSError when the address cannot be had.
    """
    plan = FaultPlan(faults)
    _serve(
        lambda hang_up: create_app(client_id=client_id, api_key=api_key, faults=plan, hang_up=hang_up),
        host,
        port,
        announce,
        allow_remote=allow_remote,
    )


def serve_recorder(
    *,
    host: str = _LOOPBACK,
    port: int = 0,
    redactor: Redactor,
    announce: Callable[[str], None],
    allow_remote: bool = False,
    faults: Faults | None = None,
) -> None:
    """Serve a sandbox that records the requests of any destination, likewise. `redactor` masks the secrets in them."""
    log, plan = RequestLog(redactor), FaultPlan(faults)
    _serve(
        lambda hang_up: create_recorder(log=log, faults=plan, hang_up=hang_up),
        host,
        port,
        announce,
        allow_remote=allow_remote,
    )


def _serve(
    make_app: Callable[[HangUp], ASGIApp], host: str, port: int, announce: Callable[[str], None], *, allow_remote: bool
) -> None:
    with _listen(host, port, allow_remote=allow_remote) as listener:
        server = _Server(lambda: announce(_base_url(listener)))
        server.serve_app(make_app(server.hang_up))
        server.run(sockets=[listener])


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves in this process; its ledger is the live one."""

    base_url: str
    ledger: Ledger
    faults: FaultPlan


@contextmanager
def running_sandbox(*, client_id: str = DEFAULT_CLIENT_ID, api_key: str = DEFAULT_API_KEY) -> Iterator[RunningSandbox]:
    """Serve a sandbox from a thread, on a free loopback port, for as long as the block lasts.

    Raises ValueError for a credential that no header can carry.
    """
    ledger, faults = Ledger(), FaultPlan()
    listening = Event()
    server = _Server(listening.set)
    server.serve_app(
        create_app(client_id=client_id, api_key=api_key, ledger=ledger, faults=faults, hang_up=server.hang_up)
    )
    with _listen(_LOOPBACK, 0, allow_remote=False) as listener, ThreadPoolExecutor(1, "kable-sandbox") as thread:
        base_url = _base_url(listener)
        serving = thread.submit(server.run, sockets=[listener])
        serving.add_done_callback(lambda _: listening.set())
        try:
            listening.wait()
            yield RunningSandbox(base_url, ledger, faults)
        finally:
            server.should_exit = True
            serving.result()


class _Server(uvicorn.Server):
    """A server that says when it listens, and that returns when a signal ends it."""

    def __init__(self, listening: Callable[[], None]) -> None:
        # Without a log configuration of its own, uvicorn leaves the logging of the program around it alone.
        config = uvicorn.Config(
            _not_there,
            access_log=False,
            lifespan="off",
            log_config=None,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            ws="none",
        )
        super().__init__(config)
        self._listening = listening

    def serve_app(self, app: ASGIApp) -> None:
        """Say what is served; it may hang up on its clients."""
        self.config.app = app

    def hang_up(self, client: tuple[str, int] | None) -> None:
        """End the connection of one client at once."""
        for connection in list(self.server_state.connections):
            if client is not None and tuple(getattr(connection, "client", None) or ()) == tuple(client):
                connection.transport.abort()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        """End what is still open, so a client that never finishes its request cannot hold up the end."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        # uvicorn would note the signal here, and raise it again once it has shut down.
        self.force_exit = self.should_exit
        self.should_exit = True


async def _not_there(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for what is served until it is known."""


def _listen(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    if not 0 <= port <= _HIGHEST_PORT:
        raise ValueError(f"There is no port {port}; give one from 1 to {_HIGHEST_PORT}, or 0 for a free one.")
    # The protocol must be named: asyncio sends without delay only on sockets that say they are TCP, and Nagle's
    # algorithm would hold every answer with a body back for 40 ms.
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    if not allow_remote and not ip_address(address[0]).is_loopback:
        raise ValueError(
            f"The sandbox would be open to other machines on {host}; "
            f"use {_LOOPBACK}, or allow remote connections explicitly."
        )
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
