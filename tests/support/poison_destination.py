"""A destination, found by its entry point, that ends each planner which builds a request with an event "poison"."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from kable_destination.definitions import (
    ActionDefinition,
    BatchLimits,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
)

if TYPE_CHECKING:
    import httpx

    from kable_destination.definitions import BatchData, EventData, RequestBuilder

# Planners are forks of the process that has imported this.
_IMPORTED_BY = os.getpid()


def _perform(request: RequestBuilder, data: EventData) -> httpx.Request:
    return request("POST", "/one", json=data.payload)


def _perform_batch(request: RequestBuilder, data: BatchData) -> httpx.Request:
    if os.getpid() != _IMPORTED_BY and any(payload["name"] == "poison" for payload in data.payloads):
        os.kill(os.getpid(), signal.SIGKILL)
    return request("POST", "/many", json=data.payloads)


def _text(label: str, path: str) -> InputField:
    return InputField(label=label, description=label, type="string", required=True, default={"@path": path})


poison = DestinationDefinition(
    name="Poison",
    slug="poison",
    description="Ends planners.",
    extend_request=lambda _: RequestOptions("https://poison.example"),
    actions={
        "send": ActionDefinition(
            title="Send",
            description="Sends.",
            default_subscription='type = "track"',
            fields={"id": _text("ID", "$.messageId"), "name": _text("Name", "$.event")},
            idempotency_field="id",
            batch=BatchLimits(events=500, bytes=1_000_000),
            perform=_perform,
            perform_batch=_perform_batch,
        )
    },
    presets=[Preset(name="All", type="automatic", partner_action="send", subscribe='type = "track"', mapping={})],
)
