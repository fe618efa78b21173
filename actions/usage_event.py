"""Kable's usage event: the fields that every action fills, and the request that records it.

Source: Kable's API reference, `POST /api/v1/events/create`; its body is one event or a list of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..definitions import BatchLimits, InputField

if TYPE_CHECKING:
    import httpx

    from ..definitions import BatchData, EventData, RequestBuilder

PATH = "/api/v1/events/create"

KABLE_BATCH = BatchLimits(events=500, bytes=1_000_000)
"""Kable's own client libraries cap a list at 500 events; its limit in bytes is not public, and this one is ours."""

client_id = InputField(
    label="Client ID",
    description=(
        "The Kable Client ID of the customer who is billed for this usage. The user ID by default, "
        "or the field that the setting Client ID Field names."
    ),
    type="string",
    required=True,
    default={"@path": "$.userId"},
    identifier=True,
    default_path_setting="clientIdField",
)

timestamp = InputField(
    label="Timestamp",
    description=(
        "When it happened. Sent as RFC 3339; dates, other forms of ISO 8601 and Unix times in seconds or milliseconds "
        "are converted to UTC, and a time without a zone is UTC."
    ),
    type="datetime",
    required=True,
    default={"@path": "$.timestamp"},
    rfc3339=True,
)

transaction_id = InputField(
    label="Transaction ID",
    description="The idempotency key: Kable discards an event whose transaction ID it has already processed.",
    type="string",
    required=True,
    default={"@path": "$.messageId"},
    identifier=True,
)


def record_usage_event(request: RequestBuilder, data: EventData) -> httpx.Request:
    """Build the request for one event: its body is an object."""
    return request("POST", PATH, json=data.payload)


def record_usage_events(request: RequestBuilder, data: BatchData) -> httpx.Request:
    """Build the request for several events: its body is a list."""
    return request("POST", PATH, json=data.payloads)
