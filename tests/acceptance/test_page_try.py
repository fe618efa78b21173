"""Trying a mapping on the page, in a real browser: as a user does it, with the mouse and with the keyboard alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from command_line import API_KEY, CLIENT_ID, CommandLine
from kable_destination.runner.sandbox import RunningSandbox, running_sandbox
from page_actions import EVENT, card, field, paste_event, values
from running_page import RunningPage, chromium, running_page, window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from fork_server import ForkServer

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-core is not installed: pip install axe-playwright-python"
)


@pytest.fixture(scope="module")
def kable_sandbox() -> Iterator[RunningSandbox]:
    """Give the sandbox that the page sends to."""
    with running_sandbox(client_id=CLIENT_ID, api_key=API_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def served(
    fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory, kable_sandbox: RunningSandbox
) -> Iterator[RunningPage]:
    """Serve the page with credentials in its environment."""
    command_line = CommandLine(tmp_path_factory.mktemp("page"), dict(fork_server.environment), fork_server)
    with running_page(command_line, "--base-url", kable_sandbox.base_url) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium without a window."""
    with chromium() as launched:
        yield launched


def test_the_result_follows_the_event_and_the_mapping_as_they_are_typed(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        usage = card(page, "Record usage")
        usage.locator("pre.value", has_text='"plan": "Pro"').wait_for()
        assert values(page, "Record usage")["clientId"] == '"customer_1"'
        page.get_by_label("How Client ID is set").select_option("Path")
        field(page, "Client ID").fill("$.context.groupId")
        usage.get_by_text('"acme"', exact=True).wait_for()
        page.get_by_label("How Client ID is set").select_option("Template")
        field(page, "Client ID").fill("org-{{context.groupId}}")
        usage.get_by_text('"org-acme"', exact=True).wait_for()
        page.get_by_label("How Data is set").select_option("JSON")
        field(page, "Data").fill('{"seats": {"@path": "$.properties.seats"}, "unit": "seat"}')
        usage.locator("pre.value", has_text='"unit": "seat"').wait_for()
        assert values(page, "Record usage")["data"] == '{"seats":3,"unit":"seat"}'
        page.get_by_role("button", name="Reset Client ID to its default").click()
        usage.get_by_text('"customer_1"', exact=True).wait_for()


def test_a_mapping_from_nothing_becomes_a_configuration_that_check_accepts(
    browser: Browser, served: RunningPage, command_line: CommandLine
) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        for name in ("Record usage", "Record membership"):
            page.get_by_role("button", name=f"Remove {name}").click()
        page.get_by_label("What to add").select_option("Record Usage")
        page.get_by_role("button", name="Add a subscription").click()
        field(page, "Name").fill("Seats")
        field(page, "Trigger").fill('type = "track" and properties.seats > 0')
        page.get_by_label("How Client ID is set").select_option("Path")
        field(page, "Client ID").fill("$.context.groupId")
        page.get_by_label("How Data is set").select_option("JSON")
        field(page, "Data").fill('{"seats": {"@path": "$.properties.seats"}, "plan": "pro"}')
        card(page, "Seats").locator("pre.value", has_text='"plan": "pro"').wait_for()
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Configuration (TOML)").click()
        page.get_by_text("The TOML is copied.").first.wait_for()
        text = page.evaluate("navigator.clipboard.readText()")
        shown = values(page, "Seats")
    assert API_KEY not in text
    (command_line.folder / "kable.toml").write_text(text, encoding="utf-8")
    checked = command_line("check", "--config", "kable.toml")
    assert checked.code == 0, checked.err
    (command_line.folder / "event.json").write_text(json.dumps(EVENT), encoding="utf-8")
    previewed = command_line("preview", "--config", "kable.toml", "event.json", "--json")
    (seats,) = json.loads(previewed.out)["subscriptions"]
    sent = {field["key"]: json.dumps(field["sent"], separators=(",", ":")) for field in seats["fields"]}
    assert sent == shown


def test_the_trigger_shows_what_decided_and_why(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        field(page, "Trigger").fill('type = "track" and event = "Other"')
        usage = card(page, "Record usage")
        usage.get_by_text("no match").wait_for()
        assert usage.locator("mark").all_inner_texts() == ['event = "Other"']
        assert "event" in usage.locator("p.help").inner_text()
        field(page, "Trigger").fill('type = "track"')
        usage.get_by_text("sends", exact=True).wait_for()
        assert usage.locator("mark").all_inner_texts() == ['type = "track"']


def test_an_error_is_at_its_field(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        field(page, "Trigger").fill("type = ")
        trigger = page.locator("[aria-invalid=true]")
        trigger.wait_for()
        described = trigger.get_attribute("aria-describedby")
        assert described is not None
        texts = [page.locator(f"[id='{each}']").inner_text() for each in described.split()]
        listed = page.get_by_role("button", name="subscriptions[0].subscribe")
        assert texts[-1] != ""
        assert texts[-1] in listed.locator("..").inner_text()
        listed.click()
        assert page.evaluate("document.activeElement.value") == "type = "
        field(page, "Trigger").fill('type = "track"')
        page.locator("[aria-invalid=true]").wait_for(state="detached")


def test_a_mapping_that_is_not_json_or_not_exact_is_not_used_and_says_so(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        page.get_by_label("How Data is set").select_option("JSON")
        form = page.get_by_role("region", name="Subscription", exact=True)
        field(page, "Data").fill('{"seats": ')
        form.get_by_text("This is not JSON yet.").wait_for()
        field(page, "Data").fill('{"seats": 9007199254740993, "share": 0.12345678901234567}')
        form.get_by_text("A number has more digits than a browser keeps exactly.").wait_for()
        assert values(page, "Record usage")["data"] == '{"plan":"Pro","seats":3}'
        field(page, "Data").fill('{"seats": "9007199254740993", "share": 0.125}')
        card(page, "Record usage").locator("pre.value", has_text="9007199254740993").wait_for()
        assert form.locator("[aria-invalid=true]").count() == 0


def test_what_an_event_lacks_is_at_the_field_that_needs_it(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, {**EVENT, "userId": None})
        card(page, "Record usage").get_by_text("rejected").wait_for()
        client_id = page.get_by_role("region", name="Subscription", exact=True).locator("[aria-invalid=true]")
        assert client_id.get_attribute("id") == field(page, "Client ID").get_attribute("id")


def test_an_event_that_is_not_json_has_its_error_at_the_line(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, '{\n  "type": "track",\n  "event": \n}')
        page.get_by_role("listitem").filter(has_text="Line 4").first.wait_for()


def test_pointing_at_a_value_marks_its_source_and_the_other_way_round(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        row = card(page, "Record usage").get_by_role("row", name="customer_1")
        row.get_by_role("button", name="$.userId").focus()
        page.locator(".cm-source").wait_for()
        assert page.locator(".cm-source").all_inner_texts() == ['"customer_1"']
        page.locator(".cm-line", has_text='"seats"').hover()
        page.locator("tr.linked").wait_for()
        assert page.locator("tr.linked th code").all_inner_texts() == ["data"]


def test_the_mouse_decides_what_is_pointed_at_when_it_moves_after_the_last_letter(
    browser: Browser, served: RunningPage
) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        card(page, "Record usage").get_by_role("row", name="customer_1").wait_for()
        page.clock.install()
        page.keyboard.press("Control+End")
        page.keyboard.type(" ")
        page.locator(".cm-line", has_text='"seats"').hover()
        page.clock.run_for(1_000)
        assert page.locator("tr.linked th code").all_text_contents() == ["data"]


def test_a_result_that_comes_while_a_value_is_pointed_at_is_marked_too(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        page.locator(".cm-line", has_text='"seats"').hover()
        page.locator("tr.linked").wait_for()
        # The keyboard types, and the mouse stays where it is.
        page.locator(".cm-content").evaluate(
            """(content) => {
              const view = content.cmTile?.view ?? content.cmView?.view;
              const at = view.state.doc.toString().indexOf("customer_1");
              view.dispatch({changes: {from: at, to: at + 10, insert: "customer_2"}});
            }"""
        )
        card(page, "Record usage").get_by_role("row", name="customer_2").wait_for()
        assert page.locator("tr.linked th code").all_text_contents() == ["data"]


def test_the_request_is_shown_as_json_http_and_curl_without_secrets(
    browser: Browser, served: RunningPage, kable_sandbox: RunningSandbox
) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        tabs = card(page, "Record usage").get_by_role("tablist")
        shown = card(page, "Record usage").get_by_role("tabpanel")
        shown.get_by_text('"clientId": "customer_1"').wait_for()
        # The browser lays out what is far down a frame later, so it may have no inner text yet.
        texts = [shown.text_content() or ""]
        tabs.get_by_role("tab", name="JSON").focus()
        for name in ("HTTP", "curl"):
            page.keyboard.press("ArrowRight")
            assert page.evaluate("document.activeElement.textContent") == name
            texts.append(shown.text_content() or "")
        assert '"clientId": "customer_1"' in texts[0]
        assert texts[1].startswith(f"POST {kable_sandbox.base_url}/api/v1/events/create")
        assert texts[2].startswith("curl ")
        assert API_KEY not in page.content()


def test_subscriptions_are_added_switched_off_and_removed(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        paste_event(page, EVENT)
        page.get_by_label("What to add").select_option("Record Usage")
        page.get_by_role("button", name="Add a subscription").click()
        field(page, "Name").fill("Seats")
        # One event cannot be recorded twice under one transaction ID.
        card(page, "Seats").get_by_text("rejected", exact=True).wait_for()
        page.get_by_role("checkbox", name="Record usage is enabled").uncheck()
        card(page, "Record usage").wait_for(state="detached")
        page.get_by_role("button", name="Remove Record membership").click()
        assert page.locator(".subscriptions .choose").all_inner_texts() == ["Record usage", "Seats"]
        card(page, "Seats").get_by_text("sends", exact=True).wait_for()


def test_an_event_is_sent_to_the_sandbox_after_it_was_confirmed(
    browser: Browser, served: RunningPage, kable_sandbox: RunningSandbox
) -> None:
    with window(browser, served.url) as page:
        paste_event(page, {**EVENT, "messageId": "sent from the page"})
        card(page, "Record usage").locator("pre.value", has_text="sent from the page").wait_for()
        page.get_by_role("button", name="Send for real …").click()
        dialog = page.get_by_role("dialog", name="Send for real")
        assert "127.0.0.1" in dialog.inner_text()
        assert [event["transactionId"] for event in kable_sandbox.ledger.events] == []
        dialog.get_by_role("button", name="Send to").click()
        dialog.get_by_text("accepted", exact=True).wait_for()
        facts = dict(zip(dialog.locator("dt").all_inner_texts(), dialog.locator("dd").all_inner_texts(), strict=True))
        assert facts["Status"] == "200"
        assert facts["Request ID"] not in {"", "none"}
        assert facts["Time"].endswith(" ms")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.textContent") == "Send for real …"
    assert [event["transactionId"] for event in kable_sandbox.ledger.events] == ["sent from the page"]


def test_credentials_are_tested_and_a_typed_secret_is_used_and_never_shown(
    browser: Browser, served: RunningPage
) -> None:
    with window(browser, served.url) as page:
        page.get_by_role("button", name="Test the credentials").click()
        page.get_by_text("The destination accepts the credentials.").first.wait_for()
        page.get_by_text("Settings", exact=True).click()
        assert page.get_by_label("API Key", exact=True).input_value() == ""
        page.get_by_label("API Key", exact=True).fill("sk_test.another-secret")
        page.get_by_role("button", name="Test the credentials").click()
        page.locator(".toolbar .notice.error").wait_for()
        stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
        assert "another-secret" not in page.content() + stored


def test_everything_is_done_with_the_keyboard_alone(browser: Browser, served: RunningPage) -> None:
    with window(browser, served.url) as page:
        card(page, "Record usage").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        names = []
        for _ in range(80):
            page.keyboard.press("Tab")
            names.append(page.evaluate(FOCUSED))
            if names[-1] == "Trigger":
                break
        assert any(name.startswith("Event as JSON") for name in names), "Tab leaves the editor"
        assert names[-1] == "Trigger", names
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type('type = "page"')
        card(page, "Record usage").get_by_text("no match").wait_for()


FOCUSED = """(() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute("aria-label") ?? at?.labels?.[0]?.textContent ?? at?.textContent ?? "";
})()"""


@pytest.mark.parametrize("width", [390, 800, 1200])
def test_nothing_scrolls_sideways(browser: Browser, served: RunningPage, width: int) -> None:
    with window(browser, served.url, width=width) as page:
        paste_event(page, {**EVENT, "properties": {"long" * 60: "word" * 200}})
        card(page, "Record usage").locator("pre.value", has_text="wordword").wait_for()
        page.get_by_text("Settings", exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_axe_finds_nothing(browser: Browser, served: RunningPage, width: int, scheme: Any) -> None:
    with window(browser, served.url, width=width, scheme=scheme) as page:
        paste_event(page, {**EVENT, "userId": None})
        card(page, "Record usage").get_by_text("rejected").wait_for()
        page.get_by_text("Settings", exact=True).click()
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
