"""A proxy on a real socket, before a real service, with faults: it answers 429 or 503 itself, or hangs up."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HANG_UP = 0
"""A fault: the service has the request, but the client never gets the answer."""

_READABLE = "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Retry-After\r\n"
_BODY = '{"code":"fault","message":"a fault of the proxy"}'
_PASSED = ("access-control", "cache-control", "content-encoding", "content-type", "etag", "retry-after", "vary")


class _Server(ThreadingHTTPServer):
    # Old SDKs open a connection for each request, hundreds at a time.
    request_queue_size = 1024


@dataclass
class FaultyProxy:
    """A proxy that runs: what it was sent, and the faults that are left, by the number of the call (from 0)."""

    base_url: str
    faults: dict[int, int]
    calls: int = 0
    message_ids: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, body: bytes) -> int | None:
        """Note a call with events; return its fault, if it has one."""
        call = json.loads(body)
        with self.lock:
            self.message_ids.update(event["messageId"] for event in call.get("batch", [call]))
            self.calls += 1
            return self.faults.pop(self.calls - 1, None)


@contextlib.contextmanager
def faulty_proxy(target: str, faults: Mapping[int, int]) -> Iterator[FaultyProxy]:
    """Pass requests on to a service. Each fault is the status of an answer, or HANG_UP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.service = HTTPConnection(urlsplit(target).netloc, timeout=60)

        def finish(self) -> None:
            self.service.close()
            super().finish()

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            is_call = self.command == "POST" and not self.path.endswith("/m")
            fault = proxy.note(body) if is_call else None
            if fault:
                self.reply(fault, f"{_READABLE}Retry-After: 1\r\nContent-Type: application/json\r\n", _BODY.encode())
                return
            self.service.request(self.command, self.path, body or None, dict(self.headers.items()))
            response = self.service.getresponse()
            answer = response.read()
            if fault == HANG_UP:
                self.close_connection = True
                return
            headers = "".join(
                f"{name}: {value}\r\n" for name, value in response.headers.items() if name.lower().startswith(_PASSED)
            )
            self.reply(response.status, headers, answer)

        do_GET = do_OPTIONS = do_POST = answer  # noqa: N815 - the names of http.server

        def reply(self, status: int, headers: str, body: bytes) -> None:
            # In one piece: a second one would wait for the client to confirm the first.
            length = "" if status == 204 else f"Content-Length: {len(body)}\r\n"
            self.wfile.write(f"HTTP/1.1 {status} Said\r\n{headers}{length}\r\n".encode() + body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    proxy = FaultyProxy(f"http://127.0.0.1:{server.server_port}", dict(faults))
    with serving(server):
        yield proxy
