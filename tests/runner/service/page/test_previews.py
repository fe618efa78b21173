"""The page shows what a draft makes of an event, and where each value comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from open_page import DRAFT, open_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from open_page import OpenPage

EVENT = {
    "type": "track",
    "event": "API Called",
    "userId": "customer_1",
    "messageId": "message-1",
    "timestamp": "2026-03-04T05:06:07Z",
    "properties": {"units": 3, "a/b~c": [{"sku": "x"}]},
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    with open_page(tmp_path_factory.mktemp("page")) as opened:
        yield opened


def subscription(**mapping: Any) -> dict[str, Any]:
    return {"partnerAction": "track", "subscribe": 'type = "track"', "mapping": mapping}


def previewed(page: OpenPage, event: Any = EVENT, *subscriptions: Any, **changes: Any) -> Any:
    draft = {**DRAFT, **({"subscriptions": [*subscriptions]} if subscriptions else {}), **changes}
    text = event if isinstance(event, str) else json.dumps(event)
    answer = page.post("preview", {"draft": draft, "event": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_presets_apply_without_subscriptions(page: OpenPage) -> None:
    found = previewed(page)
    assert (found["problems"], found["isComplete"], found["isLive"]) == ([], True, False)
    assert found["target"] == "Kable Test (test.kable.io)"
    usage, membership = found["subscriptions"]
    assert (usage["matches"], membership["matches"]) == (True, False)
    assert usage["decidedBy"] == ['type = "track"']
    assert membership["whyNot"] == 'type = "identify" is not so: the event\'s type is "track"'
    assert json.loads(usage["request"]["body"])["clientId"] == "customer_1"
    assert usage["http"].startswith("POST https://test.kable.io/api/v1/events/create\n")
    assert "$KABLE_API_KEY" in usage["curl"]


def test_each_value_names_where_in_the_event_it_comes_from(page: OpenPage) -> None:
    mapping = {
        "clientId": {"@path": "$.userId"},
        "data": {"first": {"@path": "$.properties.a/b~c[0].sku"}, "none": {"@path": "$.properties.none"}},
    }
    (found,) = previewed(page, EVENT, subscription(**mapping))["subscriptions"]
    fields = {field["key"]: field for field in found["fields"]}
    assert fields["clientId"]["paths"] == ["/userId"]
    assert fields["data"]["paths"] == ["/properties/a~1b~0c/0/sku"]
    assert (fields["data"]["isSent"], json.loads(fields["data"]["sent"])) == (True, {"first": "x"})


def test_an_event_that_is_rejected_has_its_problems_at_their_fields(page: OpenPage) -> None:
    found = previewed(page, {**EVENT, "userId": None})["subscriptions"][0]
    assert [problem["field"] for problem in found["problems"]] == ["clientId"]
    assert (found["request"], found["http"], found["curl"]) == (None, "", "")


def test_a_mistake_in_one_subscription_leaves_the_preview_of_the_others(page: OpenPage) -> None:
    off = {**subscription(), "enabled": False}
    wrong = {**subscription(data={"@pth": "$.properties"}), "subscribe": "type == "}
    found = previewed(page, EVENT, off, wrong, subscription())
    places = [problem["place"] for problem in found["problems"]]
    assert {place.partition("]")[0] for place in places} == {"subscriptions[1"}
    assert {place.partition("].")[2].partition(".")[0] for place in places} == {"subscribe", "mapping"}
    assert not found["isComplete"]
    (shown,) = found["subscriptions"]
    assert (shown["index"], shown["matches"]) == (2, True)


def test_settings_that_are_wrong_or_missing_do_not_hide_the_preview(page: OpenPage) -> None:
    found = previewed(page, EVENT, settings={"kableClientId": "", "nonsense": 1})
    assert {problem["place"] for problem in found["problems"]} == {"settings.kableClientId", "settings.nonsense"}
    assert found["subscriptions"][0]["matches"]


def test_without_a_key_there_is_a_preview_that_cannot_be_sent(page: OpenPage) -> None:
    found = previewed(page, EVENT, secrets={"apiKey": ""}, account="default")
    assert found["isComplete"]
    with_typed = previewed(page, EVENT, secrets={"apiKey": "sk_live.typed-by-hand"})
    assert (with_typed["isLive"], with_typed["environment"]) == (True, "Live")
    assert "typed-by-hand" not in json.dumps(with_typed)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{\n  "type": track\n}', 2, 11), ("", 1, 1), ("[1,", 1, 4), ('{"a": NaN}', 1, 7)],
)
def test_text_that_is_not_json_is_named_at_its_place(page: OpenPage, text: str, line: int, column: int) -> None:
    found = previewed(page, text)
    (problem,) = found["problems"]
    assert (problem["place"], problem["line"], problem["column"]) == ("event", line, column)
    assert found["subscriptions"] == []


HOSTILE = {
    "a script": json.dumps({**EVENT, "event": "<img src=x onerror=alert(1)>"}),
    "bidi": json.dumps({**EVENT, "event": "\u202egnp.exe\u2066"}),
    "half of a surrogate pair": '{"type": "track", "event": "\\ud800"}',
    "very deep": '{"type": "track", "properties": ' + '{"a":' * 200 + "1" + "}" * 201,
    "deeper than Python": "[" * 100_000 + "]" * 100_000,
    "many digits": '{"type": "track", "properties": {"units": ' + "9" * 5_000 + "}}",
    "5 MB": json.dumps({**EVENT, "properties": {"text": "x" * 5_000_000}}),
    "many keys": json.dumps({**EVENT, "properties": {str(number): number for number in range(20_000)}}),
    "a list": "[1, 2]",
    "null": "null",
    "a number": "1e999",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_event_is_previewed_or_named_and_the_page_goes_on(page: OpenPage, text: str) -> None:
    answer = page.post("preview", {"draft": DRAFT, "event": text})
    assert answer.status_code in {200, 400}, answer.text[:500]
    assert previewed(page)["isComplete"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"[" * 100_000, 400, "invalid_request"),
        (b"{}", 400, "invalid_request"),
        (json.dumps({"draft": DRAFT, "event": "{}", "more": 1}).encode(), 400, "invalid_request"),
        (
            json.dumps({"draft": {"destination": "../../etc/passwd"}, "event": "{}"}).encode(),
            404,
            "no_such_destination",
        ),
        (json.dumps({"draft": {"destination": "/etc/x.json"}, "event": "{}"}).encode(), 404, "no_such_destination"),
        (json.dumps({"draft": {**DRAFT, "account": "other"}, "event": "{}"}).encode(), 400, "no_such_account"),
        (json.dumps({"draft": {**DRAFT, "secrets": {"x": "y"}}, "event": "{}"}).encode(), 400, "no_such_secret"),
        (
            json.dumps({"draft": {**DRAFT, "settings": {"apiKey": API_KEY}}, "event": "{}"}).encode(),
            400,
            "secret_in_settings",
        ),
        (b" " * 5_000_000, 400, "too_large"),
    ],
)
def test_a_request_that_cannot_be_done_says_why(page: OpenPage, body: bytes, status: int, code: str) -> None:
    answer = page.client.post("/page/api/preview", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert API_KEY not in answer.text


def test_the_destination_and_its_fields_are_described_without_secrets(page: OpenPage) -> None:
    answer = page.get("start")
    found = answer.json()
    kable = next(each for each in found["destinations"] if each["name"] == "kable")
    fields = {field["key"]: field for field in kable["settings"]}
    assert fields["apiKey"]["isSecret"] is True
    settings = {"kableClientId": CLIENT_ID}
    assert found["accountSettings"] == {"default": {"settings": settings, "secrets": ["apiKey"]}}
    assert {"track", "identify"} <= {action["key"] for action in kable["actions"]}
    assert found["draft"] == {
        "destination": "kable",
        "account": "default",
        "settings": {"kableClientId": CLIENT_ID},
        "subscriptions": None,
    }
    assert API_KEY not in answer.text
    samples = page.get("samples").json()
    for call in ("track", "identify", "page", "screen", "group", "alias"):
        assert samples[call]["type"] == call
        assert previewed(page, samples[call])["problems"] == []


def test_a_secret_that_a_shell_quotes_is_masked_in_every_form_of_the_request(page: OpenPage) -> None:
    secret = 'sk_test.it\'s-"quoted"-here'  # noqa: S105 - of this test
    event = {**EVENT, "properties": {"note": f"the key is {secret}"}}
    answer = page.post("preview", {"draft": {**DRAFT, "secrets": {"apiKey": secret}}, "event": json.dumps(event)})
    (usage, _) = answer.json()["subscriptions"]
    assert usage["matches"]
    for text in (usage["http"], usage["curl"], usage["request"]["body"], answer.text):
        assert "quoted" not in text
        assert "here" not in text


def test_a_plugin_that_cannot_be_used_leaves_the_page_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[destination_actions]\nbroken = no_such_module:it\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with open_page(tmp_path) as opened:
        answer = opened.get("start")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert "broken" not in {each["name"] for each in found["destinations"]}
        (problem,) = found["problems"]
        assert '"broken" (no_such_module:it) cannot be imported' in problem["message"]
        assert previewed(opened)["problems"] == []
