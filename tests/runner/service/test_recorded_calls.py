"""The requests of Segment's SDKs, recorded in `tests/vectors/sdk/`: each gets its answer, and its events arrive."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.sandbox import running_sandbox
from kable_destination.runner.service.calls import CallRules, read_batch, read_single
from kable_destination.runner.service.tracking import BATCHES, KINDS
from running_service import running_service

if TYPE_CHECKING:
    import httpx

FOLDER = Path(__file__).parents[2] / "vectors" / "sdk"
RECORDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
CONNECTION = {"host", "content-length", "connection", "accept-encoding"}
SETTINGS = f"""
[settings]
kableClientId = "{CLIENT_ID}"
"""
ANY_CALL = f"""
[[subscriptions]]
partnerAction = "track"
subscribe = '{" or ".join(f'type = "{kind}"' for kind in ("track", "identify", "page", "screen", "group", "alias"))}'

[subscriptions.mapping]
data."@path" = "$."
clientId."@if".exists."@path" = "$.userId"
clientId."@if".then."@path" = "$.userId"
clientId."@if".else."@path" = "$.anonymousId"
"""


def calls() -> dict[str, Any]:
    """Return the recordings with events."""
    without = {"settings-request", "script", "preflight", "retry-preflight", "metrics", "track-no-apikey"}
    return {name: recording for name, recording in RECORDINGS.items() if recording["call"] not in without}


def events_of(recording: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events in a recording; `NaN` and `Infinity` as null."""
    body = json.loads(recording["body"], parse_constant=lambda _: None)
    events: list[dict[str, Any]] = body.get("batch", [body])
    return events


def is_wanted(event: dict[str, Any]) -> bool:
    return event.get("integrations", {}).get("All") is not False


class Replayed:
    """The recordings, sent again: the answers, and what Kable has by the IDs of the events."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response] = {}
        self.delivered: dict[str, dict[str, Any]] = {}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """Send all recordings to a service, as they are."""
    folder, found = tmp_path_factory.mktemp("recorded"), Replayed()
    (folder / "analytics.js").write_text("// Analytics.js", encoding="utf-8")
    keys = {
        json.loads(recording["body"], parse_constant=lambda _: None).get("writeKey")
        for recording in RECORDINGS.values()
        if recording["body"]
    }
    keys |= {recording["path"].split("/")[3] for recording in RECORDINGS.values() if recording["method"] == "GET"}
    keys |= {"wk_demo_oldnode", "wk_demo_oldpython"}
    configuration = f"{SETTINGS}{ANY_CALL}\n[service.writeKeys]\n" + "".join(
        f'{key} = "default"\n' for key in sorted(keys - {None})
    )
    wanted = {event["messageId"] for call in calls().values() for event in events_of(call) if is_wanted(event)}
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        running_service(
            folder,
            sandbox,
            configuration=configuration,
            service={"analyticsJs": "analytics.js"},
            allow_old=True,
        ) as service,
    ):
        for name, recording in RECORDINGS.items():
            headers = {key: value for key, value in recording["headers"].items() if key.lower() not in CONNECTION}
            body = recording["body"].encode()
            if recording["headers"].get("Content-Encoding") == "gzip":
                body = gzip.compress(body)
            found.answers[name] = service.client.request(
                recording["method"], recording["path"], content=body, headers=headers
            )
        service.delivered(len(wanted))
        for event in sandbox.ledger.events:
            assert event["transactionId"] not in found.delivered
            found.delivered[event["transactionId"]] = event
        assert service.dead_letters() == []
    assert {*found.delivered} == wanted
    return found


@pytest.mark.parametrize("name", calls())
def test_each_recorded_call_is_answered_with_success(replayed: Replayed, name: str) -> None:
    answer = replayed.answers[name]
    assert (answer.status_code, answer.content) == (200, b'{"success":true}')


@pytest.mark.parametrize("name", sorted({*RECORDINGS} - {*calls()}))
def test_each_other_recorded_request_is_answered_as_browsers_need_it(replayed: Replayed, name: str) -> None:
    answer, call = replayed.answers[name], RECORDINGS[name]["call"]
    expected = {"preflight": 204, "retry-preflight": 204, "track-no-apikey": 400}
    assert answer.status_code == expected.get(call, 200)
    assert answer.headers["access-control-allow-origin"] == "*"
    if call.endswith("preflight"):
        asked = RECORDINGS[name]["headers"]["Access-Control-Request-Headers"]
        assert {*asked.split(",")} <= {*answer.headers["access-control-allow-headers"].split(", ")}
    if call == "settings-request":
        assert answer.json()["integrations"]["Segment.io"]["apiKey"] in RECORDINGS[name]["path"]
    if call == "track-no-apikey":
        assert answer.json()["code"] == "missing_write_key"


@pytest.mark.parametrize("name", calls())
def test_each_recorded_event_arrives_as_it_was_sent(replayed: Replayed, name: str) -> None:
    for sent in filter(is_wanted, events_of(RECORDINGS[name])):
        event = replayed.delivered[sent["messageId"]]
        whole = dict(event["data"])
        # What the service adds, and what differs between the attempts of an SDK, of which only the first arrives.
        assert whole.pop("originalTimestamp") == sent["timestamp"]
        assert whole.pop("receivedAt") > "2026-11-30"
        for changing in ("sentAt", "_metadata"):
            whole.pop(changing, None)
            sent.pop(changing, None)
        sent.pop("writeKey", None)
        assert whole == sent
        assert event["clientId"] == (sent.get("userId") or sent["anonymousId"])


@pytest.mark.parametrize("name", calls())
def test_the_times_of_recorded_events_are_corrected_for_the_clock_of_their_device(name: str) -> None:
    recording = RECORDINGS[name]
    body, endpoint = recording["body"].encode(), recording["path"].removeprefix("/v1/")
    wrong = timedelta(minutes=-7)
    envelope = json.loads(body, parse_constant=lambda _: None)
    sent = datetime.fromisoformat(envelope["sentAt"])
    rules = CallRules(10_000, 1_000_000)
    for received, skew in ((sent + wrong, wrong), (sent + timedelta(hours=1, seconds=1), timedelta(0))):
        if endpoint in BATCHES:
            texts = read_batch(body, received, rules).texts
        else:
            texts = read_single(body, KINDS[endpoint], received, rules).texts
        for text, event in zip(texts, events_of(recording), strict=True):
            found = json.loads(text)
            assert found["originalTimestamp"] == event["timestamp"]
            expected = datetime.fromisoformat(event["timestamp"]) + skew
            assert abs(datetime.fromisoformat(found["timestamp"]) - expected) < timedelta(milliseconds=1)
