"""Before and after of a change, over many events, with the bill's difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from open_page import DRAFT, open_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from open_page import OpenPage

EVENTS = "\n".join(
    json.dumps(
        {
            "type": "track",
            "event": "API Called",
            "userId": f"customer_{number % 3}",
            "messageId": f"message-{number}",
            "timestamp": "2026-03-04T05:06:07Z",
            "properties": {"units": number, "calls": 1},
        }
    )
    for number in range(1_000)
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    with open_page(tmp_path_factory.mktemp("page")) as opened:
        yield opened


def draft(subscribe: str = 'type = "track"', **mapping: Any) -> dict[str, Any]:
    return {**DRAFT, "subscriptions": [{"partnerAction": "track", "subscribe": subscribe, "mapping": mapping}]}


def compared(page: OpenPage, before: Any, after: Any, events: str = EVENTS) -> Any:
    answer = page.post("compare", {"before": before, "after": after, "events": events})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nothing_changes_if_the_drafts_are_equal(page: OpenPage) -> None:
    found = compared(page, draft(), draft())
    assert (found["events"], found["changedEvents"], found["changes"]) == (1_000, 0, [])
    assert found["bill"]["total"]["events"] == {"before": "1000", "after": "1000", "difference": "0"}


def test_a_change_is_shown_by_event_and_in_the_bill(page: OpenPage) -> None:
    only_units = draft(data={"units": {"@path": "$.properties.units"}})
    found = compared(page, draft(), only_units)
    assert (found["changedEvents"], len(found["changes"]), found["changesLeftOut"]) == (1_000, 500, 500)
    first = found["changes"][0]
    assert (first["line"], first["messageId"]) == (1, "message-0")
    assert first["changes"] == [{"field": "data.calls", "before": "1", "after": None}]
    (calls,) = found["bill"]["total"]["dimensions"]
    assert (calls["dimension"], calls["sum"]) == ("calls", {"before": "1000", "after": "0", "difference": "-1000"})
    assert {each["customer"] for each in found["bill"]["customers"]} == {"customer_0", "customer_1", "customer_2"}


def test_events_that_are_skipped_or_rejected_after_a_change_are_counted(page: OpenPage) -> None:
    found = compared(page, draft(), draft('type = "track" and properties.units >= 990'))
    assert (found["before"], found["after"]) == ({"planned": 1_000}, {"planned": 10, "skipped": 990})
    assert found["bill"]["total"]["events"]["difference"] == "-990"


def test_bad_lines_are_part_of_a_comparison(page: OpenPage) -> None:
    found = compared(page, draft(), draft(), f"{EVENTS}\nnot an event\n")
    assert (found["events"], found["before"]["unreadable"]) == (1_001, 1)


@pytest.mark.parametrize(
    ("before", "after", "events", "status", "code"),
    [
        (draft(), draft("type ="), EVENTS, 400, "invalid_draft"),
        (draft(), draft(), "", 400, "invalid_events"),
        (draft(), draft(), "not an event", 400, "invalid_events"),
        (draft(), draft(), "{}\n" * 50_000, 413, "too_large"),
        (draft(), draft(), "x" * (17 * 1024 * 1024), 413, "too_large"),
    ],
)
def test_a_comparison_that_cannot_be_made_says_why(
    page: OpenPage, before: Any, after: Any, events: str, *, status: int, code: str
) -> None:
    answer = page.post("compare", {"before": before, "after": after, "events": events})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
