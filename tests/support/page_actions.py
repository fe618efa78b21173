"""What a user does on the page that tries a mapping, and what is then seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from segment_events import track

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator, Page

EVENT = track(1, userId="customer_1", properties={"plan": "Pro", "seats": 3}, context={"groupId": "acme"})


def type_event(page: Page, event: Any) -> None:
    """Replace the event, as somebody does who pastes another."""
    page.get_by_role("textbox", name="Event as JSON").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(event if isinstance(event, str) else json.dumps(event, indent=2))


def paste_event(page: Page, event: Any) -> None:
    """Replace the event, as somebody does who pastes another."""
    text = event if isinstance(event, str) else json.dumps(event, indent=2)
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    page.get_by_role("textbox", name="Event as JSON").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("ControlOrMeta+v")


def event_text(page: Page) -> str:
    """Return the text of the event. An editor has only those lines of a long text that are in view."""
    return "\n".join(page.locator(".event .cm-line").all_inner_texts())


def card(page: Page, name: str) -> Locator:
    """Return the result of a subscription."""
    return page.get_by_role("article", name=name, exact=True)


def field(page: Page, name: str) -> Locator:
    """Return the input of a field in the form of the subscription."""
    return page.get_by_role("region", name="Subscription", exact=True).get_by_label(name, exact=True)


def values(page: Page, name: str) -> dict[str, str]:
    """Return the payload of a subscription as it is shown: the value of each field, without the white space."""
    rows = card(page, name).locator("tbody tr").all()
    return {row.locator("th code").inner_text(): "".join(row.locator("td pre").inner_text().split()) for row in rows}


def open_events(page: Page, name: str, content: bytes, *, is_usable: bool = True) -> None:
    """Choose a file of events, and wait until it is open or refused."""
    file: FilePayload = {"name": name, "mimeType": "application/x-ndjson", "buffer": content}
    page.locator(".event-file input[type=file]").set_input_files(file)
    page.locator(".event-file .stepper" if is_usable else ".event-file .notice").wait_for()
