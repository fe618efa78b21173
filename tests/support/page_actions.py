"""What a user does on the page that tries a mapping, and what is then seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator, Page


def type_event(page: Page, event: Any) -> None:
    """Replace the event, as somebody does who pastes another."""
    page.get_by_role("textbox", name="Event as JSON").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(event if isinstance(event, str) else json.dumps(event, indent=2))


def event_text(page: Page) -> str:
    """Return the text of the event. An editor has only those lines of a long text that are in view."""
    return "\n".join(page.locator(".event .cm-line").all_inner_texts())


def card(page: Page, name: str) -> Locator:
    """Return the result of a subscription."""
    return page.get_by_role("article", name=name, exact=True)


def open_events(page: Page, name: str, content: bytes, *, is_usable: bool = True) -> None:
    """Choose a file of events, and wait until it is open or refused."""
    file: FilePayload = {"name": name, "mimeType": "application/x-ndjson", "buffer": content}
    page.locator(".event-file input[type=file]").set_input_files(file)
    page.locator(".event-file .stepper" if is_usable else ".event-file .notice").wait_for()
