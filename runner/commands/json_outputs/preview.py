"""What `preview --json` prints."""

from __future__ import annotations

from typing import Any

import msgspec

from .versioned import JsonOutput


class FieldPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a payload: what its mapping is, where that comes from, what it gives, and what is sent.

    `is_mapped` and `is_sent` say whether there is a value; if not, `mapped` or `sent` is null. `renamed_by` is the
    setting that renames properties within it.
    """

    key: str
    mapping: str
    origin: str
    is_mapped: bool
    mapped: Any
    is_sent: bool
    sent: Any
    renamed_by: str | None


class RequestPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A request, with secrets masked."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any


class SubscriptionPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription makes of the event.

    `why_not` says why its trigger does not match. `problems` say why the event would be rejected. `code` is the Python
    that mapping and fields were compiled to, with --explain.
    """

    name: str
    action: str
    trigger: str
    matches: bool
    why_not: str | None
    fields: list[FieldPreview]
    problems: list[str]
    request: RequestPreview | None
    code: str | None


class PreviewOutput(JsonOutput, frozen=True, kw_only=True):
    """What happens to an event. `turned_away` says why no subscription was asked; null if they were."""

    destination: str
    environment: str | None
    host: str
    turned_away: str | None
    subscriptions: list[SubscriptionPreview]
