"""Watching a delivery on the page, in a real browser: live figures, a lane started again, dead letters corrected."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.sandbox.faults import Faults
from running_page import chromium, window
from running_service import until
from segment_events import track
from watched_page import BAD, WatchedPage, watched_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

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


@pytest.fixture
def watched(tmp_path: Path, sandbox: RunningSandbox) -> Iterator[WatchedPage]:
    """Run a service that delivers to a sandbox."""
    with watched_page(tmp_path, sandbox) as page:
        yield page


@contextmanager
def view(browser: Browser, watched: WatchedPage, name: str, **options: Any) -> Iterator[Page]:
    """Open a view in a window of its own."""
    with window(browser, f"{watched.service.running.base_url}/#/{name}", **options) as page:
        yield page


def tile(page: Page, name: str) -> str:
    """Return a figure of the moment."""
    return page.locator(".tile", has_text=name).locator(".value").inner_text()


def replace_in_editor(page: Page, event: str) -> None:
    """Replace the event, as somebody does who types over it."""
    page.get_by_role("textbox", name="Event as JSON").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(event)


def test_figures_and_outcomes_change_with_the_events(browser: Browser, watched: WatchedPage) -> None:
    with view(browser, watched, "watch") as page:
        page.get_by_text("Live", exact=True).wait_for()
        page.get_by_text("Nothing was sent since you began to watch.").wait_for()
        for number in range(3):
            watched.service.post("/v1/track", track(number))
        page.locator(".outcomes tbody tr", has_text="delivered").first.wait_for()
        lane = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="track"))
        lane.get_by_text("3, the last").wait_for()
        watched.refused(9)
        page.locator(".tile.bad", has_text="Dead letters").wait_for()
        assert tile(page, "Dead letters") == "1"
        page.get_by_text("The figures as a table").click()
        page.get_by_role("region", name="Figures of the last minutes").locator("tbody tr").first.wait_for()
        assert "Queued: 0 now" in (page.locator(".chart .for-readers").first.text_content() or "")
        page.get_by_role("button", name="Pause").click()
        page.get_by_text("Paused", exact=True).wait_for()
        page.get_by_role("button", name="Continue").click()
        page.get_by_text("Live", exact=True).wait_for()


def test_a_stopped_lane_shows_why_and_is_started_again(browser: Browser, watched: WatchedPage) -> None:
    sandbox = watched.service.sandbox
    sandbox.faults.set(WRONG_KEY)
    watched.service.post("/v1/track", track(1))
    with view(browser, watched, "watch") as page:
        resume = page.get_by_role("button", name="Resume track")
        resume.wait_for()
        lane = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="track"))
        assert "401 Unauthorized" in lane.locator(".notice.error").inner_text()
        sandbox.faults.set(Faults())
        resume.press("Enter")
        lane.get_by_text("The lane is open again, and its events are being sent.").wait_for()
        assert len(watched.service.delivered(1)) == 1
        resume.wait_for(state="hidden")


def test_a_dead_letter_is_corrected_and_delivered(browser: Browser, watched: WatchedPage) -> None:
    (letter,) = watched.refused(1)
    with view(browser, watched, "dead-letters", refusals=1) as page:
        page.get_by_role("button", name=f"#{letter['id']}").click()
        page.get_by_role("heading", name=f"Dead letter {letter['id']}").wait_for()
        answer = page.get_by_role("region", name="Request and answer")
        assert "POST" in answer.inner_text()
        assert "400" in answer.inner_text()
        replace_in_editor(page, '{"type": "track",\n "oops')
        page.get_by_role("button", name="Replay the corrected event").click()
        page.locator(".letter .problem", has_text="Line 2").wait_for()
        page.get_by_role("button", name="Undo my changes").click()
        assert page.get_by_role("button", name="Replay", exact=True).is_enabled()
        event = track(1, properties={"units": 5})
        replace_in_editor(page, str(event).replace("'", '"'))
        page.get_by_role("button", name="Replay the corrected event").click()
        page.get_by_text("1 event is being sent.").first.wait_for()
        (delivered,) = watched.service.delivered(1)
        assert delivered["data"] == {"units": 5}
        page.get_by_text("There are no dead letters.").wait_for()


def test_a_correction_that_is_rejected_again_says_which_field_is_wrong(browser: Browser, watched: WatchedPage) -> None:
    (letter,) = watched.refused(1)
    with view(browser, watched, f"dead-letters/{letter['id']}") as page:
        page.get_by_role("heading", name=f"Dead letter {letter['id']}").wait_for()
        replace_in_editor(page, str(track(1, timestamp="never")).replace("'", '"'))
        page.get_by_role("button", name="Replay the corrected event").click()
        page.locator(".letter .problem code", has_text="timestamp").wait_for()
        page.locator(".letter .notice", has_text="The event was rejected again.").wait_for()
    assert len(watched.letters()["letters"]) == 1


def test_a_group_is_discarded_by_keyboard_after_a_question(browser: Browser, watched: WatchedPage) -> None:
    watched.refused(1, 2, 3)
    with view(browser, watched, "dead-letters") as page:
        discard = page.get_by_role("button", name="Discard 3 dead letters")
        discard.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Discard 3 dead letters?")
        dialog.wait_for()
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
        assert len(watched.letters()["letters"]) == 3
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Discard 3", exact=True).press("Enter")
        page.get_by_text("3 dead letters discarded.").first.wait_for()
    assert watched.letters()["letters"] == []


def test_a_group_is_replayed_and_what_stays_is_explained(browser: Browser, watched: WatchedPage) -> None:
    watched.refused(1, 2)
    watched.service.sandbox.faults.set(Faults())
    with view(browser, watched, "dead-letters") as page:
        page.get_by_role("button", name="Replay 2 dead letters").click()
        page.get_by_role("button", name="Replay 2", exact=True).click()
        page.get_by_text("2 events are being sent.").first.wait_for()
        assert len(watched.service.delivered(2)) == 2


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_views_are_accessible_and_fit_their_window(
    browser: Browser, watched: WatchedPage, width: int, scheme: Scheme
) -> None:
    watched.refuse_bad()
    watched.service.post("/v1/track", track(1, properties=HOSTILE))
    (letter,) = watched.dead(1)
    watched.service.sandbox.faults.set(WRONG_KEY)
    watched.service.post("/v1/track", track(2))
    until(watched.status, lambda found: any(lane["stopped"] for lane in found["lanes"]))
    for name, ready in (
        ("watch", ".lane .notice.error"),
        ("dead-letters", ".letters .open"),
        (f"dead-letters/{letter['id']}", ".letter .editor"),
    ):
        with view(browser, watched, name, width=width, scheme=scheme) as page:
            page.locator(ready).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert "ran" not in page.title()
