"""The conversation of Segment with a Direct Destination: every documented status, by a client that is not ours."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from direct_calls import SETTINGS, basic, call, event, told
from kable_destination.runner.configuration.secrets_keys import new_key
from kable_destination.runner.sandbox import running_sandbox
from many_customers import many_customers
from running_service import CONFIGURATION, running_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_service import RunningService

ACCEPTED = "The event is accepted, and will be delivered."


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that knows no account, but may store credentials."""
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(
            tmp_path_factory.mktemp("direct"), sandbox, configuration="", environment={"KABLE_SECRETS_KEY": new_key()}
        ) as running,
    ):
        yield running


def test_an_event_is_202_once_it_is_on_disk_and_reaches_kable(service: RunningService) -> None:
    assert told(call(service, event("m-202"))) == (202, {"message": ACCEPTED})
    with closing(sqlite3.connect(service.outbox)) as outbox:
        assert outbox.execute("SELECT count(*) FROM records WHERE key LIKE 'credentials/%'").fetchone() == (1,)
    (delivered,) = (found for found in service.delivered(1) if found["transactionId"] == "m-202")
    assert (delivered["clientId"], delivered["data"]) == ("acme", {"units": 3})


def test_the_same_event_again_is_202_and_delivered_once(service: RunningService) -> None:
    answers = [told(call(service, event("m-twice"))) for _ in range(3)]
    assert answers == [(202, {"message": ACCEPTED})] * 3
    call(service, event("m-after"))
    delivered = [found["transactionId"] for found in service.delivered(2)]
    assert delivered.count("m-twice") == 1


def test_settings_of_the_call_map_its_event(service: RunningService) -> None:
    mapped = {**SETTINGS, "clientIdField": "context.groupId", "propertiesMappings": {"units": "quantity"}}
    answer = call(service, event("m-mapped", context={"groupId": "globex"}), settings=mapped)
    assert answer.status_code == 202
    call(service, event("m-plain"))

    def found() -> dict[str, Any]:
        return {item["transactionId"]: item for item in service.sandbox.ledger.document()["events"]}

    delivered = until(found, lambda items: {"m-mapped", "m-plain"} <= items.keys())
    assert (delivered["m-mapped"]["clientId"], delivered["m-mapped"]["data"]) == ("globex", {"quantity": 3})
    assert (delivered["m-plain"]["clientId"], delivered["m-plain"]["data"]) == ("acme", {"units": 3})


def test_a_timestamp_that_segment_has_corrected_is_not_corrected_again(service: RunningService) -> None:
    moments = {"sentAt": "2026-11-20T06:00:00.000Z", "timestamp": "2026-11-20T05:59:00.000Z"}
    assert call(service, event("m-corrected", **moments)).status_code == 202

    def found() -> list[dict[str, Any]]:
        return [item for item in service.sandbox.ledger.document()["events"] if item["transactionId"] == "m-corrected"]

    assert until(found, bool)[0]["timestamp"] == "2026-11-20T05:59:00.000Z"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"integrations": {"All": False}}, "The integrations object of the event switches this destination off."),
        ({"integrations": {"Kable": False}}, "The integrations object of the event switches this destination off."),
        ({"type": "identify", "traits": {"plan": "pro"}}, "No subscription matches the event."),
    ],
)
def test_an_event_without_anything_to_do_is_200(service: RunningService, more: Any, message: str) -> None:
    assert told(call(service, event("m-200", **more))) == (200, {"message": message})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body should be one event: is not valid JSON"),
        (b"[]", "The body should be one event: an event is a JSON object, but this is an array."),
        (b'{"type": NaN}', "The body should be one event: is not valid JSON"),
        (b'{"a":' * 5000, "The JSON is nested too deeply."),
        (b'{"properties": "\xff", "type": "track"}', "The event is rejected: "),
        (b'{"type": "track", "event": "\\ud800"}', "The body should be one event: is not valid JSON: no low surrogate"),
        (b"x" * 300_000, "The event has more than 262,144 bytes."),
        ({"batch": [event("m")]}, "The event is rejected: type: is missing"),
        (event("m", type="Track"), 'The event is rejected: type: is "Track", which is not a type'),
        (event("m", type=5), "The event is rejected: type: must be text"),
        (event("m", userId=None), "The event is rejected: clientId"),
        (event("m", userId=API_KEY * 20, timestamp="x"), "The event is rejected: timestamp"),
        (event("m", timestamp="1999-01-01T00:00:00Z"), "The event is rejected: timestamp"),
        (event("m-old", timestamp="2020-01-01T00:00:00Z"), "The event is rejected: "),
    ],
)
def test_a_bad_event_is_400_with_the_reason_and_nothing_is_kept(
    service: RunningService, body: Any, message: str
) -> None:
    answer = call(service, body)
    assert answer.status_code == 400, answer.text
    assert answer.json().keys() == {"message"}
    assert answer.json()["message"].startswith(message)
    assert API_KEY not in answer.text
    assert service.dead_letters() == []


def test_the_same_id_with_other_content_is_400_and_nothing_is_kept(service: RunningService) -> None:
    assert call(service, event("m-conflict")).status_code == 202
    answer = call(service, event("m-conflict", properties={"units": 4}))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("The event is rejected: ")
    assert service.dead_letters() == []


def test_an_event_that_one_subscription_takes_and_another_rejects_is_400_and_nothing_is_kept(
    service: RunningService, tmp_path: Path
) -> None:
    table = """
[[subscriptions]]
name = "{name}"
partnerAction = "track"
subscribe = 'type = "track"'
mapping = {{ transactionId = {{ "@template" = "{{{{messageId}}}}-{name}" }}, clientId = {{ "@path" = "$.{client}" }} }}
"""
    subscriptions = table.format(name="one", client="userId") + table.format(name="two", client="context.groupId")
    with running_service(
        tmp_path, service.sandbox, configuration=f"{CONFIGURATION}{subscriptions}", delivers=False
    ) as running:
        status, body = told(call(running, event("m-torn")))
        assert status == 400
        assert body["message"].startswith("One subscription takes the event, but another rejects it: clientId")
        with closing(sqlite3.connect(running.outbox)) as outbox:
            assert outbox.execute("SELECT count(*) FROM batches").fetchone() == (0,)
        assert running.dead_letters() == []
        assert call(running, event("m-whole", context={"groupId": "globex"})).status_code == 202


def test_the_same_event_without_any_time_is_no_other_event(service: RunningService) -> None:
    timeless = {key: value for key, value in event("m-timeless").items() if key not in {"timestamp", "receivedAt"}}
    assert [call(service, timeless).status_code for _ in range(2)] == [202, 202]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, "The settings are not valid: settings.kableClientId: Kable Client ID is required"),
        ({}, "The settings are not valid: settings.kableClientId: Kable Client ID is required"),
        ("***", "X-Segment-Settings should be a JSON object in base64, but it is not base64."),
        (b64encode(b"{").decode(), "X-Segment-Settings should be a JSON object, in base64: Input data was truncated."),
        (b64encode(b"\xff\xfe").decode(), "X-Segment-Settings should be a JSON object, in base64: "),
        (b64encode(b'{"a":' * 2000).decode(), "X-Segment-Settings is nested too deeply."),
        ([], "X-Segment-Settings should be a JSON object, in base64: Expected `object`, got `array`."),
        ("A" * 20_000, "X-Segment-Settings has more than 16,384 characters."),
        ({**SETTINGS, "apiKey": API_KEY}, "X-Segment-Settings has apiKey, which is a secret; send it as the user"),
        ({"kableClientID": "x"}, 'X-Segment-Settings has "kableClientID", but there is no such setting; did you mean'),
        ({**SETTINGS, "x" * 9_000: "x"}, 'X-Segment-Settings has "xxxx'),
        ({**SETTINGS, API_KEY: "x"}, 'X-Segment-Settings has "••••••••", but there is no such setting'),
        ({**SETTINGS, "clientIdField": 5}, "X-Segment-Settings has clientIdField, which should be a text."),
        ({**SETTINGS, "propertiesMappings": ["a"]}, "The settings are not valid: settings.propertiesMappings"),
        ({"kableClientId": "a\r\nEvil: b"}, "The settings are not valid: settings.kableClientId"),
        ({"kableClientId": "\ud800"}, "X-Segment-Settings should be a JSON object, in base64: "),
    ],
)
def test_bad_settings_are_400_with_the_reason(service: RunningService, settings: Any, message: str) -> None:
    answer = call(service, event("m-400"), settings=settings)
    assert answer.status_code == 400, answer.text
    assert answer.json().keys() == {"message"}
    assert answer.json()["message"].startswith(message)


def test_null_and_empty_settings_count_as_absent(service: RunningService) -> None:
    settings = {**SETTINGS, "clientIdField": None, "propertiesMappings": None}
    assert call(service, event("m-null"), settings=settings).status_code == 202
    assert call(service, event("m-empty"), settings={**SETTINGS, "clientIdField": ""}).status_code == 202


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "The API key is missing; send the header Authorization: Basic, with the API key as user name and"),
        (f"Bearer {API_KEY}", "The Authorization header is malformed; it should be Basic, with the API key"),
        (f"Basic {API_KEY}", "The Authorization header is malformed; it should have base64 after Basic."),
        ("Basic", "The Authorization header is malformed; it should be Basic, with the API key"),
        (f"Basic {b64encode(b'a:b').decode()}", "The Authorization header is malformed; it should be Basic, with"),
        (basic(""), "The API key is empty."),
        (basic("sk_test.\n"), "The API key is malformed: it has letters that no key has, or too many."),
        (basic("k" * 1_100), "The API key is malformed: it has letters that no key has, or too many."),
        (basic(" sk_test.x"), "The API key has spaces or line breaks around it; remove them"),
        (basic("sk_test.wrong"), "Kable does not accept the API key: "),
    ],
)
def test_a_key_that_is_missing_malformed_or_refused_is_401(service: RunningService, header: str, message: str) -> None:
    answer = call(service, event("m-401"), key=None, Authorization=header)
    assert answer.status_code == 401, answer.text
    assert answer.json().keys() == {"message"}
    assert answer.json()["message"].startswith(message)
    assert API_KEY not in answer.text


@pytest.mark.parametrize("kind", ["page", "screen", "group", "alias", "delete", "invoice", "\U0001f600" * 100])
def test_a_type_that_no_subscription_takes_is_501(service: RunningService, kind: str) -> None:
    for integrations in ({}, {"Kable": False}):
        status, body = told(call(service, event("m-501", type=kind, integrations=integrations)))
        shown = kind if len(kind) < 20 else None
        assert (status, body.keys()) == (501, {"message"})
        if shown:
            expected = f'Events of the type "{shown}" are not supported: no subscription takes them.'
            assert body == {"message": expected}
    assert service.dead_letters() == []


def test_live_without_the_live_setting_is_403(service: RunningService, tmp_path: Path) -> None:
    environment = {"KABLE_SECRETS_KEY": new_key()}
    with running_service(
        tmp_path, service.sandbox, configuration="", environment=environment, base_url=None
    ) as running:
        status, body = told(call(running, event("m-403"), key="sk_live.x"))
        assert (status, body.keys()) == (403, {"message"})
        assert body["message"].startswith("Kable Live (live.kable.io) bills real customers, which is not allowed: use")
        answer = call(running, event("m-401"), key="sk_other")
        assert told(answer) == (401, {"message": answer.json()["message"]})
        assert answer.json()["message"].startswith("The API key should begin with sk_live or sk_test")


def test_without_a_secrets_key_only_configured_accounts_are_accepted(service: RunningService, tmp_path: Path) -> None:
    with running_service(tmp_path, service.sandbox, configuration=CONFIGURATION) as running:
        assert told(call(running, event("m-configured"))) == (202, {"message": ACCEPTED})
        message = "The account is not configured, and there is no KABLE_SECRETS_KEY to store its API key with."
        answer = call(running, event("m-403"), settings={"kableClientId": "kci_other"})
        assert told(answer) == (403, {"message": message})
        assert call(running, event("m-401"), key="sk_test.wrong").status_code == 401


def test_a_key_that_cannot_be_checked_is_503(service: RunningService, tmp_path: Path) -> None:
    environment = {"KABLE_SECRETS_KEY": new_key()}
    with many_customers() as gone:
        base_url = gone.base_url
    with running_service(
        tmp_path, service.sandbox, configuration="", environment=environment, base_url=base_url
    ) as running:
        answer = call(running, event("m-503"))
        assert (answer.status_code, answer.headers["Retry-After"], answer.json().keys()) == (503, "1", {"message"})
        assert answer.json()["message"].startswith("The API key cannot be checked at the moment: 127.0.0.1")


def test_a_full_queue_is_503_and_a_broken_one_500(service: RunningService, tmp_path: Path) -> None:
    with running_service(
        tmp_path, service.sandbox, configuration=CONFIGURATION, delivers=False, outbox_megabytes=1
    ) as running:
        large = {"text": "x" * 250_000}
        first, answer = (call(running, event(f"m-large-{number}", properties=large)) for number in range(2))
        assert first.status_code == 202
        assert (answer.status_code, answer.headers["Retry-After"], answer.json().keys()) == (503, "1", {"message"})
        assert answer.json()["message"].startswith("Nothing was accepted, since ")
        with closing(sqlite3.connect(running.outbox)) as outbox:
            for (table,) in outbox.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if table.startswith(("puts", "runs", "batch")):
                    outbox.execute(f"DROP TABLE {table}")
            outbox.commit()
        answer = call(running, event("m-500"))
        assert told(answer) == (
            500,
            {"message": "The service has failed; its log says why. Send the event again."},
        )


def test_it_can_be_switched_off(service: RunningService, tmp_path: Path) -> None:
    with running_service(tmp_path, service.sandbox, service={"direct": False}) as running:
        assert call(running, event("m-404")).status_code == 404


def test_more_settings_than_are_kept_compiled_leave_nothing_behind(service: RunningService) -> None:
    for number in range(20):
        settings = {**SETTINGS, "propertiesMappings": {"units": f"u{number}"}}
        assert call(service, event(f"s-{number}"), settings=settings).status_code == 202
