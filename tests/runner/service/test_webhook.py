"""Events that are posted to the webhook, and what shows that they may be."""

from __future__ import annotations

import gzip
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.sandbox import running_sandbox
from running_service import CONFIGURATION, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from running_service import RunningService

SECRET, TOKEN = "shared-secret-of-a-webhook", "token-of-a-webhook"
SIGNED = f'{CONFIGURATION}\n[service.webhook]\nsecretEnv = "WEBHOOK_SECRET"\n'
WITH_TOKEN = f'{CONFIGURATION}\n[service.webhook]\ntokenEnv = "WEBHOOK_TOKEN"\n'
WITH_BOTH = f'{SIGNED}tokenEnv = "WEBHOOK_TOKEN"\n'
ENVIRONMENT = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RunningService]]:
    """A service that wants signatures, one that wants tokens, and one that wants both."""
    with running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox:

        def run(name: str, text: str) -> Any:
            folder = tmp_path_factory.mktemp(name)
            return running_service(
                folder, sandbox, configuration=text, environment=ENVIRONMENT, service={"eventBytes": 4096}
            )

        with run("signed", SIGNED) as signed, run("token", WITH_TOKEN) as token, run("both", WITH_BOTH) as both:
            yield {"signed": signed, "token": token, "both": both}


def event(number: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": "u1",
        "event": "X",
        "messageId": number,
        "timestamp": "2026-11-30T06:00:00Z",
        **members,
    }


def compact(value: Any) -> bytes:
    """Write JSON as JavaScript does, which Segment signs."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signature(text: bytes) -> str:
    return hmac.new(SECRET.encode(), text, "sha1").hexdigest()


def send(service: RunningService, body: bytes, *, signed: bytes | None = None, token: str = "") -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if signed is not None:
        headers["X-Signature"] = signature(signed)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return service.client.post("/webhook", content=body, headers=headers)


def ids(service: RunningService, *wanted: str) -> set[str]:
    """Return which of some events reach Kable, once the last of them has."""
    return {each["transactionId"] for each in service.delivered(1)} & {*wanted}


def test_a_signed_event_reaches_kable(services: dict[str, RunningService]) -> None:
    service = services["signed"]
    body = compact(event("w1", context={"name": "Žofie ☃"}))
    answer = send(service, body, signed=body)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert service.delivered(1)


def test_a_list_is_accepted_with_the_signature_of_its_first_event(services: dict[str, RunningService]) -> None:
    events = [event("l1"), event("l2")]
    assert send(services["signed"], compact(events), signed=compact(events[0])).status_code == 200


def test_a_list_is_accepted_with_the_signature_of_all_of_it(services: dict[str, RunningService]) -> None:
    body = compact([event("a1"), event("a2")])
    assert send(services["signed"], body, signed=body).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Signature": ""},
        {"X-Signature": "0" * 40},
        {"X-Signature": b"\xe9\xff".decode("latin-1").encode("latin-1")},
        {"X-Signature": signature(b"{}")},
        {"Authorization": f"Bearer {TOKEN}"},
    ],
)
@pytest.mark.parametrize("body", [compact(event("no")), compact([event("no")]), b"[]"])
def test_without_the_right_signature_nothing_is_accepted(
    services: dict[str, RunningService], headers: Any, body: bytes
) -> None:
    answer = services["signed"].client.post("/webhook", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", b"Bearer \xff"]
)
def test_without_the_right_token_nothing_is_accepted(services: dict[str, RunningService], authorization: Any) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = services["token"].client.post("/webhook", content=compact(event("no")), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_a_token_is_enough_where_there_is_no_secret(services: dict[str, RunningService]) -> None:
    assert send(services["token"], compact([event("t1")]), token=TOKEN).status_code == 200


def test_with_both_a_single_event_needs_both(services: dict[str, RunningService]) -> None:
    service, body = services["both"], compact(event("b1"))
    assert send(service, body, token=TOKEN).status_code == 401
    assert send(service, body, signed=body).status_code == 401
    assert send(service, body, signed=body, token=TOKEN).status_code == 200


def test_with_both_a_list_needs_the_token_and_no_wrong_signature(services: dict[str, RunningService]) -> None:
    service, body = services["both"], compact([event("b2"), event("b3")])
    assert send(service, body, signed=compact(event("b2"))).status_code == 401
    assert send(service, body, signed=b"other", token=TOKEN).status_code == 401
    assert send(service, body, token=TOKEN).status_code == 200


def test_a_bad_event_of_a_list_is_rejected_alone(services: dict[str, RunningService]) -> None:
    service = services["token"]
    large = event("large", properties={"text": "x" * 5000})
    body = compact([5, None, [], {"type": "trak"}, large, event("r1")])
    assert send(service, body, token=TOKEN).status_code == 200
    assert "large" not in {each["transactionId"] for each in service.delivered(1)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5",
        b'"text"',
        b"null",
        b"{",
        b"[1,",
        b'{"a":1}x',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 50_000 + b"]" * 50_000,
    ],
)
def test_a_body_that_is_no_event_and_no_list_is_refused(services: dict[str, RunningService], body: bytes) -> None:
    answer = send(services["token"], body, token=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_a_body_that_is_too_large_is_refused_compressed_or_not(services: dict[str, RunningService]) -> None:
    service, headers = services["token"], {"Authorization": f"Bearer {TOKEN}"}
    large = b"[" + b" " * 3_000_000 + b"]"
    for body, coding in ((large, {}), (gzip.compress(large * 20), {"Content-Encoding": "gzip"})):
        answer = service.client.post("/webhook", content=body, headers={**headers, **coding})
        assert (answer.status_code, answer.json()["code"]) == (400, "too_large")


def test_a_list_of_very_many_events_is_refused_before_it_takes_time(services: dict[str, RunningService]) -> None:
    answer = send(services["token"], b"[" + b"1," * 10_000 + b"1]", token=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")
