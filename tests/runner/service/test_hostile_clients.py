"""Clients that are slow, endless or wrong: each is ended or answered, and everybody else is still served."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.sandbox import running_sandbox
from running_service import running_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_service import RunningService

SECONDS = 0.3
"""How long a client may take: real time, but little."""

CONNECTIONS = 20
HEAD = b"POST /v1/track HTTP/1.1\r\nHost: h\r\nAuthorization: Basic d2tfdGVzdDo=\r\n"
BODY = json.dumps({"userId": "u1", "event": "X", "messageId": "raw", "timestamp": "2026-11-30T06:00:00Z"}).encode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that takes few connections, and waits for nobody."""
    options = {"requestSeconds": SECONDS, "connections": CONNECTIONS, "eventBytes": 65_536}
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(tmp_path_factory.mktemp("hostile"), sandbox, service=options) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def _is_served(service: RunningService) -> Iterator[None]:
    """After each client, others are answered."""
    yield
    assert service.client.get("/healthz").json() == {"status": "alive"}


@contextmanager
def connected(service: RunningService) -> Iterator[socket.socket]:
    port = int(service.running.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        yield client


def received(client: socket.socket) -> bytes:
    """Return everything until the service ends the connection; a reset ends it too."""
    parts = list[bytes]()
    try:
        while part := client.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def exchange(service: RunningService, *parts: bytes) -> bytes:
    """Send some bytes, and return the answers."""
    with connected(service) as client:
        try:
            for part in parts:
                client.sendall(part)
        except ConnectionError:
            pass
        return received(client)


def whole(body: bytes, *headers: bytes) -> bytes:
    named = b"".join(header + b"\r\n" for header in (*headers, b"Content-Length: %d" % len(body), b"Connection: close"))
    return HEAD + named + b"\r\n" + body


@pytest.mark.parametrize("sent", [b"", b"P", HEAD, HEAD + b"X-Name: "])
def test_headers_that_do_not_end_in_time_end_the_connection(service: RunningService, sent: bytes) -> None:
    assert exchange(service, sent) == b""


@pytest.mark.parametrize(
    "head", [HEAD + b"Content-Length: 100\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"]
)
def test_a_body_that_does_not_end_in_time_is_answered_and_ended(service: RunningService, head: bytes) -> None:
    answer = exchange(service, head)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"timeout"' in answer


def test_a_body_that_nobody_reads_ends_the_connection_in_time(service: RunningService) -> None:
    answer = exchange(service, b"POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 200_000)
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"X-Many: 1\r\n" * 20_000,
        HEAD + b"X-Long: " + b"x" * 500_000,
        b"GET /" + b"x" * 500_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"X-Trailer: 1\r\n" * 40_000,
    ],
)
def test_endless_headers_lines_and_trailers_end_the_connection(service: RunningService, sent: bytes) -> None:
    assert not exchange(service, sent).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET \xff HTTP/1.1\r\nHost: h\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5, 6\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_what_is_not_http_is_answered_with_400_or_ended(service: RunningService, sent: bytes) -> None:
    answer = exchange(service, sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("coding", [b"br", b"deflate", b"gzip, gzip", b"\xff", b"x" * 1000])
def test_an_unknown_encoding_is_answered_with_400(service: RunningService, coding: bytes) -> None:
    assert exchange(service, whole(BODY, b"Content-Encoding: " + coding)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"properties":' + b"[" * 3000 + b"]" * 3000]
)
def test_deep_nesting_is_answered_with_400(service: RunningService, body: bytes) -> None:
    assert exchange(service, whole(body)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("number", [b"9" * 60_000, b"1e999999999", b"-0", b"0." + b"1" * 50_000, b"1" + b"0" * 400])
def test_a_huge_number_is_read_or_makes_a_dead_letter(service: RunningService, number: bytes) -> None:
    body = b'{"userId":"u1","messageId":"n","properties":{"units":%b}}' % number
    assert exchange(service, whole(body)).startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(service: RunningService) -> None:
    some = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\n" * 500
    answers = exchange(service, some + whole(BODY)).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200", b"404"] * 500 + [b"200"]


def test_connections_above_the_limit_are_told_to_come_back_and_others_are_served(service: RunningService) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(connected(service))
        asking = exchange(service, whole(BODY))
        assert asking.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1" in asking.lower()
        assert exchange(service, b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        # The client of these tests was there before.
        assert service.client.get("/healthz").status_code == 200
    until(lambda: exchange(service, whole(BODY)), lambda answer: answer.startswith(b"HTTP/1.1 200 "))
