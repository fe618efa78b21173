"""A local S3 (moto's server), and a proxy before it that throttles, truncates and drops."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FAULTS = ("slow down", "truncate", "drop")
BUCKET = "segment-archive"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAOFNOBODY", "AWS_SECRET_ACCESS_KEY": "S3cr3t-of-nobody/aws"}


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


@dataclass
class LocalStore:
    """A store that runs: a client that sets it up, and the proxy that a program uses.

    Of the requests for objects and pages a third has one of the `faults`. `before` is called with the key of
    each object that is read. `reads` counts answers with an object, by its key.
    """

    client: Any
    base_url: str
    seed: int
    faults: Sequence[str] = ()
    before: Callable[[str], None] = lambda _key: None
    reads: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to use it."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.base_url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in the memory of the server: thousands of requests would take minutes."""
        from moto.s3.models import s3_backends  # noqa: PLC0415 - only where it is used

        s3_backends["123456789012"]["aws"].put_object(BUCKET, key, data)


def require_moto() -> None:
    """Skip a test with a local S3 unless it is asked for; then there must be one."""
    if os.environ.get("KABLE_S3") != "required":
        pytest.skip("tests with a local S3 are run by make test-servers, or with KABLE_S3=required")
    if not all(importlib.util.find_spec(name) for name in ("moto", "flask", "flask_cors", "s3fs")):
        pytest.fail("there is no local S3: pip install 'moto[s3]' flask flask-cors s3fs")


@contextlib.contextmanager
def local_store(seed: int = 0) -> Iterator[LocalStore]:
    """Run a store with an empty bucket."""
    require_moto()
    import boto3  # noqa: PLC0415 - moto brings it
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - only where it is used

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="of-nobody",  # noqa: S106 - no secret
    )
    # All servers of a process share their buckets.
    moto_requests = HTTPConnection(f"{host}:{port}", timeout=60)
    moto_requests.request("POST", "/moto-api/reset")
    moto_requests.getresponse().read()
    moto_requests.close()
    client.create_bucket(Bucket=BUCKET)
    try:
        with _proxy(f"{host}:{port}", client, seed) as store:
            yield store
    finally:
        client.close()
        moto.stop()


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
    kept = {name: text for name, text in headers.items() if name.lower() not in {"connection", "date"}}
    if handler.command == "GET":
        kept["Content-Length"] = str(len(body) if length is None else length)
    lines = "".join(f"{name}: {text}\r\n" for name, text in kept.items())
    with contextlib.suppress(OSError):
        # In one piece: a second one would wait for the client to confirm the first.
        handler.wfile.write(f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body)


@contextlib.contextmanager
def _proxy(target: str, client: Any, seed: int) -> Iterator[LocalStore]:
    dice = random.Random(seed)  # noqa: S311 - no secret

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            key = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}").removeprefix("/")
            with store.lock:
                store.requests += 1
                fault = dice.choice((*store.faults, *[""] * (2 * len(store.faults)))) if store.faults else ""
            if key and self.command == "GET":
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
            if key and self.command == "GET" and status < 300:
                with store.lock:
                    store.reads[key] += 1

        do_GET = do_HEAD = answer  # noqa: N815 - the names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    store = LocalStore(client, f"http://127.0.0.1:{server.server_port}", seed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
