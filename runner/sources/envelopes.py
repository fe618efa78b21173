"""Batches as Segment's SDKs post them: `{"batch": [event, …], "sentAt": …}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .contract import MOST_ITEMS
from .event_splitting import MAX_BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = b'"batch"'
_NULL = b"null"
_NO_FLAGS = (b"null", b"{}", b"[]")
_MOST_LEVELS = 8
"""How deep a context is merged. Segment's SDKs nest theirs two levels deep."""
_TYPES = (b'"batch"', b"null")
"""What the type of a batch may be; most have none."""
# Segment's library for Python writes NaN and Infinity, which are not JSON. A string without an end is matched whole:
# otherwise each quotation mark in it would be tried, in quadratic time.
_NO_NUMBER_OR_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|(?P<word>NaN|Infinity)', re.DOTALL)


class EnvelopeError(Exception):
    """A batch cannot be divided into its events. The message says why."""


class _Envelope(msgspec.Struct):
    """The parts of a batch that matter. An event has a type; a batch has none."""

    batch: Raw | UnsetType = UNSET
    type: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_items = msgspec.json.Decoder(list[Raw]).decode
_read_members = msgspec.json.Decoder(dict[str, Raw]).decode
_to_json = msgspec.json.Encoder().encode


def events_of(text: bytes) -> list[bytes] | None:
    """Return the events of a batch, or None if the text is not a batch.

    The batch's own `context` and `integrations` are merged with those of each event, as in Segment's HTTP API. Where
    both have a value, the event's own counts. Raises EnvelopeError.
    """
    if _MARK not in text:
        return None
    try:
        return _divided(text, text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        pass
    readable = _NO_NUMBER_OR_TEXT.sub(_same_length, text)
    if readable == text:
        # It is not JSON, so the reader of events says what is wrong with it.
        return None
    try:
        return _divided(readable, text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _divided(readable: bytes, text: bytes) -> list[bytes] | None:
    """Return the events of a batch. `readable` is its text with numbers in place of what is not a JSON number.

    An event that is not the same in both is returned as it is in the text: it alone cannot be read.
    """
    envelope = _read_envelope(readable)
    if envelope.batch is UNSET or not bytes(envelope.batch).startswith(b"["):
        return None
    if envelope.type is not UNSET and bytes(envelope.type) not in _TYPES:
        return None
    items, outer = _read_items(envelope.batch), {}
    if _is_filled_object(envelope.context):
        outer["context"] = envelope.context
    # Flags that nobody can read must not be left out: they may keep the events away.
    if envelope.integrations is not UNSET and bytes(envelope.integrations) not in _NO_FLAGS:
        outer["integrations"] = envelope.integrations
    if any(bytes(value) not in text for value in outer.values()):
        return None
    _check_size(text, items, sum(len(bytes(value)) for value in outer.values()))
    if readable is text:
        return [_with(outer, item) for item in items]
    events, end = [], readable.find(bytes(envelope.batch))
    for item in items:
        start = readable.find(bytes(item), end)
        end = start + len(bytes(item))
        own = text[start:end]
        events.append(_with(outer, item) if own == bytes(item) else own)
    return events


def _same_length(found: re.Match[bytes]) -> bytes:
    """Return a number of the same length for `NaN` or `Infinity`, so all else stays in its place."""
    word = found["word"]
    return found[0] if word is None else b"1" * len(word)


def _is_filled_object(value: Raw | UnsetType) -> TypeGuard[Raw]:
    return value is not UNSET and bytes(value).startswith(b"{") and bool(_read_members(value))


def _check_size(text: bytes, items: list[Raw], outer: int) -> None:
    if len(items) >= MOST_ITEMS:
        raise EnvelopeError(f"the batch has {len(items):,} events, and the most is {MOST_ITEMS - 1:,}")
    # Otherwise a few megabytes of small events and one large context would make terabytes.
    if len(text) + outer * len(items) > MAX_BATCH_BYTES:
        raise EnvelopeError(
            f"with the context of the batch, its {len(items):,} events make more than {MAX_BATCH_BYTES:,} bytes"
        )


def _with(outer: dict[str, Raw], item: Raw) -> bytes:
    text = bytes(item)
    if not outer or not text.startswith(b"{"):
        return text
    event = _read_members(item)
    add_outer(event, outer)
    return _to_json(event)


def add_outer(event: dict[str, Raw], outer: Mapping[str, Raw]) -> None:
    """Add to the members of an event those that a batch has for all of its events; what the event says itself wins."""
    for name, value in outer.items():
        own = event.get(name)
        event[name] = value if own is None or bytes(own) == _NULL else _merged(value, own)


def _merged(outer: Raw, own: Raw, depth: int = 1) -> Raw:
    """Return both values as one. Members are merged one by one, as raw text, so no number changes.

    Below a certain depth the event's own value counts: each level reads the text again.
    """
    if depth > _MOST_LEVELS or not (bytes(outer).startswith(b"{") and bytes(own).startswith(b"{")):
        return own
    members, own_members = _read_members(outer), _read_members(own)
    for name, value in own_members.items():
        members[name] = _merged(members[name], value, depth + 1) if name in members else value
    return Raw(_to_json(members))
