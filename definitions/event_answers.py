"""Answers that speak of each event of a request by itself: a 207, or a list of results.

Nobody's documentation prescribes such an answer, so what many APIs do is understood: a list of objects, at the top or
under a key such as `results`, in the order of the events or with an `index` (from 0) each. An object tells its event's
`status` (a code, or a word), or whether it is a `success`, or an `error`. An event of which nothing is told is not
delivered: silence means failure. Only where a 200 lists nothing but `errors` or `failures`, each with its `index`, are
the events that it does not name delivered; where one of them has no index, no event is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HOLDERS = ("results", "events", "items", "responses")
_FAILURES = ("errors", "failures")
_STATUSES = ("status", "statusCode", "status_code", "code")
_WORDS = ("message", "error", "errors", "detail", "reason")
_DELIVERED, _REFUSED = 200, 400
_GOOD = frozenset({"ok", "success", "succeeded", "accepted", "created", "delivered", "recorded", "duplicate"})
_BAD = frozenset({"error", "failed", "failure", "rejected", "refused", "invalid"})
_CODES = range(100, 600)
_WELCOME = range(200, 300)


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What is told of one event: an HTTP status, and words."""

    status: int
    words: str = ""


def read_event_answers(body: bytes, count: int, *, is_multi_status: bool = False) -> list[EventAnswer | None] | None:
    """Read what a body tells of each of `count` events, None where it tells nothing; None when it is no such body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(document, dict):
        holder = next((key for key in (*_HOLDERS, *_FAILURES) if isinstance(document.get(key), list)), None)
        if holder in _FAILURES:
            return _failures(document[holder], count, others_arrived=not is_multi_status)
        document = None if holder is None else document[holder]
    if not isinstance(document, list):
        return None
    told = list(_told(document))
    if document and not told:
        return None
    return _by_index(told, count)


def _failures(entries: Sequence[Any], count: int, *, others_arrived: bool) -> list[EventAnswer | None] | None:
    """Read a list that names failures only; None when it is empty."""
    if not entries:
        return None
    told = []
    for entry in entries:
        index = entry.get("index") if isinstance(entry, dict) else None
        if type(index) is not int or not 0 <= index < count:
            return [None] * count
        answer = _answer(entry)
        failed = answer is not None and answer.status not in _WELCOME
        told.append((index, answer if answer is not None and failed else EventAnswer(_REFUSED, _words(entry))))
    answers = _by_index(told, count)
    return [answer or EventAnswer(_DELIVERED) for answer in answers] if others_arrived else answers


def _by_index(told: Iterable[tuple[int, EventAnswer]], count: int) -> list[EventAnswer | None]:
    """Give each event what is told of it; where that is told twice, the worse."""
    answers: list[EventAnswer | None] = [None] * count
    for index, answer in told:
        if 0 <= index < count:
            before = answers[index]
            answers[index] = answer if before is None or before.status in _WELCOME else before
    return answers


def _told(entries: Sequence[Any]) -> Iterator[tuple[int, EventAnswer]]:
    for position, entry in enumerate(entries):
        if isinstance(entry, dict) and (answer := _answer(entry)) is not None:
            index = entry.get("index", position)
            yield (index if type(index) is int else -1), answer


def _answer(entry: dict[str, Any]) -> EventAnswer | None:
    words = _words(entry)
    for key in _STATUSES:
        status = _status(entry.get(key))
        if status is not None:
            return EventAnswer(status, words)
    for key in ("success", "ok"):
        if isinstance(entry.get(key), bool):
            return EventAnswer(_DELIVERED if entry[key] else _REFUSED, words)
    return EventAnswer(_REFUSED, words) if entry.get("error") or entry.get("errors") else None


def _words(entry: dict[str, Any]) -> str:
    return next((found for key in _WORDS if isinstance(found := entry.get(key), str)), "")


def _status(value: Any) -> int | None:
    if isinstance(value, str):
        word = value.lower()
        if word in _GOOD:
            return _DELIVERED
        if word in _BAD:
            return _REFUSED
        value = int(value) if value.isascii() and value.isdigit() and len(value) == len("200") else None
    return value if type(value) is int and value in _CODES else None
