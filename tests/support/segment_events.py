"""Segment events for the tests."""

from __future__ import annotations

import json
from typing import Any


def track(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Make a full track event; `changes` replace its top-level keys."""
    event: dict[str, Any] = {
        "type": "track",
        "event": "API Call",
        "userId": f"customer_{number % 7}",
        "messageId": f"message-{number:06}",
        "timestamp": "2026-03-04T05:06:07.890Z",
        "properties": {"units": number, "region": "eu"},
        "context": {"library": {"name": "tests", "version": "1"}},
    }
    return {**event, **changes}


def identify(number: int = 0) -> dict[str, Any]:
    """Make an event of the other action: membership in an audience."""
    return {
        **track(number),
        "type": "identify",
        "traits": {"audience": True},
        "context": {"personas": {"computation_class": "audience", "computation_key": "audience"}},
    }


def ndjson(*events: Any) -> bytes:
    """Write events as lines; bytes are taken as lines that are written already."""
    lines = [event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode() for event in events]
    return b"".join(line + b"\n" for line in lines)
