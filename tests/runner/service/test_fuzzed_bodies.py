"""Whatever a body holds, the service answers it, keeps its secrets to itself, and goes on."""

from __future__ import annotations

import gzip
import hmac
import json
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command_line import API_KEY, CLIENT_ID
from examples import EXAMPLES
from kable_destination.runner.sandbox import running_sandbox
from running_service import CONFIGURATION, WRITE_KEY, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_service import RunningService

SECRET, TOKEN = "shared-secret-of-a-webhook", "token-of-a-webhook"
SECRETS = (SECRET, TOKEN, API_KEY)
WITH_WEBHOOK = f'{CONFIGURATION}\n[service.webhook]\nsecretEnv = "WEBHOOK_SECRET"\ntokenEnv = "WEBHOOK_TOKEN"\n'
MOST_KEPT = 2_000
MOST_BYTES = 50_000_000
"""How much more memory a process may have after as many bodies again. The pools of its allocators fill up."""

ANSWERS = {200, 400, 401, 403, 408, 429, 503}
NAMES = st.sampled_from(
    ["type", "userId", "event", "messageId", "timestamp", "batch", "context", "integrations", "sentAt", "writeKey", ""]
)
NUMBERS = st.sampled_from([b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"-0", b"0.1e-400"])
TEXTS = st.one_of(st.text(), st.sampled_from(["track", "2026-11-30T06:00:00Z", "\x00", "💥", "${SECRET}"]))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.one_of(NAMES, TEXTS), inner, max_size=8)),
    max_leaves=25,
)
JSON = VALUES.map(lambda value: json.dumps(value).encode())
EVENTS = st.fixed_dictionaries({"batch": st.lists(VALUES, max_size=8)}).map(lambda value: json.dumps(value).encode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Make JSON with a part that is cut out, doubled or replaced."""
    text = draw(st.one_of(JSON, EVENTS))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, len(text)))
    between = draw(st.one_of(st.binary(max_size=20), NUMBERS, st.just(text[start:end] * 2)))
    return text[:start] + between + text[end:]


BODIES = st.one_of(JSON, EVENTS, damaged(), st.binary(max_size=200))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(
            tmp_path_factory.mktemp("fuzzed"),
            sandbox,
            configuration=WITH_WEBHOOK,
            environment={"WEBHOOK_SECRET": SECRET, "WEBHOOK_TOKEN": TOKEN},
        ) as running,
    ):
        yield running


def test_every_body_is_answered_without_a_secret_and_without_a_leak(
    service: RunningService, capfd: pytest.CaptureFixture[str]
) -> None:
    memory = psutil.Process().memory_info
    kept: list[tuple[str, bytes, dict[str, str]]] = []

    @settings(max_examples=4 * EXAMPLES, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(
        body=BODIES,
        path=st.sampled_from(["/v1/track", "/v1/identify", "/v1/batch", "/v1/b", "/webhook"]),
        is_compressed=st.booleans(),
    )
    def send(body: bytes, path: str, *, is_compressed: bool) -> None:
        headers = {"Authorization": f"Bearer {WRITE_KEY}"}
        if path == "/webhook":
            signature = hmac.new(SECRET.encode(), body.strip(b" \t\r\n"), "sha1").hexdigest()
            headers |= {"Authorization": f"Bearer {TOKEN}", "X-Signature": signature}
        if is_compressed:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1)
        if len(kept) < MOST_KEPT:
            kept.append((path, body, headers))
        answer = service.client.post(path, content=body, headers=headers)
        assert answer.status_code in ANSWERS, answer.text
        assert isinstance(answer.json(), dict)
        assert not any(secret in answer.text for secret in SECRETS)

    send()
    # Without Hypothesis, which remembers what it has made.
    before = memory().rss
    for path, body, headers in kept:
        service.client.post(path, content=body, headers=headers)
    assert memory().rss - before < MOST_BYTES
    written = "".join(capfd.readouterr())
    assert not any(secret in written for secret in SECRETS)
    assert "Traceback" not in written
    event = {"userId": "u1", "event": "X", "messageId": "last", "timestamp": "2026-11-30T06:00:00Z"}
    assert service.post("/v1/track", event).status_code == 200


def test_of_a_body_that_is_refused_nothing_is_kept(service: RunningService) -> None:
    event = {"type": "track", "userId": "u1", "event": "X", "timestamp": "2026-11-30T06:00:00Z"}
    whole = json.dumps({"batch": [{**event, "messageId": f"half-{number}"} for number in range(50)]}).encode()
    for end in range(1, len(whole), 97):
        assert service.client.post("/v1/batch", content=whole[:end], auth=("wk_test", "")).status_code == 400
    service.post("/v1/track", {**event, "messageId": "after"})
    delivered = {each["transactionId"] for each in service.delivered(1)}
    assert not any(number.startswith("half-") for number in delivered)
