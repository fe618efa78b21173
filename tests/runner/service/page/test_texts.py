"""A draft as TOML, as JSON and as a snapshot test, and back from text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID
from open_page import DRAFT, open_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine
    from open_page import OpenPage

EVENT = (
    '{"type": "track", "event": "API Called", "userId": "c1", "messageId": "m1", '
    '"timestamp": "2026-03-04T05:06:07Z", "properties": {"units": 3}}'
)
SUBSCRIPTIONS: list[dict[str, Any]] = [
    {
        "name": 'Usage of "big" customers',
        "partnerAction": "track",
        "subscribe": "type = \"track\" and event = 'it\\'s'",
        "mapping": {
            "clientId": {"@if": {"exists": {"@path": "$.userId"}, "then": {"@path": "$.userId"}}},
            "data": {"a key.with\ndots": {"@path": "$.properties"}, "list": [1, 2.5, True, "x\u007f\u202e"]},
        },
    },
    {"partnerAction": "identify", "subscribe": 'type = "identify"', "mapping": {}, "enabled": False},
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    with open_page(tmp_path_factory.mktemp("page")) as opened:
        yield opened


def exported(page: OpenPage, draft: Any, **more: Any) -> dict[str, Any]:
    answer = page.post("export", {"draft": draft, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def imported(page: OpenPage, text: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = page.post("import", {"text": text, "format": kind}).json()
    return found


@pytest.mark.parametrize("kind", ["toml", "json"])
def test_a_draft_comes_back_from_its_text(page: OpenPage, kind: str) -> None:
    draft = {**DRAFT, "subscriptions": SUBSCRIPTIONS}
    found = imported(page, exported(page, draft)[kind], kind)
    assert found == {"draft": draft, "problems": []}


def test_check_accepts_the_toml(page: OpenPage, command_line: CommandLine) -> None:
    subscriptions = [{**SUBSCRIPTIONS[0], "subscribe": 'type = "track"'}, SUBSCRIPTIONS[1]]
    text = exported(page, {**DRAFT, "subscriptions": subscriptions, "secrets": {"apiKey": API_KEY}})["toml"]
    assert API_KEY not in text
    (command_line.folder / "copied.toml").write_text(text, encoding="utf-8")
    run = command_line("check", "--config", "copied.toml")
    assert run.code == 0, run.out + run.err
    event = command_line.folder / "one.json"
    event.write_text(EVENT, encoding="utf-8")
    assert '"units": 3' in command_line("preview", str(event), "--config", "copied.toml").out


def test_what_toml_cannot_say_is_named(page: OpenPage) -> None:
    mapping = {"clientId": {"@path": "$.userId"}, "data": {"nothing": None}}
    draft = {**DRAFT, "subscriptions": [{"partnerAction": "track", "subscribe": 'type = "track"', "mapping": mapping}]}
    found = exported(page, draft)
    assert [problem["place"] for problem in found["problems"]] == ["subscriptions[0].mapping.data"]
    back = imported(page, found["toml"], "toml")
    assert back["draft"]["subscriptions"][0]["mapping"] == {"clientId": {"@path": "$.userId"}}
    assert imported(page, found["json"], "json")["draft"] == draft


def test_the_snapshot_test_records_and_then_passes(page: OpenPage, tmp_path: Path) -> None:
    text = exported(page, {**DRAFT, "secrets": {"apiKey": API_KEY}}, event=EVENT)["snapshotTest"]
    assert API_KEY not in text
    file = tmp_path / "tests" / "test_mapping.py"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "syrupy", "-p", "kable_destination.pytest_plugin", "tests"]
    # All other plugins take seconds to import.
    quick = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for options, code in ((["--snapshot-update"], 0), ([], 0)):
        done = subprocess.run([*run, *options], cwd=tmp_path, env=quick, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout
    (recorded,) = (tmp_path / "snapshots").iterdir()
    assert '"units": 3' in recorded.read_text(encoding="utf-8")
    file.write_text(text.replace('"units": 3', '"units": 4'), encoding="utf-8")
    assert subprocess.run(run, cwd=tmp_path, env=quick, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize(
    ("text", "kind", "line", "column"),
    [
        ("[settings]\nkableClientId = kci\n", "toml", 2, 17),
        ("a = 1\na = 2", "toml", 2, 6),
        ('{"settings": {,}}', "json", 1, 15),
        ("[]", "json", 1, 1),
    ],
)
def test_a_slip_in_a_text_is_named_at_its_place(page: OpenPage, text: str, kind: str, line: int, column: int) -> None:
    found = imported(page, text, kind)
    assert found["draft"] is None
    (problem,) = found["problems"]
    assert (problem["place"], problem["line"], problem["column"]) == ("text", line, column)


def test_a_draft_of_the_wrong_shape_names_the_place(page: OpenPage) -> None:
    found = imported(page, '{"subscriptions": [{"partnerAction": 5}]}', "json")
    (problem,) = found["problems"]
    assert (found["draft"], problem["place"]) == (None, "subscriptions[0].partnerAction")
    misspelt = imported(page, '[[subscriptions]]\npartnerAction = "track"\nsubscibe = "x"\n', "toml")
    assert "subscibe" in misspelt["problems"][0]["message"]


@pytest.mark.parametrize("kind", ["toml", "json"])
def test_a_number_that_a_browser_would_change_is_refused_at_its_place(page: OpenPage, kind: str) -> None:
    mapping = {"clientId": {"@path": "$.userId"}, "data": {"most": 2**53 - 1, "text": str(2**53)}}
    text = exported(page, {**DRAFT, "subscriptions": [{"partnerAction": "track", "mapping": mapping}]})[kind]
    assert imported(page, text, kind)["problems"] == []
    found = imported(page, text.replace(str(2**53 - 1), str(2**53 + 1)), kind)
    assert found["draft"] is None
    assert [problem["place"] for problem in found["problems"]] == ["subscriptions[0].mapping.data.most"]
    assert "more digits than a browser keeps" in found["problems"][0]["message"]


def test_a_configuration_with_a_number_that_a_browser_would_change_says_so(tmp_path: Path) -> None:
    subscription = f'[[subscriptions]]\npartnerAction = "track"\nsubscribe = "type = 1"\nmapping.data.most = {2**53}\n'
    with open_page(tmp_path, configuration=subscription) as page:
        places = [problem["place"] for problem in page.get("start").json()["problems"]]
    assert "subscriptions[0].mapping.data.most" in places


def test_a_secret_in_a_text_is_left_out_and_never_comes_back(page: OpenPage) -> None:
    text = f'[settings]\napiKey = "{API_KEY}"\nkableClientId = "{CLIENT_ID}"\n[delivery]\nlive = true\n'
    answer = page.post("import", {"text": text, "format": "toml"})
    found = answer.json()
    assert found["draft"]["settings"] == {"kableClientId": CLIENT_ID}
    assert {problem["place"] for problem in found["problems"]} == {"settings.apiKey", "delivery"}
    assert API_KEY not in answer.text
    broken = page.post("import", {"text": '[settings]\napiKey = "sk_test_not-yet-known" x\n', "format": "toml"})
    assert "not-yet-known" not in broken.text


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "x" * 1_100_000, "\ud800", json.dumps({"settings": "\udfff"})])
@pytest.mark.parametrize("kind", ["toml", "json", "yaml"])
def test_a_hostile_text_is_refused(page: OpenPage, text: str, kind: str) -> None:
    body = json.dumps({"text": text, "format": kind})
    answer = page.client.post("/page/api/import", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 400, 413}
    assert answer.status_code != 200 or answer.json()["draft"] is None


@pytest.mark.parametrize("levels", [300, 450, 900])
def test_what_is_nested_too_deeply_is_refused_both_ways(page: OpenPage, levels: int) -> None:
    deep: dict[str, Any] = {}
    for _ in range(levels):
        deep = {"a": deep}
    draft = {**DRAFT, "subscriptions": [{"partnerAction": "track", "subscribe": "", "mapping": deep}]}
    told = "The draft or the event is nested too deeply to be written."
    assert page.post("export", {"draft": draft}).json()["message"] == told
    read = page.post("import", {"text": json.dumps(draft), "format": "json"})
    assert read.status_code == 200
    # What Python itself can read is refused later, by the mapping.
    assert read.json()["draft"] is not None or "nested too deeply" in read.json()["problems"][0]["message"]
