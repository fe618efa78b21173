"""The secret stands in nothing that a run shows or keeps, whatever holds it and whoever gives it back."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from command_line import API_KEY, CLIENT_ID
from raw_server import raw_server
from scripted_server import scripted_server
from segment_events import ndjson, track

if TYPE_CHECKING:
    from command_line import CommandLine

SPELLINGS = (
    API_KEY,
    quote(API_KEY, safe=""),
    quote_plus(API_KEY),
    *(base64.b64encode(text.encode()).decode().rstrip("=") for text in (API_KEY, f"{API_KEY}:")),
    json.dumps(API_KEY)[1:-1],
)


@pytest.mark.parametrize("log", ["json", "console"])
def test_the_secret_stands_nowhere(command_line: CommandLine, log: str) -> None:
    """Not in logs, reports, dead letters or errors, though the events hold it and the server gives it back."""
    events = [
        track(1, properties={"leaked": API_KEY, API_KEY: [API_KEY], "url": quote(API_KEY, safe="")}),
        {**track(2, properties={"leaked": API_KEY}), "userId": None},
        track(3, timestamp=API_KEY),
        f'{{"type": "track", "broken": "{API_KEY}"'.encode(),
    ]
    answers = [
        (400, {"x-request-id": API_KEY, "Content-Type": "application/json"}, json.dumps({"message": API_KEY}).encode()),
        (503, {"Retry-After": API_KEY}, API_KEY.encode()),
        (401, {}, SPELLINGS[3].encode()),
    ]
    outputs = []
    with scripted_server(lambda number: answers[min(number, 2)]) as server:
        for _ in range(2):
            run = command_line.deliver(ndjson(*events, track(4)), server.base_url, "--log", log, "--wait", "5")
            outputs += [run.out, run.err, *map(json.dumps, run.letters), json.dumps(run.report)]
        for command in (
            ("status",),
            ("status", "--json"),
            ("dead-letters", "list"),
            *(("dead-letters", "show", str(number)) for number in range(1, 5)),
            ("dead-letters", "replay", "--dry-run", "--base-url", server.base_url),
            ("dead-letters", "replay", "--log", log, "--base-url", server.base_url),
            ("deliver", "missing.ndjson", "--base-url", server.base_url),
        ):
            done = command_line(*command)
            outputs += [done.out, done.err]
    everything = "\n".join(outputs)
    assert "••••" in everything, "what was masked was there"
    assert [text for text in SPELLINGS if text in everything] == []


FULLY_ENCODED = "".join(f"%{ord(char):02X}" for char in API_KEY)
GIVEN_BACK = (
    API_KEY,
    quote(API_KEY, safe=""),
    FULLY_ENCODED,
    FULLY_ENCODED.lower(),
    json.dumps(API_KEY)[1:-1].replace("/", "\\/"),
    html.escape(API_KEY),
    base64.b64encode(API_KEY.encode()).decode(),
    base64.b64encode(quote(API_KEY, safe="").encode()).decode(),
    base64.b64encode(f"{CLIENT_ID}:{API_KEY}".encode()).decode(),
)
ANSWERS = {
    "no HTTP": "{0}",
    "a broken status line": "HTTP/1.1 {0} OK\r\n\r\n",
    "a broken header": "HTTP/1.1 200 OK\r\n{0}\r\n\r\n",
    "a broken length": "HTTP/1.1 200 OK\r\nContent-Length: {0}\r\n\r\n",
    "a broken chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{0}\r\n",
    "a part of an answer": "HTTP/1.1 503 Busy\r\nContent-Length: 900\r\n\r\n{0}",
    "an unknown encoding": "HTTP/1.1 200 OK\r\nContent-Encoding: {0}\r\nContent-Length: 2\r\n\r\n[]",
    "a reason": "HTTP/1.1 503 {0}\r\nContent-Length: 0\r\n\r\n",
    "a reason beyond ASCII": "HTTP/1.1 503 ü{0}ü\r\nContent-Length: 0\r\n\r\n",
    "a refusal": "HTTP/1.1 400 {0}\r\nX-Request-ID: {0}\r\nConnection: close\r\n\r\n{0}",
    "a redirect": "HTTP/1.1 302 {0}\r\nLocation: https://{0}/\r\nContent-Length: 0\r\n\r\n",
    "wrong credentials": "HTTP/1.1 401 {0}\r\nX-Request-ID: {0}\r\nConnection: close\r\n\r\n<p>{0}</p>",
    "a failure that a 200 tells": 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{"error": "{0}"}}',
    "a failure of one event": 'HTTP/1.1 207 OK\r\nConnection: close\r\n\r\n[{{"status": 422, "error": "{0}"}}]',
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_a_server_gives_back_is_masked(command_line: CommandLine, answer: str) -> None:
    with raw_server(ANSWERS[answer].format(" ".join(GIVEN_BACK)).encode()) as (port, heads):
        options = ("--no-outbox", "--attempts", "1", "--log", "json")
        run = command_line.deliver(ndjson(track(1)), f"http://127.0.0.1:{port}", *options)
    assert heads
    assert run.code
    for text in (run.out, run.err, json.dumps(run.letters, ensure_ascii=False), json.dumps(run.report)):
        assert [spelling for spelling in GIVEN_BACK if spelling.rstrip("=") in text] == []
