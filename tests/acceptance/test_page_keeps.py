"""What somebody has typed on the page is not lost without a question, in a real browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from command_line import API_KEY, CommandLine
from manifests import action, manifest
from page_actions import card, event_text, field, open_events, type_event
from running_page import chromium, running_page, window
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from fork_server import ForkServer
    from running_page import RunningPage

SENT = {
    "subscription": "Record usage",
    "action": "track",
    "method": "POST",
    "url": "https://test.kable.io/",
    "status": 200,
    "requestId": None,
    "seconds": 0.1,
    "answer": "",
    "error": None,
}
DROPPED = """() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["{}"], "events.ndjson"));
  return ["dragover", "drop"].map((kind) => {
    const dragged = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
    document.body.dispatchEvent(dragged);
    return dragged.defaultPrevented;
  });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium without a window."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[RunningPage]:
    """Serve the page with a second destination."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "other.json").write_text(json.dumps(manifest(name="Other", actions={"send": action()}, presets=[])))
    command_line = CommandLine(folder, {**fork_server.environment, "KABLE_API_KEY": API_KEY}, fork_server)
    with running_page(command_line, "--manifest", "other.json") as running:
        yield running


def leaves(page: Page) -> bool:
    """Return whether the browser asks before it leaves the page."""
    script = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    return bool(page.evaluate(script))


def held(page: Page, path: str) -> list[Route]:
    """Hold requests until the test answers them."""
    found: list[Route] = []

    def hold(route: Route) -> None:
        found.append(route)

    page.route(path, hold)
    return found


def test_another_destination_leaves_the_draft_as_it_was(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        assert not leaves(page)
        field(page, "Name").fill("Mine")
        page.get_by_label("Destination").select_option("Other")
        page.get_by_role("button", name="Add a subscription").click()
        page.get_by_label("Destination").select_option("Kable")
        assert field(page, "Name").input_value() == "Mine"
        assert leaves(page)
        page.get_by_role("button", name="Share as a link").click()
        page.locator(".share-status", has_text="is copied").wait_for()
        assert not leaves(page)


def test_the_way_back_to_a_link_does_not_open_it_again(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url, refusals=1) as page:
        field(page, "Name").fill("Of the link")
        page.get_by_role("button", name="Share as a link").click()
        page.locator(".share-status", has_text="is copied").wait_for()
        link = page.evaluate("navigator.clipboard.readText()")
        field(page, "Name").fill("Mine")
        page.evaluate("(link) => { location.href = link; }", link)
        page.locator(".link-notice", has_text="This is the draft of a link.").wait_for()
        assert field(page, "Name").input_value() == "Of the link"
        page.get_by_role("button", name="Back to my draft").click()
        assert field(page, "Name").input_value() == "Mine"
        assert page.evaluate("document.activeElement.textContent") == "This is your draft again."
        page.get_by_role("link", name="Dead letters").click()
        page.locator(".dead-letters .notice").wait_for()
        page.go_back()
        page.locator(".try").wait_for()
        assert field(page, "Name").input_value() == "Mine"


def test_a_step_beyond_the_ends_of_a_file_leaves_the_event(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        open_events(page, "events.ndjson", json.dumps(track(1)).encode())
        type_event(page, {**track(1), "event": "Changed"})
        for key in ("Alt+PageDown", "Alt+PageUp"):
            page.keyboard.press(key)
        page.get_by_role("button", name="Next event").press("Enter")
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        assert "Changed" in event_text(page)
        page.get_by_role("button", name="Undo the changes").press("Enter")
        assert page.evaluate("document.activeElement.ariaLabel") == "Next event"


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b'[{"a": 1}]\n[{"a": 2}]\n[{"a": 3}]\n', "of 3"),
        (b'[\n{"a": 1},\n{"a": 2}\n]\nmore\n', "of 3"),
        (b'[{"a": 1},\n{"a": 2}]\n', "of 2"),
    ],
)
def test_nothing_of_a_file_with_arrays_is_left_out(
    browser: Browser, served: RunningPage, content: bytes, count: str
) -> None:
    with window(browser, served.url) as page:
        open_events(page, "events.json", content)
        page.locator(".stepper").get_by_text(count, exact=True).wait_for()


@pytest.mark.parametrize("name", ["try", "watch", "dead-letters"])
def test_a_file_dropped_on_any_view_does_not_take_its_place(browser: Browser, served: RunningPage, name: str) -> None:
    with window(browser, f"{served.url}/#/{name}", refusals=int(name != "try")) as page:
        page.get_by_text("There is no outbox" if name != "try" else "Record usage").first.wait_for()
        assert page.evaluate(DROPPED) == [True, True]


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString"])
def test_an_address_that_names_no_view_shows_the_first(browser: Browser, served: RunningPage, name: str) -> None:
    with window(browser, f"{served.url}/#/{name}") as page:
        card(page, "Record usage").wait_for()


def test_what_is_sent_is_confirmed_as_it_is_now(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        # The answer for this text comes after the button is used.
        page.route("**/preview", lambda _: None, times=1)
        type_event(page, {**track(1), "type": "alias"})
        page.get_by_role("button", name="Send for real").click()
        page.get_by_role("dialog").get_by_text("there is nothing to send").wait_for()


def test_an_unreadable_event_is_not_blamed_on_the_subscriptions(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        for text in ('{"type": ', "null"):
            type_event(page, text)
            said = "cannot be read, so there is no result" if text != "null" else "an event is an object"
            page.locator(".result").get_by_text(said).wait_for()
            assert page.get_by_text("No subscription is enabled").count() == 0


def test_who_closes_the_question_too_early_still_sees_what_was_sent(browser: Browser, served: RunningPage) -> None:
    answered = {"target": "Kable Test", "skipped": [], "results": [SENT]}
    with window(browser, served.url) as page:
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        waiting = held(page, "**/send")
        page.get_by_role("button", name="Send for real").click()
        with page.expect_request("**/send"):
            page.get_by_role("button", name="Send to Test").click()
        page.get_by_text("It cannot be stopped any more.").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        waiting[0].fulfill(json=answered)
        page.get_by_role("dialog").get_by_text("accepted", exact=True).wait_for()


def test_an_answer_that_comes_late_leaves_the_focus_where_it_is(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        card(page, "Record usage").wait_for()
        waiting = held(page, "**/credentials")
        with page.expect_request("**/credentials"):
            page.get_by_role("button", name="Test the credentials").click()
        field(page, "Name").fill("Mine")
        waiting[0].fulfill(json={"isAccepted": True, "message": "Fine.", "target": "Kable Test"})
        page.locator(".toolbar .notice", has_text="Fine.").wait_for()
        assert field(page, "Name").evaluate("(input) => input === document.activeElement")


def test_the_event_before_a_sample_comes_back(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        type_event(page, {**track(1), "event": "Mine"})
        page.get_by_label("Sample event").select_option("identify")
        card(page, "Record usage").get_by_text("no match", exact=True).wait_for()
        page.get_by_role("textbox", name="Event as JSON").focus()
        page.keyboard.press("ControlOrMeta+z")
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        assert "Mine" in event_text(page)


def test_the_event_before_a_link_comes_back(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        page.get_by_label("Sample event").select_option("identify")
        page.get_by_role("button", name="Share as a link").click()
        page.locator(".share-status", has_text="is copied").wait_for()
        type_event(page, {**track(1), "event": "Mine"})
        page.evaluate("() => navigator.clipboard.readText().then((link) => { location.href = link; })")
        page.locator(".link-notice", has_text="This is the draft of a link.").wait_for()
        page.get_by_role("textbox", name="Event as JSON").focus()
        page.keyboard.press("ControlOrMeta+z")
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        assert "Mine" in event_text(page)


def test_the_way_back_to_where_the_page_was_opened_shows_the_first_view(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url, refusals=1) as page:
        card(page, "Record usage").wait_for()
        page.get_by_role("link", name="Dead letters").click()
        page.locator(".dead-letters .notice").wait_for()
        page.go_back()
        card(page, "Record usage").wait_for()
