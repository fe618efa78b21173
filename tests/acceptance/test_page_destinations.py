"""Other destinations and accounts on the page, and its token, in a real browser."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hostile_destination import HOSTILE
from manifests import action, manifest, setting
from manifests import field as field_of
from page_actions import EVENT, card, field, paste_event, values
from running_page import chromium, running_page, window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from command_line import CommandLine

OTHER = manifest(
    name=f"Other {HOSTILE['image']}",
    description=HOSTILE["script"],
    authentication={
        "scheme": "custom",
        "fields": {
            "token": setting(label="Token"),
            "region": setting(label="Region", type="string", required=False, choices=["us", "eu"], default="us"),
            "constructor": setting(label="Odd key", type="string", required=False),
            "names": setting(label="Names", type="text-map", required=False),
            "note": setting(label=HOSTILE["image"], description=HOSTILE["image"], type="string", required=False),
        },
    },
    actions={
        "send": action(
            title=HOSTILE["image"],
            fields={
                "count": field_of(label="Count", type="number"),
                "kind": field_of(
                    label="Kind", choices=[{"label": "One", "value": "1"}, {"label": HOSTILE["image"], "value": "2"}]
                ),
                "flag": field_of(label="Flag", type="boolean"),
                "items": field_of(label="Items", type="object", multiple=True, default=None),
            },
        )
    },
    presets=[],
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium without a window."""
    with chromium() as launched:
        yield launched


def test_another_destination_has_inputs_of_its_types_and_its_texts_stay_texts(
    browser: Browser, command_line: CommandLine
) -> None:
    (command_line.folder / "other.json").write_text(json.dumps(OTHER), encoding="utf-8")
    with running_page(command_line, "--manifest", "other.json") as served, window(browser, served.url) as page:
        paste_event(page, {**EVENT, "event": HOSTILE["image"], "properties": {HOSTILE["script"]: HOSTILE["image"]}})
        page.get_by_label("Destination").select_option("Other " + HOSTILE["image"])
        page.get_by_role("button", name="Add a subscription").click()
        for name in ("Count", "Kind", "Flag"):
            page.get_by_label(f"How {name} is set").select_option("Constant")
        field(page, "Count").fill("2.5")
        field(page, "Kind").select_option(HOSTILE["image"])
        page.get_by_label("How Items is set").select_option("JSON")
        field(page, "Items").fill('[{"sku": {"@path": "$.event"}}]')
        card(page, HOSTILE["image"]).locator("pre.value", has_text="sku").wait_for()
        sent = values(page, HOSTILE["image"])
        assert (sent["count"], sent["kind"], sent["flag"]) == ("2.5", '"2"', "true")
        page.get_by_text("Settings", exact=True).click()
        page.get_by_label("Region").select_option("eu")
        assert page.get_by_label("Odd key", exact=True).input_value() == ""
        for number in (1, 2):
            page.get_by_role("button", name="Add a name").click()
            page.get_by_label(f"Name {number}", exact=True).fill("same")
        page.get_by_text("The name “same” is there twice.").first.wait_for()
        assert page.get_by_role("button", name="Send for real …").count() == 0
        assert page.evaluate("window.taken") is None
        assert page.locator("main img, main script").count() == 0


def test_the_page_asks_for_its_token_and_forgets_a_wrong_one(browser: Browser, command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text('[service]\npageTokenFile = "token"\n', encoding="utf-8")
    (command_line.folder / "token").write_text("the-token-of-this-page", encoding="utf-8")
    with (
        running_page(command_line, "--config", "kable.toml") as asking,
        window(browser, asking.url, refusals=2) as page,
    ):
        dialog = page.get_by_role("dialog", name="A token is needed")
        dialog.get_by_label("Token", exact=True).fill("a wrong one")
        page.keyboard.press("Enter")
        dialog.get_by_text("This is not the token of the page.").wait_for()
        dialog.get_by_label("Token", exact=True).fill("“the-token-of-this-page”")
        page.keyboard.press("Enter")
        dialog.get_by_text("A token has no such characters.").wait_for()
        dialog.get_by_label("Token", exact=True).fill("the-token-of-this-page")
        page.keyboard.press("Enter")
        card(page, "Record usage").wait_for()
        assert page.evaluate("location.href + JSON.stringify({...localStorage})").count("the-token") == 0


def test_the_token_is_asked_for_again_after_too_many_guesses(browser: Browser, command_line: CommandLine) -> None:
    (command_line.folder / "kable.toml").write_text('[service]\npageTokenFile = "token"\n', encoding="utf-8")
    (command_line.folder / "token").write_text("the token of this page", encoding="utf-8")
    refusal = {"code": "too_many_guesses", "message": "There were too many wrong tokens."}
    with (
        running_page(command_line, "--config", "kable.toml") as asking,
        window(browser, asking.url, refusals=2) as page,
    ):
        dialog = page.get_by_role("dialog", name="A token is needed")
        dialog.wait_for()
        page.route("**/start", lambda route: route.fulfill(status=429, json=refusal), times=1)
        for said in ("The page needs its token.", refusal["message"]):
            dialog.get_by_text(said).wait_for()
            dialog.get_by_label("Token", exact=True).fill("the token of this page")
            page.keyboard.press("Enter")
        card(page, "Record usage").wait_for()


def test_an_account_brings_its_settings_and_live_is_named_and_not_sent_to(
    browser: Browser, command_line: CommandLine
) -> None:
    (command_line.folder / "kable.toml").write_text(
        '[settings]\nkableClientId = "kci_first"\n\n'
        '[accounts.second]\napiKeyEnv = "SECOND"\nclientId = "kci_second"\nenvironment = "Live"\n',
        encoding="utf-8",
    )
    with_second = replace(command_line, environment={**command_line.environment, "SECOND": "sk_live.the-second"})
    with running_page(with_second, "--config", "kable.toml") as accounts, window(browser, accounts.url) as page:
        paste_event(page, EVENT)
        page.get_by_text("Settings", exact=True).click()
        page.get_by_label("Account").select_option("second")
        assert page.get_by_label("Kable Client ID", exact=True).input_value() == "kci_second"
        page.locator(".target.live", has_text="Live").wait_for()
        page.get_by_role("button", name="Send for real …").click()
        dialog = page.get_by_role("dialog", name="Send for real")
        assert "Kable Live (live.kable.io) bills real customers" in dialog.inner_text()
        assert dialog.get_by_role("button", name="Send to").count() == 0
        assert "the-second" not in page.content()
