"""Calls of a Direct Destination, as Segment makes them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from command_line import API_KEY, CLIENT_ID

if TYPE_CHECKING:
    import httpx

    from running_service import RunningService

SETTINGS = {"kableClientId": CLIENT_ID}


def event(message_id: str, **more: Any) -> dict[str, Any]:
    """Return an event as Segment sends it to a partner."""
    return {
        "type": "track",
        "event": "API Request",
        "userId": "acme",
        "messageId": message_id,
        "timestamp": "2026-11-20T06:00:00.000Z",
        "receivedAt": "2026-11-20T06:00:00.100Z",
        "properties": {"units": 3},
        **more,
    }


def call(
    service: RunningService, body: Any, *, key: str | None = API_KEY, settings: Any = SETTINGS, **headers: str
) -> httpx.Response:
    """Call the service as Segment does."""
    given = {"Content-Type": "application/json", "User-Agent": "Segment.io/1.0"}
    if key is not None:
        given["Authorization"] = basic(key)
    if settings is not None:
        given["X-Segment-Settings"] = settings if isinstance(settings, str) else settings_header(settings)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return service.client.post("/segment", content=content, headers=given | headers)


def told(response: httpx.Response) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    return response.status_code, response.json()


def basic(key: str) -> str:
    """Return the Authorization header that Segment sends."""
    return f"Basic {b64encode(f'{key}:'.encode()).decode()}"


def settings_header(settings: Any) -> str:
    """Return the X-Segment-Settings header that Segment sends."""
    return b64encode(json.dumps(settings).encode()).decode()
