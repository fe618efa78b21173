"""Watching a delivery on the page, in a real browser: live figures, a lane started again, dead letters corrected.

One service and one window serve all tests; each begins without dead letters, and with events of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CLIENT_ID
from kable_destination.runner.sandbox import running_sandbox
from kable_destination.runner.sandbox.faults import Faults
from open_page import open_page
from running_page import chromium, window
from running_service import until
from segment_events import ndjson, track
from watched_page import BAD, WatchedPage, watched_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from running_page import Scheme

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-core is not installed: pip install axe-playwright-python"
)

WRONG_KEY = Faults.model_validate({"statuses": {"401": 1}, "authenticate": 401})
HOSTILE = {**BAD, "note": "<img src=x onerror=document.title='ran'>", "bidi": "\u202egnp.exe"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium without a window."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedPage]:
    """Run a service that delivers to a sandbox."""
    with (
        running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as sandbox,
        watched_page(tmp_path_factory.mktemp("watched"), sandbox) as page,
    ):
        yield page


@pytest.fixture(scope="module")
def opened(browser: Browser, service: WatchedPage) -> Iterator[Page]:
    """Open the page in a window; the server refuses one request, that of a text that is not JSON."""
    with window(browser, f"{service.service.running.base_url}/#/watch", refusals=1) as page:
        yield page


@pytest.fixture
def watched(service: WatchedPage) -> WatchedPage:
    """Return the service, without faults and without dead letters."""
    service.service.sandbox.faults.set(Faults())
    ids = [letter["id"] for letter in service.letters()["letters"]]
    if ids:
        service.post("dead-letters/discard", {"ids": ids})
    service.service.sandbox.ledger.reset()
    return service


def go_to(page: Page, watched: WatchedPage, view: str) -> None:
    """Show a view."""
    # A link to the view that is shown already would do nothing.
    page.goto("about:blank")
    page.goto(f"{watched.service.running.base_url}/#/{view}")


def replace_in_editor(page: Page, event: str) -> None:
    """Replace the event, as somebody does who types over it."""
    page.get_by_role("textbox", name="Event as JSON").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(event)


def test_figures_and_outcomes_change_with_the_events(opened: Page, watched: WatchedPage) -> None:
    go_to(opened, watched, "watch")
    opened.get_by_text("updating", exact=True).wait_for()
    watched.service.post("/v1/track", track(1))
    watched.refused(2)
    opened.locator(".outcomes tbody tr", has_text="delivered").first.wait_for()
    opened.locator(".tile.bad", has_text="Dead letters").get_by_text("1", exact=True).wait_for()
    lane = opened.get_by_role("listitem").filter(has=opened.get_by_role("heading", name="track"))
    lane.get_by_text("1, the last").wait_for()
    opened.get_by_text("The figures as a table").click()
    opened.get_by_role("region", name="Figures of the last minutes").locator("tbody tr").first.wait_for()
    assert "Queued: 0 now" in (opened.locator(".chart .for-readers").first.text_content() or "")
    opened.get_by_role("button", name="Pause").click()
    opened.get_by_text("paused", exact=True).wait_for()
    opened.get_by_role("button", name="Continue").click()
    opened.get_by_text("updating", exact=True).wait_for()


def test_a_stopped_lane_shows_why_and_is_started_again(opened: Page, watched: WatchedPage) -> None:
    watched.service.sandbox.faults.set(WRONG_KEY)
    watched.service.post("/v1/track", track(10))
    go_to(opened, watched, "watch")
    resume = opened.get_by_role("button", name="Resume track")
    resume.wait_for()
    lane = opened.get_by_role("listitem").filter(has=opened.get_by_role("heading", name="track"))
    assert "401 Unauthorized" in lane.locator(".notice.error").inner_text()
    watched.service.sandbox.faults.set(Faults())
    resume.press("Enter")
    said = "The lane is open again, and its events are being sent."
    lane.get_by_text(said).wait_for()
    assert opened.evaluate("document.activeElement.textContent") == said
    assert len(watched.service.delivered(1)) == 1
    resume.wait_for(state="hidden")


def test_a_dead_letter_is_corrected_until_it_is_delivered(opened: Page, watched: WatchedPage) -> None:
    (letter,) = watched.refused(20)
    go_to(opened, watched, "dead-letters")
    opened.get_by_role("button", name=f"#{letter['id']}").press("Enter")
    opened.get_by_role("heading", name=f"Dead letter {letter['id']}").wait_for()
    answer = opened.get_by_role("region", name="Request and answer").inner_text()
    assert ("POST" in answer, "400" in answer) == (True, True)

    replay = opened.get_by_role("button", name="Replay the corrected event")
    replace_in_editor(opened, '{"type": "track",\n "oops')
    replay.press("Enter")
    opened.locator(".letter .problem", has_text="Line 2").wait_for()
    replace_in_editor(opened, json.dumps(track(20, timestamp="never")))
    replay.press("Enter")
    opened.locator(".letter .problem code", has_text="timestamp").wait_for()
    opened.locator(".letter .notice", has_text="The event was rejected again.").wait_for()
    assert len(watched.letters()["letters"]) == 1

    replace_in_editor(opened, json.dumps(track(20, properties={"units": 5})))
    replay.press("Enter")
    opened.get_by_text("1 event is being sent.").first.wait_for()
    assert [event["data"] for event in watched.service.delivered(1)] == [{"units": 5}]
    opened.get_by_text("There are no dead letters.").wait_for()


def test_changes_are_not_lost_without_a_question_and_the_event_can_be_tried(opened: Page, watched: WatchedPage) -> None:
    (letter,) = watched.refused(30)
    go_to(opened, watched, f"dead-letters/{letter['id']}")
    opened.get_by_role("heading", name=f"Dead letter {letter['id']}").wait_for()
    replace_in_editor(opened, json.dumps(track(30, userId="somebody_else")))
    opened.get_by_role("button", name="Back to the list").press("Enter")
    question = opened.get_by_role("dialog", name="Leave your changes?")
    question.get_by_role("button", name="Cancel").press("Enter")
    opened.get_by_role("button", name="Discard 1 dead letter").press("Enter")
    question.get_by_role("button", name="Cancel").press("Enter")
    assert len(watched.letters()["letters"]) == 1
    opened.get_by_role("link", name="Watch the delivery").press("Enter")
    opened.get_by_role("heading", name="Lanes").wait_for()
    opened.go_back()
    opened.get_by_role("textbox", name="Event as JSON").get_by_text("somebody_else").wait_for()
    opened.get_by_role("button", name="Try it").press("Enter")
    opened.get_by_role("article", name="Record usage").get_by_text("somebody_else").first.wait_for()


def test_a_group_is_replayed_or_discarded_after_a_question(opened: Page, watched: WatchedPage) -> None:
    watched.refused(40, 41)
    watched.service.sandbox.faults.set(Faults())
    go_to(opened, watched, "dead-letters")
    opened.get_by_role("button", name="Replay 2 dead letters").press("Enter")
    opened.get_by_role("button", name="Replay 2", exact=True).press("Enter")
    opened.get_by_text("2 events are being sent.").first.wait_for()
    assert len(watched.service.delivered(2)) == 2
    watched.refused(42, 43, 44)
    opened.get_by_role("button", name="Refresh").press("Enter")
    discard = opened.get_by_role("button", name="Discard 3 dead letters")
    discard.press("Enter")
    opened.get_by_role("dialog", name="Discard 3 dead letters?").press("Escape")
    assert len(watched.letters()["letters"]) == 3
    discard.press("Enter")
    opened.get_by_role("button", name="Discard 3", exact=True).press("Enter")
    opened.get_by_text("3 dead letters discarded.").first.wait_for()
    assert watched.letters()["letters"] == []


def test_a_large_group_takes_several_requests_and_an_outbox_of_another_process_works_too(
    browser: Browser, command_line: CommandLine, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    command_line.deliver(ndjson(*(track(number, timestamp="never") for number in range(600))), sandbox.base_url)
    with open_page(tmp_path, base_url=sandbox.base_url) as alone:
        with window(browser, f"{alone.base_url}/#/dead-letters") as page:
            page.get_by_role("button", name="Replay 600 dead letters").click()
            page.get_by_role("button", name="Replay 600", exact=True).click()
            page.get_by_text("0 events sent again; 600 dead letters left.").first.wait_for()
            page.get_by_role("button", name="Show older").click()
            page.locator(".letters li").nth(99).wait_for()
            page.get_by_role("button", name="Discard 600 dead letters").click()
            page.get_by_role("button", name="Discard 600", exact=True).click()
            page.get_by_text("600 dead letters discarded.").first.wait_for()
        assert alone.get("dead-letters").json()["letters"] == []


@pytest.mark.parametrize(("width", "scheme", "number"), [(1200, "light", 50), (390, "dark", 60)])
def test_the_views_are_accessible_and_fit_their_window(
    browser: Browser, watched: WatchedPage, width: int, scheme: Scheme, number: int
) -> None:
    watched.refuse_bad()
    watched.service.post("/v1/track", track(number, properties=HOSTILE))
    (letter,) = watched.dead(1)
    watched.service.sandbox.faults.set(WRONG_KEY)
    watched.service.post("/v1/track", track(number + 1))
    until(watched.status, lambda found: any(lane["stopped"] for lane in found["lanes"]))
    with window(browser, f"{watched.service.running.base_url}/#/watch", width=width, scheme=scheme) as page:
        for view, ready in (
            ("Watch the delivery", ".lane .notice.error"),
            ("Dead letters", f'.letters [data-id="{letter["id"]}"]'),
        ):
            page.get_by_role("link", name=view, exact=True).click()
            page.locator(ready).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if view == "Dead letters":
                page.locator(ready).click()
                page.locator(".letter .editor").wait_for()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert "ran" not in page.title()
            assert API_KEY not in page.content()
    # So that the next test finds its lanes open.
    watched.service.sandbox.faults.set(Faults())
    lane = next(lane for lane in watched.status()["lanes"] if lane["stopped"])
    watched.post("lanes/resume", {"account": lane["account"], "action": lane["action"]})
    watched.service.delivered(1)
