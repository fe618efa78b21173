"""Messages of Kafka as events: a value is an event, or a batch as an SDK posts it; headers are context."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from ..contract import Unreadable
from ..envelopes import EnvelopeError, add_outer, events_of
from ..event_splitting import MAX_EVENT_BYTES, TOO_LONG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .accounts import AccountFilter

_MOST_HEADERS = 32
_HEADER_BYTES = 1024

Headers = "Sequence[tuple[str, str | bytes | None]] | None"
_to_json = msgspec.json.Encoder().encode
_read_members = msgspec.json.Decoder(dict[str, Raw]).decode


@dataclass(slots=True)
class Values:
    """The events of some messages, the offset of each, and texts that are not events. `tombstones` had no value."""

    texts: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    tombstones: int = 0
    accounts: AccountFilter | None = None

    def add(self, offset: int, value: bytes | None, headers: Sequence[tuple[str, str | bytes | None]] | None) -> None:
        """Add a message. One that holds no event, or cannot be read, stops nobody."""
        if value is None:
            self.tombstones += 1
            return
        if self.accounts is not None and (is_ours := self.accounts.takes(headers)) is not True:
            if is_ours:
                self.unreadable.append(Unreadable(offset, is_ours, value[:MAX_EVENT_BYTES]))
            return
        try:
            found = events_of(value)
        except EnvelopeError as error:
            self.unreadable.append(Unreadable(offset, str(error), value))
            return
        if found is None and len(value) > MAX_EVENT_BYTES:
            self.unreadable.append(Unreadable(offset, TOO_LONG, value[:MAX_EVENT_BYTES]))
            return
        events = [value] if found is None else found
        if headers and (context := _context(headers)) is not None:
            events = [_with(context, event) for event in events]
        self.texts += events
        self.places += [offset] * len(events)


def _context(headers: Sequence[tuple[str, str | bytes | None]]) -> Raw | None:
    """Return headers as `{"kafka": {"headers": …}}`; of several with one name the last counts. None without any.

    What is not text is left out, and so is what is long: events carry them from here on.
    """
    texts: dict[str, str] = {}
    for name, value in headers[:_MOST_HEADERS]:
        content = value.encode() if isinstance(value, str) else value
        if content is None or len(content) > _HEADER_BYTES or len(name) > _HEADER_BYTES:
            continue
        try:
            texts[name] = content.decode()
        except UnicodeDecodeError:
            continue
    return Raw(_to_json({"kafka": {"headers": texts}})) if texts else None


def _with(context: Raw, event: bytes) -> bytes:
    """Return an event with more context. What the event says itself wins; anything but an object stays as it is."""
    try:
        members = _read_members(event)
        add_outer(members, {"context": context})
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return event
    return _to_json(members)
