"""Failures in the body of welcome answers: of each event of a request by itself, or of the whole request.

No standard describes such answers, so this reads what many APIs send. An answer may list results, at its top or under a
key such as `results`. They are in the order of the events, or each has an `index` (from 0) or the event's ID. A result
has a `status` (a code, or a word), a `success` or an `error`. An event without a result is not delivered: silence means
failure.

An answer may list only `errors` or `failures`. If each of them names its event and the answer is not a 207, the other
events are delivered. An answer that reports a failure and does not name an event, such as `{"success": false}`, is
about the request: none of its events is delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_LAYERS = ("data", "result", "response")
_HOLDERS = ("results", "events", "items", "responses", "records", "data")
_FAILURES = frozenset({
    "error", "errors", "failure", "failures", "failed", "rejected", "invalid", "rejections", "partialfailureerror",
    "errorcount", "failurecount", "failedcount", "rejectedcount", "invalidcount", "failedputcount", "failedrecordcount",
})  # fmt: skip
_STATUSES = ("status", "statuscode", "httpstatus", "code", "result", "outcome", "state")
_FLAGS = ("success", "succeeded", "successful", "ok", "accepted", "delivered")
_WORDS = ("message", "error", "errors", "detail", "reason", "errormessage", "description")
_DELIVERED, _REFUSED = 200, 400
_GOOD = frozenset({"ok", "success", "succeeded", "accepted", "created", "delivered", "recorded", "duplicate"})
_BAD = frozenset({
    "error", "fail", "failed", "failure", "rejected", "refused", "invalid", "denied", "partial", "partialsuccess",
    "partialfailure", "incomplete",
})  # fmt: skip
_CODES = range(200, 600)
_WELCOME = range(200, 300)
_MOST_INDEX_DIGITS = 9
_IDS = frozenset({"id", "transactionid", "messageid", "eventid", "key"})
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What an answer says about one event, or about the request: an HTTP status, and words."""

    status: int
    words: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether it is bad news."""
        return self.status not in _WELCOME


EventAnswers: TypeAlias = "list[EventAnswer | None]"
"""What an answer says about each event of a request, in their order; None: nothing."""


@dataclass(slots=True)
class _Told:
    """What a document says: results and failures by the positions of their events, and failures without an event."""

    results: list[tuple[int, EventAnswer]] | None = None
    failures: list[tuple[int, EventAnswer]] = field(default_factory=list)
    of_request: list[EventAnswer] = field(default_factory=list)


def read_event_answers(
    body: bytes, keys: Sequence[str | None], *, is_multi_status: bool = False
) -> EventAnswers | EventAnswer | None:
    """Read what the body of a welcome answer says about the events of its request, whose ids are `keys`.

    Return what is said about each event, or one failure of the whole request, or None if nothing is said.
    """
    body = body.removeprefix(_BOM)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        # It begins like JSON and was cut off. What it would have said is unknown.
        return [None] * len(keys) if body.lstrip()[:1] in {b"{", b"["} else None
    told = _read(document, keys)
    answers = _by_position([*(told.results or ()), *told.failures], len(keys))
    if told.of_request and not any(answer is not None and answer.is_failure for answer in answers):
        return told.of_request[0]
    if told.results is not None:
        return answers
    if told.failures:
        others_arrived = not is_multi_status and not told.of_request
        return [answer or EventAnswer(_DELIVERED) for answer in answers] if others_arrived else answers
    return None


def _read(document: Any, keys: Sequence[str | None]) -> _Told:
    events = _Events(keys)
    told = _Told()
    if isinstance(document, list):
        told.results = events.results(document)
    elif isinstance(document, dict):
        top = _plain(document)
        _read_layer(top, events, told)
        for key in _LAYERS:
            if isinstance(top.get(key), dict):
                _read_layer(_plain(top[key]), events, told)
    elif (answer := _bare(document)) is not None and answer.is_failure:
        told.of_request.append(answer)
    return told


def _read_layer(layer: Mapping[str, Any], events: _Events, told: _Told) -> None:
    for key in _HOLDERS:
        if told.results is None and isinstance(layer.get(key), list) and (layer[key] or key != "data"):
            told.results = events.results(layer[key])
        if told.results is None and isinstance(layer.get(key), dict):
            told.results = events.results_by_name(layer[key])
    of_request = _answer({key: value for key, value in layer.items() if key not in _FAILURES})
    if of_request is not None and of_request.is_failure:
        told.of_request.append(EventAnswer(of_request.status, _words(layer)))
    for key in filter(_FAILURES.__contains__, layer):
        for position, answer in events.failures(layer[key]):
            if position is None:
                told.of_request.append(EventAnswer(answer.status, answer.words or _words(layer)))
            else:
                told.failures.append((position, answer))


class _Events:
    """The events of a request: which of them an entry of an answer means."""

    def __init__(self, keys: Sequence[str | None]) -> None:
        self._count = len(keys)
        self._positions: dict[str, int] = {}
        for position, key in enumerate(keys):
            if key is not None:
                self._positions.setdefault(key, position)

    def results(self, entries: Sequence[Any]) -> list[tuple[int, EventAnswer]] | None:
        """Read a list of results; None if it says nothing about any event, such as a list of ids.

        A result belongs to the event in its place only if there is one for each event, and none names its event.
        """
        plains = [_plain(entry) if isinstance(entry, dict) else None for entry in entries]
        named = [None if plain is None else self._position(plain) for plain in plains]
        in_order = len(entries) == self._count and not any(plain is not None and "index" in plain for plain in plains)
        in_order = in_order and all(position is None for position in named)
        told, is_told = [], not entries
        for place, (entry, plain, position) in enumerate(zip(entries, plains, named, strict=True)):
            answer = _answer(plain) if plain is not None else _bare(entry) if in_order else None
            is_told = is_told or answer is not None
            event = place if in_order else position
            if answer is not None and event is not None:
                told.append((event, answer))
        return told if is_told else None

    def results_by_name(self, entries: Mapping[str, Any]) -> list[tuple[int, EventAnswer]] | None:
        """Read results under the ids or indexes of their events; None if there are other keys too."""
        named = self._by_name(entries)
        if named is None:
            return None
        read = [(event, _answer(_plain(entry)) if isinstance(entry, dict) else _bare(entry)) for event, entry in named]
        return [(event, answer) for event, answer in read if answer is not None]

    def _by_name(self, entries: Mapping[str, Any]) -> list[tuple[int, Any]] | None:
        """Return the values under ids or indexes of events, by position; None if there are other keys too."""
        found = [(self._index(key), entry) for key, entry in entries.items()]
        named = [(position, entry) for position, entry in found if position is not None]
        return named if named and len(named) == len(found) else None

    def failures(self, value: Any) -> Iterator[tuple[int | None, EventAnswer]]:
        """Read the value of a key for failures: the position of the event of each; None for one without an event."""
        if isinstance(value, list):
            for entry in value:
                yield from self._failure(entry)
        elif isinstance(value, dict) and (named := self._by_name(value)) is not None:
            yield from ((position, _as_failure(entry)) for position, entry in named)
        elif value:
            yield None, _as_failure(value)

    def _failure(self, entry: Any) -> Iterator[tuple[int | None, EventAnswer]]:
        yield (self._position(_plain(entry)) if isinstance(entry, dict) else None), _as_failure(entry)

    def _position(self, entry: Mapping[str, Any]) -> int | None:
        """Find the event that an entry names, by its index or by its id."""
        if "index" in entry:
            index = entry["index"]
            return index if type(index) is int and 0 <= index < self._count else None
        ids = (str(value) if key in _IDS and type(value) is int else value for key, value in entry.items())
        named = (self._positions.get(name) for name in ids if isinstance(name, str))
        return next((position for position in named if position is not None), None)

    def _index(self, key: str) -> int | None:
        """Find the event that a key means, which is its id, or its index as text."""
        if key not in self._positions and key.isascii() and key.isdigit() and len(key) <= _MOST_INDEX_DIGITS:
            return int(key) if int(key) < self._count else None
        return self._positions.get(key)


def _by_position(told: Iterable[tuple[int, EventAnswer]], count: int) -> EventAnswers:
    """Assign to each event what is said about it; if that is more than one thing, the worst."""
    answers: EventAnswers = [None] * count
    for position, answer in told:
        before = answers[position]
        answers[position] = answer if before is None else max(before, answer, key=_badness)
    return answers


def _badness(answer: EventAnswer) -> tuple[bool, int]:
    return answer.is_failure, answer.status


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Write the keys of an object in one way, however the words of a name are joined."""
    return {_one_word(key): value for key, value in entry.items()}


def _one_word(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "").replace(" ", "")


def _answer(entry: Mapping[str, Any]) -> EventAnswer | None:
    """Read what an object with plain keys says about an event; None if that is nothing."""
    words = _words(entry)
    statuses = [_status(entry.get(key)) for key in _STATUSES]
    flags = [_flag(entry.get(key)) for key in _FLAGS]
    errors = [_REFUSED for key in ("error", "errors") if entry.get(key)]
    told = [EventAnswer(status, words) for status in (*statuses, *flags, *errors) if status is not None]
    return max(told, key=_badness, default=None)


def _bare(value: Any) -> EventAnswer | None:
    """Read an answer that is a word, a code, or true or false."""
    status = _flag(value) if isinstance(value, bool) else _status(value)
    return None if status is None else EventAnswer(status)


def _as_failure(value: Any) -> EventAnswer:
    """Read an item of a list of failures, which is a failure whatever it says."""
    if isinstance(value, dict):
        plain = _plain(value)
        answer, words = _answer(plain), _words(plain)
        return answer if answer is not None and answer.is_failure else EventAnswer(_REFUSED, words)
    return EventAnswer(_REFUSED, value if isinstance(value, str) else "")


def _words(entry: Mapping[str, Any]) -> str:
    """Find words for a person, directly or within an error."""
    for key in _WORDS:
        found = entry.get(key)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            found = next((found[name] for name in ("message", "detail", "reason") if name in found), None)
        if found and isinstance(found, str):
            return found
    return ""


def _flag(value: Any) -> int | None:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    return (_DELIVERED if value else _REFUSED) if isinstance(value, bool) else None


def _status(value: Any) -> int | None:
    if isinstance(value, str):
        word = _one_word(value)
        if word in _GOOD:
            return _DELIVERED
        if word in _BAD:
            return _REFUSED
        value = int(value) if value.isascii() and value.isdigit() and len(value) == len("200") else None
    return value if type(value) is int and value in _CODES else None
