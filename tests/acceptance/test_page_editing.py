"""Editing on the page, in a real browser: files of events, the draft as text, comparisons, hostile events."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from command_line import CLIENT_ID, CommandLine
from kable_destination.definitions.mapping.validation import problems_of
from page_actions import card, event_text, open_events, type_event
from running_page import RunningPage, chromium, running_page, window
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from fork_server import ForkServer

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-core is not installed: pip install axe-playwright-python"
)

SOURCE = Path(__file__).parents[2] / "page" / "src"
MINUS = "\N{MINUS SIGN}"
THOUSAND = [track(number, properties={"calls": number}) for number in range(1, 1001)]
"""Events of which every third has a name of its own."""
for number, each in enumerate(THOUSAND, start=1):
    each["event"] = "Other" if number % 3 == 0 else "API Request"


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
    """Give a window for all tests that leave the draft as it is, and begin with an event of their own."""
    with window(browser, served.url) as page:
        card(page, "Record usage").wait_for()
        yield page


def drop(page: Page, file: str) -> None:
    """Drop a file, which JavaScript makes, onto the editor of the event. The editor alone would take it in as text."""
    dropped = page.evaluate_handle(f"() => {{ const data = new DataTransfer(); data.items.add({file}); return data; }}")
    page.locator(".event .cm-content").dispatch_event("drop", {"dataTransfer": dropped})


def draft_as(page: Page, form: str) -> Locator:
    """Show the draft as TOML or JSON, and return its editor."""
    page.get_by_role("tab", name=form, exact=True).first.click()
    editor = page.get_by_role("textbox", name=f"Draft as {form}")
    editor.locator(".cm-line", has_text="kable").first.wait_for()
    return editor


def requested(page: Page, path: str) -> list[str]:
    """Return a list that grows with the requests for a path of the API."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.post_data or "") if path in request.url else None)
    return found


def test_a_dropped_file_is_stepped_through_and_compared_before_and_after(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        comparisons = requested(page, "/compare")
        card(page, "Record usage").wait_for()
        drop(page, f"new File([{json.dumps(ndjson(*THOUSAND).decode())}], 'events.ndjson')")
        page.get_by_text("of 1,000", exact=True).wait_for()
        assert json.loads(event_text(page)) == THOUSAND[0]
        page.keyboard.press("Alt+PageDown")
        page.get_by_role("button", name="Next event").click()
        assert page.locator("#live").inner_text() == "Event 3 of 1,000"
        assert json.loads(event_text(page)) == THOUSAND[2]
        page.get_by_role("spinbutton", name="Event").fill("4711")
        page.keyboard.press("Enter")
        assert json.loads(event_text(page)) == THOUSAND[999]
        assert comparisons == []

        page.get_by_role("button", name="Keep as before").click()
        page.get_by_label("Trigger", exact=True).fill('type = "track" and event = "API Request"')
        page.get_by_role("button", name="Compare …").click()
        dialog = page.get_by_role("dialog", name="Before and after")
        dialog.get_by_text("333 of 1,000 events").wait_for()
        outcomes, bill = (dialog.locator("table").nth(index).locator("tbody tr") for index in (0, 1))
        assert outcomes.all_inner_texts() == [f"Sent\t1,000\t667\t{MINUS}333", "Skipped\t0\t333\t+333"]
        calls = sum(range(3, 1001, 3))
        assert bill.all_inner_texts() == [
            f"Usage events\t1,000\t667\t{MINUS}333",
            f"calls, count\t1,000\t667\t{MINUS}333",
            f"calls, sum\t500,500\t{500_500 - calls:,}\t{MINUS}{calls:,}",
        ]
        first = dialog.locator(".changes li").first
        assert "skipped" in first.locator(".now").inner_text()
        assert dialog.locator(".changes li").count() == 20
        dialog.get_by_role("button", name="Show more").click()
        assert dialog.locator(".changes li").count() == 40
        first.get_by_role("button", name="Open event 3").click()
        dialog.wait_for(state="detached")
        assert page.get_by_role("spinbutton", name="Event").input_value() == "3"
        assert json.loads(event_text(page)) == THOUSAND[2]
        page.get_by_role("button", name="Next change").click()
        assert json.loads(event_text(page)) == THOUSAND[5]
        assert len(comparisons) == 1


def test_a_change_of_an_event_can_be_undone_and_the_file_stays_as_it_is(page: Page) -> None:
    open_events(page, "two.ndjson", ndjson(THOUSAND[0], THOUSAND[1]))
    type_event(page, track(7, userId="changed"))
    page.get_by_role("button", name="Undo the changes").click()
    assert json.loads(event_text(page)) == THOUSAND[0]
    page.get_by_role("button", name="Close the file").click()
    page.get_by_role("group", name="Events of the file").wait_for(state="hidden")


def test_files_of_other_forms_hold_the_same_events(page: Page) -> None:
    forms = {
        "a JSON array": json.dumps(THOUSAND[:2]),
        "events over many lines": "\n".join(json.dumps(event, indent=4) for event in THOUSAND[:2]),
        "lines of Windows": "\ufeff" + json.dumps(THOUSAND[0]) + "\r\n\r\n" + json.dumps(THOUSAND[1]),
    }
    for form, content in forms.items():
        open_events(page, f"{form}.json", content.encode())
        page.locator(".stepper strong", has_text=form).wait_for()
        first = json.loads(event_text(page))
        page.get_by_role("button", name="Next event").click()
        assert [first, json.loads(event_text(page))] == THOUSAND[:2], form
        assert page.get_by_text("of 2", exact=True).is_visible(), form


def test_a_file_that_cannot_be_used_says_why(page: Page) -> None:
    files = {
        "at most 16 MB": "new Uint8Array(16 * 1024 * 1024 + 1)",
        "not text in UTF-8": "new Uint8Array([255, 254, 0])",
        "holds no events": "' \\n\\n'",
        "Only the first 20,000 are used": "'{\"n\":1}\\n'.repeat(20001)",
    }
    card(page, "Record usage").wait_for()
    for told, content in files.items():
        drop(page, f"new File([{content}], 'given')")
        page.locator(".event-file .notice", has_text=told).wait_for()
    assert page.get_by_text("of 20,000", exact=True).is_visible()


def test_samples_of_every_call_type_are_there(page: Page) -> None:
    samples = page.get_by_label("Sample event")
    samples.locator("option", has_text="screen").wait_for(state="attached")
    for name in ("track", "identify", "page", "screen", "group", "alias"):
        samples.select_option(name)
        assert f'"type": "{name}"' in event_text(page)


def test_the_draft_as_text_and_in_fields_is_the_same(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        type_event(page, track(1))
        editor = draft_as(page, "TOML")
        page.get_by_role("button", name="Write them out").click()
        editor.locator(".cm-line", has_text="[[subscriptions]]").first.wait_for()
        editor.click()
        page.keyboard.press("ControlOrMeta+End")
        page.keyboard.insert_text('\n[[subscriptions]]\nname = "Seats"\npartnerAction = "track"\nsubscribe = "')
        page.keyboard.insert_text("type = 'page'\"\n")
        card(page, "Seats").wait_for()
        page.get_by_role("tab", name="Fields").click()
        page.get_by_role("button", name="Seats", exact=True).click()
        page.get_by_label("Trigger", exact=True).fill('type = "track" and event = "Seats"')
        as_json = draft_as(page, "JSON")
        as_json.locator(".cm-line", has_text="Seats").first.wait_for()
        draft = json.loads("\n".join(as_json.locator(".cm-line").all_inner_texts()))
        assert [each["name"] for each in draft["subscriptions"]] == ["Record usage", "Record membership", "Seats"]
        assert draft["subscriptions"][2]["subscribe"] == 'type = "track" and event = "Seats"'
        assert draft["settings"] == {"kableClientId": CLIENT_ID}


def test_an_error_in_the_text_is_at_its_place_and_is_kept_while_fields_are_shown(
    browser: Browser, served: RunningPage
) -> None:
    with window(browser, served.url) as page:
        editor = draft_as(page, "TOML")
        editor.click()
        page.keyboard.press("ControlOrMeta+End")
        page.keyboard.type("[[subscriptions]]\nenabled = perhaps")
        problem = page.locator(".draft .problems li")
        problem.wait_for()
        line = editor.locator(".cm-line").all_inner_texts().index("enabled = perhaps") + 1
        assert problem.inner_text().startswith(f"Line {line} is not valid TOML")
        assert editor.locator(".cm-lintRange-error").all_inner_texts() == ["perhaps"]
        page.get_by_role("tab", name="Fields").click()
        editor = draft_as(page, "TOML")
        problem.get_by_role("button", name=f"Line {line}").click()
        page.keyboard.press("Shift+End")
        page.keyboard.type("true\npartnerAction = 'track'\nsubscribe = 'type ='")
        # What the preview says of the draft is at its place in the text, too.
        problem.filter(has_text=f"Line {line + 2}").wait_for()
        assert editor.locator(".cm-lintRange-error").all_inner_texts() == ["subscribe = 'type ='"]


def test_completion_knows_keys_fields_directives_and_the_paths_of_the_event(
    browser: Browser, served: RunningPage
) -> None:
    with window(browser, served.url) as page:
        type_event(page, track(1, context={"groupId": "acme"}))
        card(page, "Record usage").wait_for()
        editor = draft_as(page, "TOML")
        editor.click()
        page.keyboard.press("ControlOrMeta+End")
        offered = page.locator(".cm-tooltip-autocomplete li[aria-selected]")
        for typed, chosen in (
            ("subs", "subscriptions"),
            ("part", "partnerAction"),
            ('"tr', "track"),
            ("\nsub", "subscribe"),
            ('"', 'type = "track"'),
            ("\nmap", "mapping"),
            ("cli", "clientId"),
            ('{ "', "@path"),
            ("group", "$.context.groupId"),
        ):
            page.keyboard.type(typed)
            offered.locator(".cm-completionLabel", has_text=re.compile(f"^{re.escape(chosen)}$")).wait_for()
            # Not with Enter, which CodeMirror takes for a new line in the moment after the list has appeared.
            offered.click()
        written = editor.locator(".cm-line").all_inner_texts()
        assert [line for line in written if line.strip()][-5:] == [
            "[[subscriptions]]",
            'partnerAction = "track"',
            "subscribe = 'type = \"track\"'",
            "[subscriptions.mapping]",
            'clientId = { "@path" = "$.context.groupId"}',
        ]
        card(page, "track").locator("pre.value", has_text='"acme"').wait_for()


def test_completion_knows_every_directive() -> None:
    source = (SOURCE / "editor" / "directives.js").read_text(encoding="utf-8")
    names = re.findall(r'name: "(@\w+)"', source)
    told = problems_of({"@nothing-like-it": 1})[0].message
    assert sorted(names) == sorted(re.findall(r"@\w+(?=,|$)", told.partition("the directives are ")[2]))
    assert set(re.findall(r'^  "(@\w+)": ', source, re.MULTILINE)) < set(names)


HOSTILE = {
    "markup": {"<img src=x onerror=alert(1)>": "</script><script>alert(1)</script>", "a": "<svg onload=alert(1)>"},
    "bidi": {"amount": "\u202e000,1\u202c", "name": "pay\u200bpal", "tag\U000e0041": "\u2066x\u2069\x00\x1b[31m"},
    "levels": json.loads('{"a":' * 200 + "1" + "}" * 200),
    "keys": {"__proto__": {"x": 1}, "constructor": "x", "a.b": {"/": {"~": 1}}, "": {"": "empty"}},
}


HOSTILE_TEXT = '{"amount": "\u202e000,1\u202c", "tag\U000e0041": 1}'


def test_hostile_events_stay_text_and_the_page_stays_usable(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    for name, properties in HOSTILE.items():
        page.get_by_role("tab", name="Fields").click()
        open_events(page, f"{name}<b>.ndjson", ndjson(track(1, properties=properties)))
        page.locator(".stepper strong", has_text=f"{name}<b>.ndjson").wait_for()
        # Completion reads the paths of the event.
        draft_as(page, "JSON").click()
        page.keyboard.press("Control+Space")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Compare …").click()
        page.get_by_text("Nothing changes").wait_for()
        page.keyboard.press("Escape")
    type_event(page, HOSTILE_TEXT)
    assert page.locator(".event .cm-unseen").all_inner_texts() == ["U+202E", "U+202C", "U+E0041"]
    type_event(page, track(2))
    card(page, "Record usage").get_by_text("sends", exact=True).wait_for()
    assert asked == []
    assert page.locator("img, svg, b").count() == 0


@pytest.mark.parametrize("is_on_lines", [False, True], ids=["one line", "many lines"])
def test_an_event_of_5_mb_is_shown_and_the_page_stays_usable(page: Page, is_on_lines: bool) -> None:
    event = track(1, properties={f"key {index}": "x" * 90 for index in range(51_000)})
    open_events(page, "large.ndjson", json.dumps(event, indent=1 if is_on_lines else None).encode())
    page.get_by_text("It is shown, but cannot be edited here").wait_for()
    page.locator(".result .notice.error").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.keyboard.insert_text(json.dumps(track(2)))
    card(page, "Record usage").get_by_text("sends", exact=True).wait_for()


def test_tab_leaves_each_editor_and_the_file_has_keys(page: Page) -> None:
    open_events(page, "three.ndjson", ndjson(*THOUSAND[:3]))
    for editor in (page.get_by_role("textbox", name="Event as JSON"), draft_as(page, "TOML")):
        editor.focus()
        page.keyboard.press("Alt+PageDown")
        page.keyboard.press("Tab")
        assert not editor.evaluate("(node) => node.getRootNode().activeElement === node")
    assert page.get_by_role("spinbutton", name="Event").input_value() == "3"
    page.keyboard.press("Alt+PageUp")
    assert page.get_by_role("spinbutton", name="Event").input_value() == "2"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1200, "light")])
def test_axe_finds_nothing_in_text_and_comparison(
    browser: Browser, served: RunningPage, width: int, scheme: Any
) -> None:
    with window(browser, served.url, width=width, scheme=scheme) as page:
        open_events(page, "events.ndjson", ndjson(*THOUSAND[:30]))
        page.get_by_label("Trigger", exact=True).fill('type = "track" and event = "Other"')
        editor = draft_as(page, "TOML")
        editor.locator(".cm-line", has_text="Other").wait_for()
        editor.click()
        page.keyboard.press("ControlOrMeta+Home")
        page.keyboard.type("des")
        page.locator(".draft .problems li").first.wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Copy", exact=True).click()
        box = page.locator(".menu").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= width - box["width"]
        found = [axe.Axe().run(page)]
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Compare …").click()
        dialog = page.get_by_role("dialog", name="Before and after")
        dialog.get_by_text("events change.").wait_for()
        dialog.get_by_text("with a change").click()
        found.append(axe.Axe().run(page))
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert dialog.evaluate("(node) => node.scrollWidth === node.clientWidth")
    for each in found:
        assert each.violations_count == 0, each.generate_report()
