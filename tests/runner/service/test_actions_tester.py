"""Segment's Actions Tester drives a destination through the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import SetupError
from kable_destination.runner.sandbox import running_sandbox
from running_service import running_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox

PAGE = "https://app.segment.com"
SETTINGS = {"kableClientId": CLIENT_ID, "apiKey": API_KEY}
EVENT = {"userId": "u1", "messageId": "m1", "timestamp": "2026-11-30T06:00:00Z", "properties": {"units": 3}}


@pytest.fixture(scope="module")
def tester(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(tmp_path_factory.mktemp("tester"), sandbox, service={"actionsTesterPort": 0}) as service,
        httpx.Client(base_url=service.running.actions_tester_url or "", headers={"Origin": PAGE}) as client,
    ):
        yield client


def perform(tester: httpx.Client, **told: Any) -> Any:
    answer = tester.post("/track", json={"settings": SETTINGS, **told})
    assert answer.status_code == 200
    assert API_KEY not in answer.text
    return answer.json()


def test_the_manifest_is_the_definition_with_the_name_of_its_folder(tester: httpx.Client) -> None:
    manifest = tester.get("/manifest").json()
    assert (manifest["name"], manifest["directoryName"], [*manifest["actions"]]) == (
        "Kable",
        "actions-kable",
        ["track", "identify"],
    )


def test_settings_are_tested_at_the_destination(tester: httpx.Client) -> None:
    assert tester.post("/authenticate", json=SETTINGS).json() == {"ok": True}
    refused = tester.post("/authenticate", json={**SETTINGS, "apiKey": "sk_test.other"}).json()
    assert (refused["ok"], "401" in refused["error"]) == (False, True)
    missing = tester.post("/authenticate", json={"kableClientId": CLIENT_ID}).json()
    assert (missing["ok"], [*missing["fields"]]) == (False, ["apiKey"])


def test_an_event_without_a_type_is_sent_and_its_exchange_is_shown(tester: httpx.Client) -> None:
    (exchange,) = perform(tester, payload=EVENT)
    assert exchange["request"]["url"].endswith("/api/v1/events/create")
    assert exchange["request"]["method"] == "POST"
    assert '"clientId":"u1"' in exchange["request"]["body"]
    assert (exchange["response"]["statusCode"], exchange["response"]["statusMessage"]) == (200, "OK")


def test_the_mapping_of_a_call_replaces_defaults(tester: httpx.Client) -> None:
    (exchange,) = perform(tester, payload={**EVENT, "messageId": "m2"}, mapping={"clientId": "u2", "data": None})
    assert '"clientId":"u2"' in exchange["request"]["body"]
    assert "units" not in exchange["request"]["body"]


def test_an_event_that_is_not_valid_shows_each_field(tester: httpx.Client) -> None:
    (failure,) = perform(tester, payload={"userId": "u1"})
    assert (failure["statusCode"], failure["requestError"]) == (500, True)
    assert [*failure["fields"]] == ["timestamp", "transactionId"]


def test_of_a_list_a_failed_event_is_shown_beside_the_exchanges(tester: httpx.Client) -> None:
    exchange, failure = perform(tester, payload=[{**EVENT, "messageId": "m3"}, {}])
    assert (exchange["response"]["statusCode"], failure["requestError"]) == (200, True)


def test_a_refused_request_shows_status_and_body(tester: httpx.Client) -> None:
    (failure,) = perform(tester, payload=EVENT, settings={**SETTINGS, "apiKey": "sk_test.other"})
    assert (failure["statusCode"], failure["message"]) == (401, {"message": "The credentials are not valid."})


def test_the_configured_credentials_are_never_used(tester: httpx.Client) -> None:
    (failure,) = perform(tester, payload=EVENT, settings={})
    assert [*failure["fields"]] == ["settings.apiKey", "settings.kableClientId"]


@pytest.mark.parametrize("told", [{"payload": 5}, {}, {"payload": EVENT, "mapping": []}, {"mapping": {"x": 1}}])
def test_what_makes_no_sense_is_a_failure_in_the_answer(tester: httpx.Client, told: Any) -> None:
    if told.get("mapping") == []:
        told = {**told, "mapping": [1]}
    (failure,) = perform(tester, **told)
    assert failure["requestError"]


def test_malformed_json_and_unknown_actions_have_statuses_of_their_own(tester: httpx.Client) -> None:
    assert tester.post("/track", content=b"{").status_code == 400
    assert tester.post("/authenticate", content=b"[" * 100_000).status_code == 400
    assert tester.post("/delete", json={}).status_code == 404


def test_pages_of_segment_may_read_the_answers(tester: httpx.Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    for answer in (tester.options("/track", headers=asked), tester.get("/manifest")):
        assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}])
def test_other_pages_and_names_that_resolve_here_are_refused(tester: httpx.Client, headers: dict[str, str]) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        answer = tester.request(method, "/manifest", headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_only_an_address_of_this_machine_is_listened_on(tmp_path: Path, sandbox: RunningSandbox) -> None:
    service = {"actionsTesterPort": 0, "actionsTesterHost": "0.0.0.0"}  # noqa: S104 - it is refused
    with pytest.raises(SetupError, match="this machine only"), running_service(tmp_path, sandbox, service=service):
        pass
