"""Dead letters on the page: listed, shown whole, replayed, corrected and discarded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY
from kable_destination.runner.sandbox.faults import Faults
from running_service import until
from segment_events import track
from watched_page import BAD, watched_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from watched_page import WatchedPage


@pytest.fixture
def page(tmp_path: Path, sandbox: RunningSandbox) -> Iterator[WatchedPage]:
    """The page of a service that delivers to a sandbox."""
    with watched_page(tmp_path, sandbox) as page:
        yield page


@pytest.fixture(scope="module")
def idle_page(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: RunningSandbox) -> Iterator[WatchedPage]:
    """The page of a service without events, for requests that are refused."""
    with watched_page(tmp_path_factory.mktemp("idle"), shared_sandbox) as page:
        yield page


def fault(page: WatchedPage, path: str, body: Any) -> tuple[int, str]:
    """Return the status and the code of a request that is not done."""
    answer = page.post(path, body)
    found = answer.json()
    assert found["message"][0].isupper()
    assert found["message"].endswith(".")
    return answer.status_code, found["code"]


def test_dead_letters_are_listed_in_groups_with_the_newest_first(page: WatchedPage) -> None:
    first, *_ = reversed(page.refused(1, 2, 3))
    listed = page.letters()
    assert listed["counts"] == {"refused": 3}
    (group,) = listed["groups"]
    assert (group["reason"], group["count"], group["lastId"]) == ("refused", 3, listed["letters"][0]["id"])
    assert [letter["id"] for letter in listed["letters"]] == sorted(
        (letter["id"] for letter in listed["letters"]), reverse=True
    )
    assert listed["next"] is None
    assert page.letters(f"?group={group['key']}")["letters"] == listed["letters"]
    assert page.letters("?reason=rejected")["letters"] == []
    one_by_one = page.letters("?limit=1")
    assert len(one_by_one["letters"]) == 1
    older = page.letters(f"?limit=2&before={one_by_one['next']}")
    assert [*one_by_one["letters"], *older["letters"]] == listed["letters"]
    assert older["groups"] == []
    assert older["letters"][-1]["id"] == first["id"]


def test_a_dead_letter_is_shown_with_its_event_the_request_and_the_answer(page: WatchedPage) -> None:
    (letter,) = page.refused(7)
    shown = page.get(f"dead-letters/{letter['id']}").json()
    assert json.loads(shown["event"])["messageId"] == "message-000007"
    assert json.loads(shown["payload"])["transactionId"] == "message-000007"
    assert shown["letter"]["status"] == 400
    assert shown["requestId"]
    assert shown["request"]["method"] == "POST"
    assert json.loads(shown["request"]["body"])["data"] == BAD
    assert (shown["whyNotEdit"], shown["whyNotReplay"]) == (None, None)
    assert (shown["letter"]["environment"], shown["letter"]["isLive"]) == ("Test", False)
    assert (shown["target"].startswith("Kable Test"), shown["isSentHere"]) == (True, True)


def test_a_corrected_event_is_delivered_and_its_dead_letter_is_gone(page: WatchedPage) -> None:
    first, second = reversed(page.refused(1, 2))
    event = json.dumps(track(1, properties={"units": 5}), indent=2)
    done = page.post("dead-letters/replay", {"id": first["id"], "event": event}).json()
    assert (done["queued"], done["stay"], done["message"]) == (1, [], "1 event is being sent.")
    (delivered,) = page.service.delivered(1)
    assert delivered["data"] == {"units": 5}
    assert [letter["id"] for letter in page.letters()["letters"]] == [second["id"]]


def test_a_corrected_event_may_have_another_id(page: WatchedPage) -> None:
    (letter,) = page.refused(1)
    event = json.dumps(track(1, messageId="another", properties={"units": 5}))
    assert page.post("dead-letters/replay", {"id": letter["id"], "event": event}).json()["queued"] == 1
    assert page.service.delivered(1)[0]["transactionId"] == "another"
    assert page.letters()["letters"] == []


def test_a_corrected_event_that_is_rejected_stays_and_each_field_is_named(page: WatchedPage) -> None:
    (letter,) = page.refused(1)
    event = json.dumps(track(1, timestamp="never", properties={"units": 5}))
    done = page.post("dead-letters/replay", {"id": letter["id"], "event": event}).json()
    (rejection,) = done["rejections"]
    assert (done["queued"], done["stay"][0]["count"]) == (0, 1)
    assert [problem["place"] for problem in rejection["problems"]] == ["timestamp"]
    assert len(page.letters()["letters"]) == 1


def test_a_corrected_event_that_nobody_wants_stays(page: WatchedPage) -> None:
    (letter,) = page.refused(1)
    done = page.post("dead-letters/replay", {"id": letter["id"], "event": json.dumps(track(1, type="page"))}).json()
    assert done["queued"] == 0
    assert done["message"].startswith("No subscription wants the event")
    assert len(page.letters()["letters"]) == 1


def test_a_corrected_event_never_takes_the_place_of_one_that_was_delivered(page: WatchedPage) -> None:
    page.service.post("/v1/track", track(9))
    page.service.delivered(1)
    (letter,) = page.refused(1)
    event = json.dumps(track(1, messageId="message-000009", properties={"units": 5}))
    done = page.post("dead-letters/replay", {"id": letter["id"], "event": event}).json()
    assert done["queued"] == 0
    assert done["message"].startswith("The ID came before, with other content.")
    assert len(page.letters()["letters"]) == 1


def test_a_corrected_event_that_is_too_old_stays(page: WatchedPage) -> None:
    (letter,) = page.refused(1)
    event = json.dumps(track(1, timestamp="2020-01-01T00:00:00Z", properties={"units": 5}))
    done = page.post("dead-letters/replay", {"id": letter["id"], "event": event}).json()
    assert done["queued"] == 0
    assert done["message"].startswith("The event is older than keepIds")
    assert len(page.letters()["letters"]) == 1


def test_true_is_a_correction_of_1(page: WatchedPage) -> None:
    page.refuse_bad()
    page.service.post("/v1/track", track(1, properties={"isBad": True, "units": 1}))
    (letter,) = page.dead(1)
    page.service.sandbox.faults.set(Faults())
    event = json.dumps(track(1, properties={"isBad": 1, "units": 1}))
    assert page.post("dead-letters/replay", {"id": letter["id"], "event": event}).json()["queued"] == 1
    assert page.service.delivered(1)[0]["data"]["isBad"] == 1
    assert page.service.delivered(1)[0]["data"]["isBad"] is not True


def test_dead_letters_are_replayed_by_id_or_as_a_group_up_to_what_was_seen(page: WatchedPage) -> None:
    first, second, third = reversed(page.refused(1, 2, 3))
    (group,) = page.letters()["groups"]
    page.service.sandbox.faults.set(Faults())
    done = page.post("dead-letters/replay", {"ids": [first["id"]]}).json()
    assert (done["queued"], done["next"]) == (1, None)
    done = page.post("dead-letters/replay", {"group": group["key"], "upTo": second["id"]}).json()
    assert done["queued"] == 1
    page.service.delivered(2)
    assert [letter["id"] for letter in page.letters()["letters"]] == [third["id"]]
    gone = page.post("dead-letters/replay", {"ids": [first["id"]]}).json()
    assert (gone["queued"], gone["gone"]) == (0, 1)


def test_a_replay_that_is_refused_again_is_a_dead_letter_again(page: WatchedPage) -> None:
    (letter,) = page.refused(1)
    assert page.post("dead-letters/replay", {"ids": [letter["id"]]}).json()["queued"] == 1
    is_new = until(
        lambda: [each["id"] for each in page.letters()["letters"]], lambda found: found not in ([], [letter["id"]])
    )
    assert len(is_new) == 1


def test_discarded_letters_are_gone(page: WatchedPage) -> None:
    first, second, _third = reversed(page.refused(1, 2, 3))
    assert page.post("dead-letters/discard", {"ids": [first["id"]]}).json()["discarded"] == 1
    (group,) = page.letters()["groups"]
    done = page.post("dead-letters/discard", {"group": group["key"], "upTo": second["id"]}).json()
    assert (done["discarded"], done["next"]) == (1, None)
    done = page.post("dead-letters/discard", {"group": group["key"], "upTo": 2**62}).json()
    assert done["message"] == "1 dead letter discarded."
    assert page.letters()["letters"] == []


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("dead-letters/replay", {}, (400, "invalid_request")),
        ("dead-letters/replay", {"ids": [1], "group": "x"}, (400, "invalid_request")),
        ("dead-letters/replay", {"ids": ["1"]}, (400, "invalid_request")),
        ("dead-letters/replay", {"ids": [2**64]}, (400, "invalid_request")),
        ("dead-letters/replay", {"ids": [-1]}, (400, "invalid_request")),
        ("dead-letters/replay", {"ids": [*range(1, 502)]}, (400, "too_many")),
        ("dead-letters/replay", {"id": 1}, (400, "invalid_request")),
        ("dead-letters/replay", {"id": 1, "ids": [1], "event": "{}"}, (400, "invalid_request")),
        ("dead-letters/replay", {"id": 0, "event": "{}"}, (400, "invalid_request")),
        ("dead-letters/replay", {"id": 99, "event": "{}"}, (404, "no_such_letter")),
        ("dead-letters/replay", {"id": 1, "event": "{"}, (400, "invalid_event")),
        ("dead-letters/replay", {"id": 1, "event": "[]"}, (400, "invalid_event")),
        ("dead-letters/replay", {"id": 1, "event": "[" * 100_000}, (400, "invalid_event")),
        ("dead-letters/replay", {"id": 1, "event": f'{{"a": "{"x" * 1_000_000}"}}'}, (400, "invalid_event")),
        ("dead-letters/replay", {"unknown": 1}, (400, "invalid_request")),
        ("dead-letters/discard", {"ids": [1], "event": "{}"}, (400, "invalid_request")),
        ("dead-letters/discard", {"group": "x", "upTo": 0}, (400, "invalid_request")),
        ("dead-letters/discard", [], (400, "invalid_request")),
    ],
)
def test_what_cannot_be_done_is_refused(
    idle_page: WatchedPage, path: str, body: Any, expected: tuple[int, str]
) -> None:
    assert fault(idle_page, path, body) == expected


def test_a_corrected_event_that_is_not_json_is_refused_with_line_and_column(idle_page: WatchedPage) -> None:
    answer = idle_page.post("dead-letters/replay", {"id": 1, "event": '{\n  "a": x\n}'})
    (problem,) = answer.json()["problems"]
    assert (answer.status_code, problem["line"], problem["column"]) == (400, 2, 8)


@pytest.mark.parametrize(
    "path",
    ["?reason=other", "?before=x", "?before=0", "?limit=-1", f"?limit={10**19}", "/x", "/0", f"/{10**19}", "/99"],
)
def test_a_question_that_makes_no_sense_is_refused(idle_page: WatchedPage, path: str) -> None:
    answer = idle_page.get(f"dead-letters{path}")
    assert answer.status_code == (404 if path == "/99" else 400)
    assert answer.json()["code"] in {"invalid_request", "no_such_letter"}


def test_no_answer_holds_a_secret_and_an_event_with_one_cannot_be_edited(page: WatchedPage) -> None:
    page.refuse_bad()
    page.service.post("/v1/track", track(1, properties={**BAD, "note": API_KEY, API_KEY: 1}))
    (letter,) = page.dead(1)
    texts = [page.get(path).text for path in ("dead-letters", f"dead-letters/{letter['id']}", "status")]
    shown = page.get(f"dead-letters/{letter['id']}").json()
    assert "secret" in shown["whyNotEdit"]
    answer = page.post("dead-letters/replay", {"id": letter["id"], "event": shown["event"]})
    texts.append(answer.text)
    assert (answer.status_code, answer.json()["code"]) == (409, "has_secret")
    texts.append(json.dumps(next(page.live())))
    assert [API_KEY in text for text in texts] == [False] * len(texts)


def test_a_hostile_event_is_shown_as_text(page: WatchedPage) -> None:
    page.refuse_bad()
    hostile = {
        **BAD,
        "html": "<img src=x onerror=alert(1)>",
        "bidi": "\u202egnp.exe",
        "null": "a\u0000b",
        "big": 10**400,
    }
    page.service.post("/v1/track", json.loads(json.dumps(track(1, properties=hostile))))
    (letter,) = page.dead(1)
    shown = page.get(f"dead-letters/{letter['id']}").json()
    assert "<img src=x onerror=alert(1)>" in shown["event"]
    assert "\\u202e" in shown["event"]
    assert "\u202e" not in shown["event"]
    assert str(10**400) in shown["event"]


def test_what_a_message_quotes_of_an_event_cannot_change_how_the_page_reads(page: WatchedPage) -> None:
    page.service.post("/v1/track", track(1, timestamp="\u202eyadot"))
    (letter,) = page.dead(1)
    outcome = next(page.live())["recent"][0]
    assert (outcome["outcome"], letter["reason"]) == ("rejected", "rejected")
    assert "yadot" in outcome["error"]
    assert "\u202e" not in outcome["error"] + letter["message"] + page.get("dead-letters").text
