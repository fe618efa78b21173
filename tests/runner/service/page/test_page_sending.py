"""The page asks the destination about credentials and sends an event, but only what a person has confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.sandbox import running_sandbox
from open_page import CONFIGURATION, DRAFT, open_page
from raw_server import raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from open_page import OpenPage

EVENT = (
    '{"type": "track", "event": "API Called", "userId": "c1", "messageId": "m1", '
    '"timestamp": "2026-03-04T05:06:07Z", "properties": {"units": 3}}'
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, sandbox: RunningSandbox) -> Iterator[OpenPage]:
    with open_page(tmp_path_factory.mktemp("page"), base_url=sandbox.base_url) as opened:
        yield opened


def target(page: OpenPage, draft: Any = DRAFT) -> str:
    found: str = page.post("preview", {"draft": draft, "event": EVENT}).json()["target"]
    return found


def send(page: OpenPage, draft: Any = DRAFT, event: str = EVENT, confirmed: str | None = None) -> Any:
    asked = {"draft": draft, "event": event, "confirmed": target(page, draft) if confirmed is None else confirmed}
    return page.post("send", asked)


def test_a_confirmed_event_is_sent_and_its_answer_shown(page: OpenPage, sandbox: RunningSandbox) -> None:
    found = send(page).json()
    (result,) = found["results"]
    assert (result["status"], result["error"], result["action"]) == (200, None, "track"), result
    assert result["seconds"] > 0
    assert [event["transactionId"] for event in sandbox.ledger.events] == ["m1"]


def test_what_the_person_did_not_confirm_is_not_sent(page: OpenPage, sandbox: RunningSandbox) -> None:
    before = len(sandbox.ledger.events)
    for confirmed in ("", "Live", "Kable Test (test.kable.io)", f"{target(page)} "):
        answer = send(page, confirmed=confirmed)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_confirmed")
    assert len(sandbox.ledger.events) == before


def test_an_event_that_would_be_rejected_is_not_sent(page: OpenPage) -> None:
    found = send(page, event=EVENT.replace('"c1"', "null")).json()
    assert found["results"] == []
    assert any("clientId" in each["message"] for each in found["skipped"])
    unwanted = send(page, event='{"type": "page", "userId": "c1"}').json()
    assert (unwanted["results"], bool(unwanted["skipped"][0]["message"])) == ([], True)
    broken = send(page, event="{")
    assert (broken.status_code, broken.json()["code"]) == (400, "invalid_event")


def test_credentials_are_tested_and_a_wrong_one_is_named(page: OpenPage) -> None:
    assert page.post("credentials", {"draft": DRAFT}).json()["isAccepted"]
    wrong = page.post("credentials", {"draft": {**DRAFT, "secrets": {"apiKey": "sk_test.wrong-one"}}})
    found = wrong.json()
    assert (found["isAccepted"], bool(found["message"])) == (False, True)
    assert "wrong-one" not in wrong.text
    assert API_KEY not in wrong.text


def test_without_a_secret_nothing_is_sent(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with open_page(tmp_path, base_url=sandbox.base_url, environment={"KABLE_API_KEY": ""}) as page:
        answer = send(page)
        assert (answer.status_code, answer.json()["code"]) == (400, "no_secrets")
        typed = {**DRAFT, "secrets": {"apiKey": API_KEY}}
        assert send(page, typed, EVENT.replace("m1", "m2")).json()["results"][0]["status"] == 200


def test_a_live_account_needs_the_live_setting(tmp_path: Path) -> None:
    with open_page(tmp_path, environment={"KABLE_API_KEY": "sk_live.of-a-real-account"}) as page:
        assert "Live" in target(page)
        answer = send(page)
        assert (answer.status_code, answer.json()["code"]) == (403, "live_not_allowed")
        assert "of-a-real-account" not in answer.text


def test_a_draft_cannot_carry_the_stored_credentials_to_another_host(tmp_path: Path) -> None:
    """A draft may come by a link. The environment follows from the key, so a link cannot choose it either."""
    accounts = f'{CONFIGURATION}\n[accounts.other]\napiKeyEnv = "OTHER"\nclientId = "kci_other"\nenvironment = "Live"\n'
    with open_page(tmp_path, configuration=accounts, environment={"OTHER": "sk_live.other"}) as page:
        for draft in ({**DRAFT, "settings": {"kableClientId": CLIENT_ID, "baseUrl": "http://127.0.0.1:1"}},):
            answer = send(page, draft)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_draft")


HOSTILE_ANSWERS = {
    "a script": b"HTTP/1.1 400 Bad\r\nContent-Length: 29\r\nConnection: close\r\n\r\n<img src=x onerror=alert(1)>\n",
    "the key": f"HTTP/1.1 401 No\r\nContent-Length: {len(API_KEY)}\r\nConnection: close\r\n\r\n{API_KEY}".encode(),
    "not HTTP": b"\x00\xff" * 100,
    "steers a terminal": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n\x1b[2J\xe2\x80\xaeab",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
    "too much": b"HTTP/1.1 500 No\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000,
}


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS.values(), ids=HOSTILE_ANSWERS)
def test_a_hostile_answer_is_shown_bounded_and_without_secrets(tmp_path: Path, answer: bytes) -> None:
    with raw_server(answer) as (port, _), open_page(tmp_path, base_url=f"http://127.0.0.1:{port}") as page:
        found = send(page)
        assert found.status_code == 200, found.text
        assert len(found.content) < 100_000
        assert API_KEY not in found.text
        assert "\\u001b" not in found.text
        (result,) = found.json()["results"]
        assert result["error"] is not None or result["status"] == 200
        asked = page.post("credentials", {"draft": DRAFT})
        assert asked.status_code == 200
        assert API_KEY not in asked.text
