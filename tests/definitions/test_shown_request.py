"""A request is shown as JSON, as HTTP text and as a curl command, and none of them shows a secret."""

from __future__ import annotations

import json
import shlex

import httpx
import pytest

from kable_destination.definitions import Redactor, curl_command, http_text, shown_request

KEY = "sk_live.s3cret"
REDACTOR = Redactor([KEY])


def request(body: bytes = b'{"a":1}', **headers: str) -> httpx.Request:
    """Make a request with a secret in its URL and in a header."""
    url = f"https://api.example.com/events?key={KEY}"
    return httpx.Request("POST", url, headers={"X-Key": KEY, **headers}, content=body)


@pytest.mark.parametrize("body", [b'{"a":1}', KEY.encode(), json.dumps({KEY: [KEY]}).encode(), b"\xff"])
def test_no_form_shows_a_secret(body: bytes) -> None:
    made = request(body)
    forms = [
        json.dumps(shown_request(made, REDACTOR), ensure_ascii=False),
        json.dumps(shown_request(made, REDACTOR, all_headers=True), ensure_ascii=False),
        http_text(made, REDACTOR).decode("utf-8", "backslashreplace"),
        curl_command(made, REDACTOR, {}),
    ]
    for form in forms:
        assert KEY not in form
        assert "••••••••" in form


def test_http_text_keeps_the_bytes_of_a_body() -> None:
    assert http_text(request(b'{"a": \xff}'), REDACTOR).endswith(b'\n\n{"a": \xff}\n\n')


def test_headers_that_http_implies_are_shown_only_on_request() -> None:
    assert shown_request(request(), REDACTOR)["headers"] == {"X-Key": "••••••••"}
    assert list(shown_request(request(), REDACTOR, all_headers=True)["headers"]) == ["host", "x-key", "content-length"]


def test_integers_in_a_body_are_shown_exactly() -> None:
    assert shown_request(request(b'{"n":%d}' % 2**70), REDACTOR)["body"] == {"n": 2**70}


def test_curl_takes_secrets_from_the_environment() -> None:
    parts = shlex.split(curl_command(request(b"it's"), REDACTOR, {KEY: "ACME_KEY"}))
    assert parts[parts.index("--header") + 1] == "X-Key: $ACME_KEY"
    assert parts[-1] == "it's"
