"""Batches as Segment's SDKs post them: `{"batch": [event, …], "sentAt": …}`."""

from __future__ import annotations

from typing import TypeGuard

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .contract import MOST_ITEMS
from .event_splitting import MAX_BATCH_BYTES

_MARK = b'"batch"'
_NULL = b"null"
_NO_FLAGS = (b"null", b"{}", b"[]")
_TYPES = (b'"batch"', b"null")
"""What the type of a batch may be; most have none."""


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
    """Return the events of a batch, or None if the text is no batch.

    The batch's own `context` and `integrations` are merged with those of each event, as in Segment's HTTP API. Where
    both have a value, the event's own counts. Raises EnvelopeError.
    """
    if _MARK not in text:
        return None
    try:
        envelope = _read_envelope(text)
        is_batch = envelope.batch is not UNSET and bytes(envelope.batch).startswith(b"[")
        if not is_batch or (envelope.type is not UNSET and bytes(envelope.type) not in _TYPES):
            return None
        items = _read_items(bytes(envelope.batch)) if envelope.batch is not UNSET else []
        outer = {}
        if _is_filled_object(envelope.context):
            outer["context"] = envelope.context
        # Flags that nobody can read must not be left out: they may keep the events away.
        if envelope.integrations is not UNSET and bytes(envelope.integrations) not in _NO_FLAGS:
            outer["integrations"] = envelope.integrations
        _check_size(text, items, sum(len(bytes(value)) for value in outer.values()))
        return [_with(outer, item) for item in items]
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        # It is not JSON, so whoever reads events says what is wrong with it.
        return None


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
    for name, value in outer.items():
        own = event.get(name)
        event[name] = value if own is None or bytes(own) == _NULL else _merged(value, own)
    return _to_json(event)


def _merged(outer: Raw, own: Raw) -> Raw:
    """Return both values as one. Members are merged one by one, as raw text, so that no number changes."""
    if not (bytes(outer).startswith(b"{") and bytes(own).startswith(b"{")):
        return own
    members, own_members = _read_members(outer), _read_members(own)
    for name, value in own_members.items():
        members[name] = _merged(members[name], value) if name in members else value
    return Raw(_to_json(members))
