"""A local object store behind a proxy that throttles, truncates and drops."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FAULTS = ("slow down", "truncate", "drop")
BUCKET = "segment-archive"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


@dataclass
class LocalStore:
    """A store that runs, behind the proxy that a program uses.

    Of the requests for objects and pages a third has one of the `faults`. `before` is called with the key of
    each object that is read. `reads` counts answers with an object, by its key. `put` stores an object past the proxy.
    `environment` is what a program needs to use the store, with the `secrets` that it must not show.
    """

    scheme: str
    base_url: str
    put: Callable[[str, bytes], object] = lambda _key, _data: None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    faults: Sequence[str] = ()
    before: Callable[[str], None] = lambda _key: None
    reads: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def address(self, path: str) -> str:
        """Return the address of what is below a path."""
        return f"{self.scheme}://{BUCKET}/{path}"


def _passed_on(target: str, command: str, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Ask the store, and return its answer."""
    connection = HTTPConnection(target, timeout=60)
    try:
        connection.request(command, path, None, headers)
        response = connection.getresponse()
        return response.status, dict(response.headers.items()), response.read()
    except (HTTPException, OSError):
        return 503, {}, SLOW_DOWN
    finally:
        connection.close()


def _reply(
    handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes, *, length: int | None = None
) -> None:
    """Answer with a body, which may be shorter than its length says."""
    dropped = {"connection", "date", "transfer-encoding"}
    if handler.command == "GET":
        dropped.add("content-length")
    kept = {name: text for name, text in headers.items() if name.lower() not in dropped}
    if handler.command == "GET":
        kept["Content-Length"] = str(len(body) if length is None else length)
    lines = "".join(f"{name}: {text}\r\n" for name, text in kept.items())
    with contextlib.suppress(OSError):
        # In one piece: a second one would wait for the client to confirm the first.
        handler.wfile.write(f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body)


@contextlib.contextmanager
def proxied(scheme: str, target: str, key_of: Callable[[str], str], seed: int = 0) -> Iterator[LocalStore]:
    """Run the proxy before a store; `key_of` returns the key of the object that is read at a path, or nothing."""
    dice = random.Random(seed)  # noqa: S311 - no secret

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            key = key_of(self.path) if self.command == "GET" else ""
            with store.lock:
                store.requests += 1
                fault = dice.choice((*store.faults, *[""] * (2 * len(store.faults)))) if store.faults else ""
            if key:
                store.before(key)
            if fault == "drop":
                self.close_connection = True
                return
            if fault == "slow down":
                _reply(self, 503, {"Content-Type": "application/xml"}, SLOW_DOWN)
                return
            status, headers, body = _passed_on(target, self.command, self.path, dict(self.headers.items()))
            if fault == "truncate" and len(body) > 1:
                _reply(self, status, headers, body[: len(body) // 2], length=len(body))
                self.close_connection = True
                return
            _reply(self, status, headers, body)
            if key and status < 300:
                with store.lock:
                    store.reads[key] += 1

        do_GET = do_HEAD = answer  # noqa: N815 - the names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    store = LocalStore(scheme, f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield store
