"""Kable's usage events, read from a request body by Kable's documented rules.

The rules are here a second time on purpose, apart from the action that builds such events: a judge that shares the
code of the one it judges shares its mistakes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from .rejections import Reason, RequestRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_EVENTS = 500
"""Kable's own client libraries cap a list at this many events."""

_HOUR = "(?:[01][0-9]|2[0-3])"
_RFC3339 = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_HOUR}:[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|[+-]{_HOUR}:[0-5][0-9])"
)
_SECOND = slice(17, 19)
_LONGEST_SHOWN = 40
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def read_usage_events(body: bytes, most: int | None = None) -> list[dict[str, Any]]:
    """Return the events of a body, which is one event or a list of 1 to 500 (or to `most`).

    Raises RequestRejectedError (400) for all of them when one is not valid; only its reasons say which.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestRejectedError(400, "The body is not valid JSON.", [Reason(str(error))]) from None
    events = document if isinstance(document, list) else [document]
    if not 1 <= len(events) <= (most or MAX_EVENTS):
        reason = Reason(f"the list holds {len(events)} events")
        status = 400 if most is None else 413
        raise RequestRejectedError(status, f"A list must hold 1 to {most or MAX_EVENTS} events.", [reason])
    reasons = [Reason(fault, index) for index, event in enumerate(events) for fault in _faults(event)]
    if reasons:
        raise RequestRejectedError(400, "One or more events are not valid.", reasons)
    return events


def _faults(event: Any) -> Iterator[str]:
    if not isinstance(event, dict):
        yield f"an event must be an object, not {_KINDS[type(event)]}"
        return
    for key in ("clientId", "timestamp"):
        if key not in event:
            yield f"{key} is missing"
    for key, fault_of in _RULES.items():
        if key in event and (fault := fault_of(event[key])):
            yield f"{key} {fault}"
    if unknown := event.keys() - _RULES.keys():
        others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        yield f"unknown key {_shown(min(unknown))}{others}; an event may have {', '.join(_RULES)}"


def _identifier_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"must be a string, not {_KINDS[type(value)]}"
    return None if value.strip() else "is blank"


def _timestamp_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"must be a string, not {_KINDS[type(value)]}"
    if not _RFC3339.fullmatch(value):
        return f"{_shown(value)} is not RFC 3339, such as 2026-03-04T05:06:07Z"
    return None if _is_real(value) else f"{_shown(value)} names no real moment"


def _data_fault(value: Any) -> str | None:
    return None if isinstance(value, dict) else f"must be an object, not {_KINDS[type(value)]}"


_RULES: dict[str, Callable[[Any], str | None]] = {
    "clientId": _identifier_fault,
    "timestamp": _timestamp_fault,
    "transactionId": _identifier_fault,
    "data": _data_fault,
}


def _is_real(timestamp: str) -> bool:
    """Return whether a text of RFC 3339's form names a moment that exists; a leap second ends a month, in UTC."""
    leap = timestamp[_SECOND] == "60"
    ordinary = f"{timestamp[: _SECOND.start]}59{timestamp[_SECOND.stop :]}" if leap else timestamp
    try:
        moment = datetime.fromisoformat(ordinary.upper())
        if leap:
            after = moment.astimezone(UTC) + timedelta(seconds=1)
            return (after.day, after.hour, after.minute) == (1, 0, 0)
    except (ValueError, OverflowError):
        return False
    return True


def _shown(text: str) -> str:
    """Quote a short text whole and a long one not at all: a secret that is cut in two could not be found and masked."""
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f"(a text of {len(text)} characters)"
