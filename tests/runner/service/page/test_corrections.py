"""Corrections of dead letters: what is billed once is not billed again, and no letter goes before its event is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from command_line import CLIENT_ID
from kable_destination.runner.sandbox.faults import Faults
from open_page import open_page
from segment_events import ndjson, track
from watched_page import BAD, watched_page

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from open_page import OpenPage

_SUBSCRIPTION = """
[[subscriptions]]
name = "{name}"
partnerAction = "track"
subscribe = '{trigger}'
mapping = {{ clientId = {{ "@path" = "$.userId" }}, transactionId = {{ "@template" = "{{{{messageId}}}}-{name}" }}, \
data = {{ "@path" = "$.{data}" }}, timestamp = {{ "@path" = "$.timestamp" }} }}
"""


def configured(*subscriptions: tuple[str, str, str]) -> str:
    """Return a configuration with some subscriptions: the name, the trigger, and where the data are."""
    tables = [_SUBSCRIPTION.format(name=name, trigger=trigger, data=data) for name, trigger, data in subscriptions]
    return f'[settings]\nkableClientId = "{CLIENT_ID}"\n[service.writeKeys]\nwk_test = "default"\n{"".join(tables)}'


def only_letter(page: OpenPage) -> dict[str, Any]:
    """Return the only dead letter, whole."""
    (letter,) = page.get("dead-letters").json()["letters"]
    shown: dict[str, Any] = page.get(f"dead-letters/{letter['id']}").json()
    return shown


def test_a_corrected_event_is_sent_only_under_the_subscription_that_failed(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    is_track = 'type = "track"'
    configuration = configured(("good", is_track, "context"), ("bad", is_track, "properties"))
    with watched_page(tmp_path, sandbox, configuration=configuration) as page:
        (letter,) = page.refused(1)
        assert [event["transactionId"] for event in page.service.delivered(1)] == ["message-000001-good"]
        body = {"id": letter["id"], "event": json.dumps(track(1, properties={"units": 5}))}
        assert page.post("dead-letters/replay", body).json()["queued"] == 1
        page.service.delivered(2)
    # Once the service has ended, nothing more can come.
    assert [event["transactionId"] for event in sandbox.ledger.events] == ["message-000001-good", "message-000001-bad"]


def test_an_event_whose_subscription_is_gone_is_corrected_under_those_that_there_are(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    with watched_page(tmp_path, sandbox, configuration=configured(("before", 'type = "track"', "properties"))) as page:
        (letter,) = page.refused(1)
        page.service.reload(configured(("after", 'type = "track"', "properties")))
        body = {"id": letter["id"], "event": json.dumps(track(1, properties={"units": 5}))}
        assert page.post("dead-letters/replay", body).json()["queued"] == 1
        assert page.service.delivered(1)[0]["transactionId"] == "message-000001-after"
        assert page.letters()["letters"] == []


def test_an_event_that_is_not_changed_is_replayed(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with watched_page(tmp_path, sandbox) as page:
        (letter,) = page.refused(1)
        sandbox.faults.set(Faults())
        shown = page.get(f"dead-letters/{letter['id']}").json()
        done = page.post("dead-letters/replay", {"id": letter["id"], "event": shown["event"]}).json()
        assert done["queued"] == 1
        assert page.service.delivered(1)[0]["data"] == BAD
        assert page.letters()["letters"] == []


def test_text_that_is_not_an_event_can_be_corrected_and_not_replayed(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    command_line.deliver(ndjson(b'{"type": "track",\t"event'), sandbox.base_url)
    with open_page(tmp_path, base_url=sandbox.base_url) as page:
        shown = only_letter(page)
        assert shown["letter"]["reason"] == "unreadable"
        assert "must be corrected first" in shown["whyNotReplay"]
        assert shown["whyNotEdit"] is None
        assert shown["event"] == '{"type": "track",    "event'
        done = page.post("dead-letters/replay", {"ids": [shown["letter"]["id"]]}).json()
        assert (done["queued"], done["stay"][0]["count"]) == (0, 1)
        body = {"id": shown["letter"]["id"], "event": json.dumps(track(1))}
        assert page.post("dead-letters/replay", body).json()["queued"] == 1
        assert page.get("dead-letters").json()["letters"] == []
    command_line("deliver", "--base-url", sandbox.base_url)
    assert len(sandbox.ledger.events) == 1


def test_a_letter_of_an_account_that_is_not_configured_is_shown_and_stays(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    command_line.deliver(ndjson(track(1, timestamp="never")), sandbox.base_url)
    other = '[settings]\nkableClientId = "kci_test_of_somebody_else"\n'
    with open_page(tmp_path, base_url=sandbox.base_url, configuration=other) as page:
        shown = only_letter(page)
        assert shown["whyNotEdit"] == shown["whyNotReplay"]
        assert (shown["target"], shown["request"]) == (None, None)
        done = page.post("dead-letters/replay", {"ids": [shown["letter"]["id"]]}).json()
        assert done["stay"] == [
            {"count": 1, "advice": "The settings of their account are not part of the configuration."}
        ]
        answer = page.post("dead-letters/replay", {"id": shown["letter"]["id"], "event": json.dumps(track(1))})
        assert (answer.status_code, answer.json()["code"]) == (409, "unknown_account")
        assert len(page.get("dead-letters").json()["letters"]) == 1


def test_a_correction_that_finds_no_room_changes_nothing(
    command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    sandbox.faults.set(Faults.model_validate({"statuses": {"401": 1}, "authenticate": 401}))
    large = [track(number, properties={"text": f"{number}" * 20_000}) for number in range(10, 70)]
    command_line.deliver(ndjson(track(1, timestamp="never"), *large), sandbox.base_url)
    with open_page(tmp_path, base_url=sandbox.base_url, outbox_megabytes=1) as page:
        shown = only_letter(page)
        answer = page.post("dead-letters/replay", {"id": shown["letter"]["id"], "event": json.dumps(track(1))})
        assert (answer.status_code, answer.json()["code"]) == (503, "outbox_full")
        assert only_letter(page) == shown
