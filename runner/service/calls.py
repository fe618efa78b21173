"""Calls of Segment's HTTP Tracking API: a body becomes the events in it, completed as Segment completes them.

Source: Segment's HTTP Tracking API, and what its SDKs send. Pure: the moment is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
from msgspec import Raw

from ..sources.contract import Unreadable
from ..sources.envelopes import add_outer
from .answers import AnswerError
from .lenient_json import LenientObject, Members, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .operations import Schema

LONGEST_SKEW = timedelta(hours=1)
"""A larger difference between `sentAt` and now is not a wrong clock: mobile SDKs send stored batches days later."""

MOST_EVENTS = 10_000
"""Segment's SDKs send 250 at most. A body could hold a million of the smallest, `{}`, each with what is added to it."""

_MOST_OUTER = 16
"""With its context, a batch may take so many times the bytes that it may have itself."""

_NOTHING = (b"null", b"{}", b"[]", b'""')

# What the readers below take for an event, for the OpenAPI document. They check only that it is an object: a
# member of a wrong type makes a dead letter of its event, and no error of the call.
EVENT: Schema = {
    "type": "object",
    "description": "An event as Segment's Spec has it. Other members are kept.",
    "properties": {
        "type": {"description": "`track`, `identify`, `page`, `screen`, `group` or `alias`."},
        "messageId": {"description": "Identifies the event: what comes again under the same ID is a duplicate."},
        "userId": {"description": "The user whose event it is."},
        "anonymousId": {"description": "A visitor whose user is not known."},
        "event": {"description": "The name of the event, of `track`."},
        "properties": {"description": "Of `track`, `page` and `screen`."},
        "traits": {"description": "Of `identify` and `group`."},
        "groupId": {"description": "Of `group`."},
        "previousId": {"description": "Of `alias`."},
        "name": {"description": "Of `page` and `screen`."},
        "timestamp": {"description": "When it happened, in ISO 8601."},
        "originalTimestamp": {"description": "When it happened, by the clock of the device."},
        "sentAt": {"description": "When it was sent, by the clock of the device."},
        "context": {"description": "About the device, the page, the library."},
        "integrations": {"description": "Which destinations the event is for."},
        "writeKey": {"description": "The write key, if it is not in the Authorization header."},
    },
}
BATCH: Schema = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": {}, "description": "Events. Any other value becomes a dead letter, alone."},
        "context": {"description": "Added to each event."},
        "integrations": {"description": "Added to each event."},
        "sentAt": {"description": "When the batch was sent, by the clock of the device."},
        "writeKey": {"description": "The write key, if it is not in the Authorization header."},
    },
}

_read_members = msgspec.json.Decoder(Members).decode
_read_batch = msgspec.json.Decoder(list[Members]).decode
_read_items = msgspec.json.Decoder(list[Raw]).decode
_read_text = msgspec.json.Decoder(str).decode
_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class CallRules:
    """How much a call may hold, and whether its events must have IDs."""

    event_bytes: int
    batch_bytes: int
    require_message_id: bool = False


@dataclass(slots=True)
class Call:
    """The events of one request.

    `write_key` is that of the envelope, or of a single event; `event_keys` has those that the events name
    themselves. Places count from 1.
    """

    write_key: str | None = None
    texts: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    event_keys: set[str] = field(default_factory=set)
    unreadable: list[Unreadable] = field(default_factory=list)


def read_single(body: bytes, kind: str, received: datetime, rules: CallRules) -> Call:
    """Return the event of a call to an endpoint for one `kind` of event. Raises AnswerError."""
    found = _object(body)
    members = found.members
    call = Call(write_key_of(members))
    members["type"] = Raw(_to_json(kind))
    completing = _Completing(call, found, received, rules, size=len(body), sent=sent_at(members))
    completing.add(1, members, len(body))
    return call


def read_batch(body: bytes, received: datetime, rules: CallRules) -> Call:
    """Return the events of a batch. Raises AnswerError if it is none."""
    found = _object(body)
    envelope = found.members
    batch = envelope.get("batch")
    if batch is None or not bytes(batch).startswith(b"["):
        raise AnswerError(400, "invalid_batch", 'The body should have a list of events: {"batch": [...]}.')
    outer = {name: envelope[name] for name in ("context", "integrations") if _is_filled(envelope.get(name))}
    call = Call(write_key_of(envelope))
    completing = _Completing(call, found, received, rules, size=len(body), sent=sent_at(envelope), outer=outer)
    items = _events(batch)
    if len(items) > MOST_EVENTS:
        raise too_many_events()
    extra = sum(len(bytes(value)) for value in outer.values())
    if extra * len(items) > _MOST_OUTER * rules.batch_bytes:
        raise AnswerError(400, "too_large", "The context of the batch, added to each of its events, is too large.")
    for place, item in enumerate(items, start=1):
        if isinstance(item, Raw):
            completing.refuse(place, item)
        else:
            completing.add(place, item)
    return call


def too_many_events() -> AnswerError:
    """Return the answer to a request with too many events."""
    return AnswerError(400, "too_large", f"The request has more than {MOST_EVENTS:,} events; send fewer.")


def write_key_of(members: Mapping[str, Raw]) -> str | None:
    """Return the write key that an envelope or an event names."""
    return _text(members.get("writeKey")) or None


def sent_at(members: Mapping[str, Raw]) -> datetime | None:
    """Return when an envelope or an event was sent; None if it does not say so, or not as a date."""
    return moment(_text(members.get("sentAt")))


def moment(text: str | None) -> datetime | None:
    """Return the moment of an ISO 8601 date and time, in UTC; None for anything else."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written(found: datetime) -> str:
    """Return a moment as Segment writes it: in UTC, with milliseconds and a `Z`."""
    return f"{found.isoformat(timespec='milliseconds')[:23]}Z"


class _Completing:
    """Adds events to a call, each with what Segment would add."""

    def __init__(
        self,
        call: Call,
        found: LenientObject,
        received: datetime,
        rules: CallRules,
        *,
        size: int,
        sent: datetime | None,
        outer: Mapping[str, Raw] | None = None,
    ) -> None:
        self._call = call
        self._found = found
        self._rules = rules
        self._received = received
        self._received_text = _time(received)
        self._has_sent = sent is not None
        self._skew = self._skew_of(sent)
        # No event is larger than all of them together.
        self._may_be_large = size > rules.event_bytes
        self._outer = outer or {}

    def add(self, place: int, members: Members, size: int = 0) -> None:
        """Add an event to the call; reject it alone if it is too large, or lacks an ID that it must have."""
        call, rules = self._call, self._rules
        if "writeKey" in members:
            key = _text(members.pop("writeKey"))
            if key:
                call.event_keys.add(key)
        if self._may_be_large and (size or _size(members)) > rules.event_bytes:
            # It is kept whole, so it can be replayed.
            return self._reject(place, members, f"the event has more than {rules.event_bytes:,} bytes")
        if self._outer:
            add_outer(members, self._outer)
        if _is_blank(members.get("messageId")):
            if rules.require_message_id:
                message = "messageId is missing, and requireMessageId is set: a retry would be billed twice"
                return self._reject(place, members, message)
            members["messageId"] = Raw(_to_json(str(uuid4())))
        self._complete_times(members)
        call.texts.append(self._found.restored(_to_json(members)))
        call.places.append(place)
        return None

    def refuse(self, place: int, value: Raw) -> None:
        """Note a value in the place of an event."""
        text = self._found.restored(bytes(value))
        self._call.unreadable.append(Unreadable(place, "the event is not a JSON object", text))

    def _reject(self, place: int, members: Members, message: str) -> None:
        text = self._found.restored(_to_json(members))
        self._call.unreadable.append(Unreadable(place, message, text, is_event=True))

    def _complete_times(self, members: Members) -> None:
        """Fill in the times that are missing, and correct `timestamp` for the clock of the device.

        A timestamp beside an original one was corrected before, by Segment itself for instance.
        """
        if bytes(members.get("receivedAt", b"null")) in _NOTHING:
            members["receivedAt"] = self._received_text
        told, original = members.get("timestamp"), members.get("originalTimestamp")
        has_told = told is not None and bytes(told) not in _NOTHING
        has_original = original is not None and bytes(original) not in _NOTHING
        if has_told and has_original:
            return
        if not has_told and not has_original:
            # Equal times show that the sender has none: a retry, which gets others, is known as one by that.
            members["timestamp"] = members["originalTimestamp"] = members["receivedAt"] = self._received_text
            return
        known = told if has_told else original
        assert known is not None  # noqa: S101 - one of them is there
        members["originalTimestamp"] = known
        skew = self._skew if self._has_sent or "sentAt" not in members else self._skew_of(sent_at(members))
        members["timestamp"] = known if skew is None else _corrected(known, skew)

    def _skew_of(self, sent: datetime | None) -> timedelta | None:
        """Return by how much the clock of a device is behind; None if nothing is to be corrected."""
        if sent is None or abs(self._received - sent) > LONGEST_SKEW:
            return None
        return self._received - sent


def _corrected(known: Raw, skew: timedelta) -> Raw:
    """Return a time of the device's clock as one of this machine's.

    Source: Segment's rule, timestamp = receivedAt - (sentAt - originalTimestamp).
    """
    original = moment(_text(known))
    if original is None:
        return known
    try:
        return _time(original + skew)
    except OverflowError:
        return known


def _time(found: datetime) -> Raw:
    """Return a moment as JSON."""
    return Raw(f'"{written(found)}"'.encode("ascii"))


def _size(members: Members) -> int:
    """Return about how many bytes an event has."""
    return sum([len(name) + len(bytes(value)) for name, value in members.items()])


def _object(body: bytes) -> LenientObject:
    """Return a JSON object. Raises AnswerError."""
    try:
        return read_object(body)
    except RecursionError:
        raise AnswerError(400, "invalid_json", "The JSON is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AnswerError(400, "invalid_json", f"The body is not a JSON object: {error}.") from None


def _events(batch: Raw) -> Sequence[Members | Raw]:
    """Return the members of each event of a batch; other values stay as they are."""
    try:
        return _read_batch(batch)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [_members_of(item) for item in _read_items(batch)]


def _members_of(item: Raw) -> Members | Raw:
    """Return the members of an object; anything else as it is, also an object whose names are not UTF-8."""
    try:
        return _read_members(item) if bytes(item).startswith(b"{") else item
    except (msgspec.DecodeError, UnicodeDecodeError):
        return item


def _is_filled(value: Raw | None) -> bool:
    return value is not None and bytes(value) not in _NOTHING


def _is_blank(value: Raw | None) -> bool:
    """Return whether a value is missing, null or blank text."""
    if value is None or (told := bytes(value)) == b"null":
        return True
    if told[1:2] > b" ":
        # An escape may be a blank.
        return told[1:2] in b'"\\' and _is_blank_text(value)
    return _is_blank_text(value)


def _is_blank_text(value: Raw) -> bool:
    text = _text(value)
    return text is not None and not text.strip()


def _text(value: Raw | None) -> str | None:
    """Return a JSON string; None for anything else."""
    if value is None or not bytes(value).startswith(b'"'):
        return None
    try:
        return _read_text(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
