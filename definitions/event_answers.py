"""Answers that speak of each event of a request by itself: a 207, or a list of results.

Nobody's documentation prescribes such an answer, so what many APIs do is understood: a list of objects, at the top or
under a key such as `results`, in the order of the events or with an `index` (from 0) each. An object tells its event's
`status` (a code, or a word), or whether it is a `success`, or an `error`. An event of which nothing is told is not
delivered: silence means failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HOLDERS = ("results", "events", "items", "responses", "errors", "failures")
_STATUSES = ("status", "statusCode", "status_code", "code")
_WORDS = ("message", "error", "errors", "detail", "reason")
_DELIVERED, _REFUSED = 200, 400
_GOOD = frozenset({"ok", "success", "succeeded", "accepted", "created", "delivered", "recorded", "duplicate"})
_BAD = frozenset({"error", "failed", "failure", "rejected", "refused", "invalid"})
_CODES = range(100, 600)


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What is told of one event: an HTTP status, and words."""

    status: int
    words: str = ""


def read_event_answers(body: bytes, count: int) -> list[EventAnswer | None] | None:
    """Read what a body tells of each of `count` events, None where it tells nothing; None when it is no such body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(document, dict):
        document = next((document[key] for key in _HOLDERS if isinstance(document.get(key), list)), None)
    if not isinstance(document, list):
        return None
    told = list(_told(document))
    if document and not told:
        return None
    answers: list[EventAnswer | None] = [None] * count
    for index, answer in told:
        if 0 <= index < count:
            answers[index] = answer
    return answers


def _told(entries: Sequence[Any]) -> Iterator[tuple[int, EventAnswer]]:
    for position, entry in enumerate(entries):
        if isinstance(entry, dict) and (answer := _answer(entry)) is not None:
            index = entry.get("index", position)
            yield (index if type(index) is int else -1), answer


def _answer(entry: dict[str, Any]) -> EventAnswer | None:
    words = next((found for key in _WORDS if isinstance(found := entry.get(key), str)), "")
    for key in _STATUSES:
        status = _status(entry.get(key))
        if status is not None:
            return EventAnswer(status, words)
    for key in ("success", "ok"):
        if isinstance(entry.get(key), bool):
            return EventAnswer(_DELIVERED if entry[key] else _REFUSED, words)
    return EventAnswer(_REFUSED, words) if entry.get("error") or entry.get("errors") else None


def _status(value: Any) -> int | None:
    if isinstance(value, str):
        word = value.lower()
        if word in _GOOD:
            return _DELIVERED
        if word in _BAD:
            return _REFUSED
        value = int(value) if value.isascii() and value.isdigit() and len(value) == len("200") else None
    return value if type(value) is int and value in _CODES else None
