"""Taking a draft from the page elsewhere, in a real browser: what is copied, and links. No secret goes along."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CommandLine
from page_actions import card, event_text, open_events, type_event
from running_page import RunningPage, chromium, running_page, window
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from fork_server import ForkServer


@pytest.fixture(scope="module")
def command_line(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give the command line that serves the page, in a folder of its own."""
    return CommandLine(tmp_path_factory.mktemp("page"), dict(fork_server.environment), fork_server)


@pytest.fixture(scope="module")
def served(command_line: CommandLine) -> Iterator[RunningPage]:
    """Serve the page with credentials in its environment."""
    with running_page(command_line) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium without a window."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module", name="page")
def shared_window(browser: Browser, served: RunningPage) -> Iterator[Page]:
    """Give a window for all tests that leave the draft as it is."""
    with window(browser, served.url) as page:
        card(page, "Record usage").wait_for()
        yield page


def copied(page: Page, name: str) -> str:
    """Copy what a button or an entry of the menu copies, and return the clipboard."""
    if not page.get_by_role("button", name=name, exact=True).is_visible():
        page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("button", name=name, exact=True).click()
    page.locator(".share-status", has_text="is copied").wait_for()
    found = page.evaluate("navigator.clipboard.readText()")
    assert isinstance(found, str)
    return found


def test_what_is_copied_is_a_configuration_that_check_accepts(
    browser: Browser, served: RunningPage, command_line: CommandLine
) -> None:
    with window(browser, served.url) as page:
        type_event(page, track(1, context={"groupId": "acme"}))
        page.get_by_label("How Client ID is set").select_option("Path")
        page.get_by_label("Client ID", exact=True).last.fill("$.context.groupId")
        card(page, "Record usage").locator("pre.value", has_text="acme").wait_for()
        (command_line.folder / "copied.toml").write_text(copied(page, "Configuration (TOML)"), encoding="utf-8")
        test = copied(page, "Snapshot test (Python)")
        curl = copied(page, "Requests (curl)")
    run = command_line("check", "--config", "copied.toml", KABLE_API_KEY=API_KEY)
    assert (run.code, run.err) == (0, "")
    assert "$.context.groupId" in (command_line.folder / "copied.toml").read_text(encoding="utf-8")
    assert "def test_" in ast.unparse(ast.parse(test))
    assert curl.startswith("curl ")
    assert "$KABLE_API_KEY" in curl


def test_without_a_clipboard_the_text_is_shown_and_selected(page: Page) -> None:
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    page.get_by_role("button", name="Copy", exact=True).press("ArrowDown")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="The TOML")
    area = dialog.get_by_role("textbox")
    area.wait_for()
    assert page.evaluate("getSelection().toString()") == area.input_value()
    assert area.input_value().startswith('destination = "kable"')
    page.keyboard.press("Escape")
    page.evaluate("() => { delete navigator.clipboard.writeText; }")


def test_a_link_restores_the_draft_and_the_event_holds_no_secret_and_does_nothing(
    browser: Browser, served: RunningPage
) -> None:
    event = track(1, event="Übung 🎉", properties={"n": 12345678901234567890})
    with window(browser, served.url) as page:
        page.get_by_text("Settings", exact=True).click()
        page.get_by_label("API Key", exact=True).fill("sk_test.typed-by-somebody")
        page.get_by_label("Trigger", exact=True).fill('type = "track" and event = "Übung 🎉"')
        type_event(page, event)
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        link = copied(page, "Share as a link")
    data = link.partition("#/try/")[2]
    held = zlib.decompress(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)), wbits=-15).decode()
    assert '"kableClientId"' in held
    for secret in (API_KEY, "sk_test.typed-by-somebody"):
        assert secret not in held
        assert secret not in link
    with window(browser, link) as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.get_by_text("This is the draft of a link.").first.wait_for()
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
        assert page.get_by_label("Trigger", exact=True).input_value() == 'type = "track" and event = "Übung 🎉"'
        assert json.loads(event_text(page)) == event
        assert {url.rpartition("/")[2] for url in sent} <= {"start", "samples", "preview"}


def test_a_link_is_refused_if_a_secret_is_where_it_does_not_belong(browser: Browser, served: RunningPage) -> None:
    typed = 'sk_test.with "quotes" \\ and more'
    with window(browser, served.url) as page:
        page.get_by_text("Settings", exact=True).click()
        page.get_by_label("API Key", exact=True).fill(typed)
        type_event(page, track(1, properties={"pasted": typed}))
        page.get_by_role("button", name="Share as a link").click()
        page.locator(".share-status", has_text="would hold your secret “apiKey”").wait_for()


def test_an_event_that_is_too_long_for_a_link_is_left_out(page: Page) -> None:
    noise = "".join(hashlib.sha256(b"%d" % index).hexdigest() for index in range(1_000))
    event = track(1, properties={"noise": noise})
    open_events(page, "long.ndjson", ndjson(event))
    page.get_by_role("button", name="Share as a link").click()
    page.get_by_role("dialog", name="What was left out").get_by_role("button", name="Close").last.click()


def packed(state: Any) -> str:
    """Return the fragment of a link that holds something."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = squeezed.compress(json.dumps(state).encode()) + squeezed.flush()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_broken_or_hostile_link_is_explained_and_the_page_works(page: Page) -> None:
    nowhere = {"destination": "<b>nowhere</b>", "settings": {}}
    links = {
        "abc": "a part may be missing",
        "<img src=x onerror=alert(1)>": "it has characters that no link has",
        "A" * 40_000: "it is too long",
        packed({"version": 1, "draft": {"destination": ["kable"]}}): "it holds no draft",
        packed({"version": 1, "draft": {**nowhere, "subscriptions": [1]}}): "it holds no draft",
        packed({"version": 2}): "it is from another version of the page",
        packed({"version": 1, "draft": nowhere}): "“<b>nowhere</b>”",
        packed({"version": 1, "draft": json.loads("[" * 900 + "]" * 900)}): "it is nested too deeply",
        packed({"version": 1, "draft": "x" * (5 * 1024 * 1024)}): "it unpacks to more than 4 MB",
    }
    for fragment, told in links.items():
        page.evaluate("(fragment) => { location.hash = `#/try/${fragment}`; }", fragment)
        page.locator(".link-notice", has_text=told).wait_for()
        card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
