"""The HTML pages in a real browser: no sideways scrolling, accessible in light and dark, its search works.

Needs Chromium; CHROMIUM names it where it is not on the path.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Literal

import pytest

from hostile_destination import HOSTILE, hostile_destination
from kable_destination.definitions import DestinationDefinition
from kable_destination.definitions.documentation import render
from kable_destination.destination import kable
from manifests import action, field, manifest
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

    from command_line import CommandLine

    Open = Callable[..., Page]
    Window = Callable[[int, Literal["light", "dark"]], BrowserContext]

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-core is not installed: pip install axe-playwright-python"
)

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
if CHROMIUM is None:
    pytest.skip("there is no Chromium: apt-get install chromium, or name it in CHROMIUM", allow_module_level=True)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONG = "a_name_that_is_much_longer_than_any_screen_is_wide_" * 4
NESTED = DestinationDefinition.from_manifest(
    manifest(
        name=LONG,
        description=f"https://example.com/{LONG}",
        actions={
            "send": action(
                title=LONG,
                defaultSubscription=f'type = "track" and event = "{LONG}"',
                fields={
                    LONG: field(label=LONG, description=LONG, default={"@path": f"$.properties.{LONG}"}),
                    "items": field(
                        type="object", multiple=True, properties={LONG: field(label=LONG, choices=[LONG, "other"])}
                    ),
                },
            )
        },
        presets=[],
    )
)
PAGES = {
    "kable": kable,
    "long": NESTED,
    "script": hostile_destination(HOSTILE["script"]),
    "attribute": hostile_destination(HOSTILE["attribute"]),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Window]:
    """Gives the window of a width and a colour scheme, in which each test opens pages of its own."""
    opened: dict[tuple[int, str], BrowserContext] = {}

    def window(width: int, scheme: Literal["light", "dark"]) -> BrowserContext:
        if (width, scheme) not in opened:
            size: ViewportSize = {"width": width, "height": 844}
            opened[width, scheme] = browser.new_context(viewport=size, color_scheme=scheme)
        return opened[width, scheme]

    yield window
    for context in opened.values():
        context.close()


@pytest.fixture
def open_page(window: Window, tmp_path: Path) -> Iterator[Open]:
    """Opens a page in a window of some width; whatever it asks for elsewhere is a fault."""
    pages = []

    def open_page(shown: DestinationDefinition | str, width: int, scheme: Literal["light", "dark"] = "light") -> Page:
        path = tmp_path / "page.html"
        path.write_text(shown if isinstance(shown, str) else render(shown, "html"), encoding="utf-8")
        page = window(width, scheme).new_page()
        pages.append(page)
        page.on("request", lambda request: requested.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(path.as_uri())
        return page

    requested: list[str] = []
    said: list[str] = []
    yield open_page
    for page in pages:
        page.close()
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []
    assert said == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_but_wide_tables_and_code_scrolls_sideways(open_page: Open, name: str, width: int) -> None:
    page = open_page(PAGES[name], width)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    scrolls = "box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== 'visible'"
    wide = f"[...document.querySelectorAll('main *')].filter((box) => {scrolls} && box.tabIndex !== 0)"
    assert page.evaluate(f"{wide}.map((box) => box.outerHTML)") == [], "the keyboard can scroll what scrolls"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_axe_finds_nothing(open_page: Open, scheme: Any, width: int) -> None:
    page = open_page(kable, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", ["long", "script", "attribute"])
def test_axe_finds_nothing_in_odd_pages(open_page: Open, name: str) -> None:
    found = axe.Axe().run(open_page(PAGES[name], 390))
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_a_definition_is_run(open_page: Open, text: str) -> None:
    page = open_page(hostile_destination(text), 1200)
    page.mouse.move(100, 100)
    assert page.evaluate("window.taken") is None
    assert page.locator("h1").inner_text() == page.locator("strong").first.inner_text()


def test_the_search_finds_fields_over_all_actions_and_says_how_many(open_page: Open) -> None:
    page = open_page(kable, 390)
    page.get_by_label("Find a field in all actions").fill("traits")
    assert page.get_by_role("status").inner_text() == "1 of 8 fields"
    assert page.locator("[data-field]:visible").count() == 1
    assert page.locator("[data-group]:visible h3").all_inner_texts() == ["Record Membership"]
    page.get_by_role("searchbox").fill("client id")
    assert page.get_by_role("status").inner_text() == "2 of 8 fields"
    page.get_by_role("searchbox").fill("")
    assert page.get_by_role("status").inner_text() == ""
    assert page.locator("[data-field]:visible").count() == 8


def test_the_keyboard_skips_to_the_content(open_page: Open) -> None:
    page = open_page(kable, 1200)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_every_anchor_leads_somewhere_and_headings_are_in_order(open_page: Open) -> None:
    page = open_page(kable, 1200)
    links = "[...document.querySelectorAll('a[href^=\"#\"]')].map((link) => link.hash.slice(1))"
    assert page.evaluate(f"{links}.filter((id) => !document.getElementById(id))") == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    levels = page.evaluate("[...document.querySelectorAll('main :is(h2, h3, h4)')].map((one) => +one.tagName[1])")
    assert all(second - first <= 1 for first, second in zip([1, *levels], levels, strict=False))


def bill(command_line: CommandLine, text: str) -> str:
    """Return the page of a bill on which everything that an event can name is some text."""
    usage = (
        track(
            number, userId=f"{text}{number}", timestamp=f"2026-03-{number:02}", properties={text: number, "n": -number}
        )
        for number in range(1, 20)
    )
    others = (track(20, userId=" "), track(21, type=text), track(22, properties={f"{text} as a text": text}))
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*usage, *others))
    run = command_line("bill", "events.ndjson", "--html", "bill.html")
    assert run.code == 1, run.err
    return (command_line.folder / "bill.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_of_a_bill_is_accessible_and_does_not_scroll_sideways(
    command_line: CommandLine, open_page: Open, scheme: Any, width: int
) -> None:
    page = open_page(bill(command_line, "customer" * 30), width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_an_event_is_run_on_the_page_of_a_bill(
    command_line: CommandLine, open_page: Open, text: str
) -> None:
    page = open_page(bill(command_line, text), 1200)
    page.mouse.move(100, 100)
    assert page.evaluate("window.taken") is None
    assert page.locator("script, img").count() == 0
    assert page.locator("tbody th").nth(20).inner_text().strip() != ""
