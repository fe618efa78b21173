"""A real HTTP server whose answers are scripted, for every fault that the sandbox does not have."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class ScriptedServer:
    """A server that gives scripted answers and remembers what it was sent."""

    base_url: str
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[bytes]:
        """The bodies that it was sent, in the order of their arrival."""
        return [body for _, _, _, body in self.requests]


@contextlib.contextmanager
def scripted_server(answer: Callable[[int], Answer]) -> Iterator[ScriptedServer]:
    """Serve scripted answers on a free loopback port."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with lock:
                number = len(server.requests)
                server.requests.append((self.command, self.path, dict(self.headers.items()), body))
            status, headers, content = answer(number)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST  # noqa: N815 - their names upstream

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
            """Keep the test's output clean."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = ScriptedServer(f"http://127.0.0.1:{http.server_address[1]}")
    with serving(http):
        yield server
