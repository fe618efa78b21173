"""The transport gives what a server answers, bounded and decoded, and says what went wrong in its own words."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest

from kable_destination.definitions import (
    ConfigurationError,
    RejectedError,
    RequestBuilder,
    RequestOptions,
    RetryableError,
)
from kable_destination.runner.transports.http import MAX_ANSWER_BYTES, MAX_TOLD_BYTES, HttpTransport
from raw_server import raw_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

SECRET = "sk_live.0123456789abcdef"  # noqa: S105 - of nobody


def send(url: str, *, trust_environment: bool = False) -> httpx.Response:
    """Send one request by a transport of its own."""

    async def exchange() -> httpx.Response:
        async with HttpTransport(connections=1, timeout=10, trust_environment=trust_environment) as transport:
            return await transport.send(httpx.Request("POST", url, json=[1]))

    return asyncio.run(exchange())


def answered(answer: bytes) -> httpx.Response:
    """Give what the transport makes of an answer that a server writes."""
    with raw_server(answer) as (port, _):
        return send(f"http://127.0.0.1:{port}/")


def packed(body: bytes, encoding: str, *, status: int = 200, kind: str = "application/json") -> bytes:
    """Write an answer in a content encoding."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


DOCUMENT = json.dumps({"results": [{"status": 200}] * 500}).encode()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(DOCUMENT)),
        ("X-Gzip", gzip.compress(DOCUMENT)),
        ("deflate", zlib.compress(DOCUMENT)),
        ("identity", DOCUMENT),
    ],
    ids=["gzip", "x-gzip", "deflate", "identity"],  # without the time of day, which gzip writes: workers compare IDs
)
def test_an_answer_that_is_packed_unasked_is_read(encoding: str, body: bytes) -> None:
    response = answered(packed(body, encoding))
    assert response.content == DOCUMENT
    assert response.json() == json.loads(DOCUMENT)


@pytest.mark.parametrize(("kind", "most"), [("application/json", MAX_TOLD_BYTES), ("text/html", MAX_ANSWER_BYTES)])
def test_a_small_answer_that_unpacks_to_very_much_is_read_in_part(kind: str, most: int) -> None:
    body = gzip.compress(b"[" + b"1," * 50_000_000)
    assert len(answered(packed(body, "gzip", kind=kind)).content) == most


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "gzip"])
def test_an_answer_in_an_unknown_or_broken_encoding_is_no_delivery(encoding: str) -> None:
    with pytest.raises(RetryableError, match="answered 200 in a content encoding that cannot be read"):
        answered(packed(b"\x0b\x02\x80[]", encoding))
    refused = answered(packed(b"\x0b\x02\x80[]", encoding, status=401))
    assert (refused.status_code, refused.content) == (401, b"")


SPELLINGS = [SECRET, "".join(f"%{ord(char):02x}" for char in SECRET), base64.b64encode(SECRET.encode()).decode()]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("{}", "what 127.0.0.1:{port} answered is not HTTP"),
        ("{}\r\n\r\n", "what 127.0.0.1:{port} answered is not HTTP"),
        ("HTTP/1.1 {} OK\r\n\r\n", "what 127.0.0.1:{port} answered is not HTTP"),
        ("HTTP/1.1 200 OK\r\n{}\r\n\r\n", "what 127.0.0.1:{port} answered is not HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", "what 127.0.0.1:{port} answered is not HTTP"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
            "what 127.0.0.1:{port} answered is not HTTP",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}",
            "the connection to 127.0.0.1:{port} ended in the midst of the answer",
        ),
        ("HTTP/1.1 200 {}", "127.0.0.1:{port} ended the connection without an answer"),
        ("", "127.0.0.1:{port} ended the connection without an answer"),
    ],
)
def test_what_is_no_answer_is_told_without_its_words(
    answer: str, told: str, spelling: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server may repeat what it was sent, in part and in any spelling."""
    with raw_server(answer.format(spelling).encode()) as (port, _):
        with pytest.raises(RetryableError) as caught:
            send(f"http://127.0.0.1:{port}/")
        assert str(caught.value) == told.format(port=port)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", ["a\nHost: elsewhere", "a\r", "a\0", " a", "größer", "x" * 9_000])
def test_a_header_that_an_event_cannot_fill_turns_that_event_down(value: str) -> None:
    """As an action may that puts an id of the event into one; a request that cannot be sent would stop every run."""
    build = RequestBuilder(RequestOptions("https://api.example.com"))
    with pytest.raises(RejectedError, match="makes a header Idempotency-Key that HTTP cannot carry"):
        build("POST", "/usage", json={}, headers={"Idempotency-Key": value})
    assert build("POST", "/usage", json={}, headers={"Idempotency-Key": "m-1"}).headers["idempotency-key"] == "m-1"


def test_a_content_type_that_nobody_can_read_is_none() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: a/b; b*{'1' * 5000}=x\r\nContent-Length: 2\r\n\r\n[]"
    assert answered(head.encode()).content == b"[]"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (407, ConfigurationError),
        (403, ConfigurationError),
        (404, ConfigurationError),
        (429, RetryableError),
        (502, RetryableError),
    ],
)
def test_a_proxy_that_refuses_the_way_is_named_and_never_shown(
    status: int, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(f"HTTP/1.1 {status} {SECRET}\r\nContent-Length: 0\r\n\r\n".encode()) as (port, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{SECRET}@127.0.0.1:{port}")
        with pytest.raises(kind) as caught:
            send("https://live.kable.io/api/v1/events/create", trust_environment=True)
    told = str(caught.value)
    assert heads[0].startswith(b"CONNECT live.kable.io:443 ")
    assert told.startswith(f"the proxy on the way to live.kable.io answered {status}")
    assert SECRET not in told


def test_a_proxy_that_is_down_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(b"") as (port, _):
        pass
    monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{SECRET}@127.0.0.1:{port}")
    with pytest.raises(RetryableError, match=r"^the proxy on the way to live\.kable\.io cannot be reached: ") as caught:
        send("https://live.kable.io/", trust_environment=True)
    assert SECRET not in str(caught.value)


def test_a_proxy_that_wants_credentials_stops_a_run_and_keeps_everything(command_line: CommandLine) -> None:
    with raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as (port, heads):
        (command_line.folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(3))))
        run = command_line("deliver", "events.ndjson", HTTPS_PROXY=f"http://127.0.0.1:{port}")
    assert (run.code, len(heads)) == (2, 1)
    assert "the proxy on the way to test.kable.io answered 407; see its address" in run.err
    assert "3 events unsent" in run.err
