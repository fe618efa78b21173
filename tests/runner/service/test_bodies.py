"""How a call may arrive: compressed, in pieces, under any Content-Type, with its write key in any place."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import socket
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.sandbox import running_sandbox
from running_service import WRITE_KEY, running_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from running_service import RunningService

JSON_ANSWER = "application/json"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(tmp_path_factory.mktemp("bodies"), sandbox) as running,
    ):
        yield running


def event(**more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": "u", "event": "X", "messageId": str(uuid4()), **more}


def post(service: RunningService, body: Any, path: str = "/v1/batch", **headers: str) -> httpx.Response:
    return service.client.post(path, content=body, headers={name.replace("_", "-"): headers[name] for name in headers})


def arrived(service: RunningService, *sent: dict[str, Any]) -> None:
    """Wait until Kable has these events."""
    wanted = {each["messageId"] for each in sent}
    until(lambda: {each["transactionId"] for each in service.sandbox.ledger.events}, lambda found: wanted <= found)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert {*answer.json()} == {"code", "message"}
    assert answer.headers["content-type"] == JSON_ANSWER


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=utf-8", "multipart/form-data", ""])
def test_the_content_type_does_not_matter(service: RunningService, content_type: str) -> None:
    sent = event(writeKey=WRITE_KEY)
    assert post(service, json.dumps(sent), "/v1/t", Content_Type=content_type).json() == {"success": True}
    arrived(service, sent)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_may_come_in_pieces_and_have_several_members(service: RunningService, coding: str) -> None:
    sent = event()
    body = json.dumps({"batch": [sent], "writeKey": WRITE_KEY}).encode()
    whole = gzip.compress(body[:20]) + gzip.compress(b"") + gzip.compress(body[20:])
    pieces = iter([whole[at : at + 7] for at in range(0, len(whole), 7)])
    assert post(service, pieces, "/v1/b", Content_Encoding=coding).json() == {"success": True}
    arrived(service, sent)


@pytest.mark.parametrize(
    ("body", "coding", "code"),
    [
        (gzip.compress(b" " * 100_000_000, 1), "gzip", "too_large"),
        (gzip.compress(gzip.compress(b"{}")), "gzip", "invalid_json"),
        (gzip.compress(b"") * 101, "gzip", "invalid_gzip"),
        (gzip.compress(b"{}")[:-9], "gzip", "invalid_gzip"),
        (b"{}", "gzip", "invalid_gzip"),
        (b"", "gzip", "invalid_json"),
        (b"{}", "br", "unsupported_encoding"),
        (b"{}", "gzip, gzip", "unsupported_encoding"),
        (b" " * 3_000_000, "", "too_large"),
        (b"[" * 100_000, "", "invalid_json"),
        (b'{"a":' * 100_000, "", "invalid_json"),
        (b'"' * 100_001, "", "invalid_json"),
        (b'{"batch":[' + b'"\\u' * 50_000, "", "invalid_json"),
        (b'{"batch":{}}', "", "invalid_batch"),
        (b"null", "", "invalid_json"),
        (b"\xff\xfe{\x00}\x00", "", "invalid_json"),
    ],
    # Compressed bodies have the time in them, so they would name tests differently in each process.
    ids=itertools.count(),
)
def test_a_body_that_cannot_be_read_is_refused_for_good(
    service: RunningService, body: bytes, coding: str, code: str
) -> None:
    refused(post(service, body, Content_Encoding=coding), 400, code)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(service: RunningService) -> None:
    address, _, port = service.running.base_url.removeprefix("http://").rpartition(":")
    with socket.create_connection((address, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{")
        assert connection.recv(12) == b"HTTP/1.1 400"


@pytest.mark.parametrize("place", ["basic", "bearer", "envelope", "event", "token and envelope"])
def test_the_write_key_may_be_in_any_place(service: RunningService, place: str) -> None:
    sent = event(writeKey=WRITE_KEY) if place == "event" else event()
    envelope = {"batch": [sent], **({"writeKey": WRITE_KEY} if "envelope" in place else {})}
    basic = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    shown = {"basic": f"Basic {basic}", "bearer": f"Bearer {WRITE_KEY}", "token and envelope": "Bearer token"}
    headers = {"Authorization": shown[place]} if place in shown else {}
    answer = service.client.post("/v1/batch", json=envelope, headers=headers)
    assert answer.json() == {"success": True}
    arrived(service, sent)


@pytest.mark.parametrize("authorization", ["Basic", "Basic !", "Basic 4pyT", "Bearer", "Digest x", "Basic d2s="])
def test_a_write_key_that_is_unknown_is_refused_for_good(service: RunningService, authorization: str) -> None:
    answer = post(service, json.dumps({"batch": [event()]}), Authorization=authorization)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_write_key", "missing_write_key"}
    mixed = {"batch": [event(writeKey="a"), event(writeKey="b")]}
    refused(post(service, json.dumps(mixed), Authorization=authorization), 400, "invalid_write_key")


@pytest.mark.parametrize("path", ["/v1/track", "/v1//t//"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_refused_without_a_redirect(service: RunningService, method: str, path: str) -> None:
    refused(service.client.request(method, f"{service.running.base_url}{path}"), 405, "method_not_allowed")


def test_a_retry_without_times_is_a_duplicate_and_half_a_surrogate_pair_is_a_dead_letter(
    service: RunningService,
) -> None:
    sent = event()
    for _ in range(2):
        assert service.post("/v1/track", sent).json() == {"success": True}
        assert service.post("/v1/batch", {"batch": [sent]}).json() == {"success": True}
    half = json.dumps({"batch": [event(properties={"text": "\ud83d"}), event(userId="u", properties={})]})
    assert post(service, half, Authorization=f"Bearer {WRITE_KEY}").json() == {"success": True}
    arrived(service, sent, json.loads(half)["batch"][1])
    (letter,) = service.dead_letters()
    assert letter.event is not None
    assert b'"text": "\\ud83d"' in letter.event
