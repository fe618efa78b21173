"""A batch that is being filled: events of one action on their way into one request."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from .batch_group import as_text, payload_text
from .event_reader import EventList
from .payload_list import PayloadList
from .plan import EventBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .compiled_subscription import CompiledSubscription
    from .payload_list import Payload


class OpenBatch:
    """Events that will share a request, of one order shard (`shard`).

    Of the payloads only the JSON is held; `size` is the number of its bytes, written as a list. `count` is the number
    of events.
    """

    __slots__ = (
        "_events",
        "_indexes",
        "_keys",
        "_oldest",
        "_only",
        "_parts",
        "_subscriptions",
        "_tail",
        "_time_field",
        "count",
        "shard",
        "size",
        "subscription",
    )

    def __init__(self, subscription: CompiledSubscription, shard: int | None = None) -> None:
        self.subscription = subscription
        self.shard = shard
        self.size = 1
        self.count = 0
        self._indexes: list[int] = []
        self._events: list[Any] = []
        self._subscriptions: list[str] = []
        self._keys: list[str | None] = []
        self._oldest: str | None = None
        self._time_field = subscription.time_field
        self._only: list[Payload] | None = None
        # The JSON of the payloads, with a comma before each. Texts of single events are joined at once, since hundreds
        # of small ones cost more to keep than to write.
        self._parts: list[bytes | bytearray | memoryview] = []
        self._tail = bytearray()

    def add(self, index: int, kept: Any, payload: Payload, text: bytes, subscription: CompiledSubscription) -> None:
        """Add an event; `kept` is the event as it came, and `text` the JSON of its payload."""
        self.count += 1
        self._indexes.append(index)
        self._events.append(kept)
        self._subscriptions.append(subscription.name)
        self._only = None if self.count > 1 else [payload]
        action = self.subscription.action
        self._keys.append(payload_text(payload, action.idempotency_field))
        if self._time_field is not None:
            self._note_times([payload.get(self._time_field)])
        self._tail += b","
        self._tail += text
        self.size += len(text) + 1

    def add_run(
        self,
        indexes: Sequence[int],
        kept: Sequence[Any],
        payloads: Sequence[Payload],
        text: bytes,
        subscription: CompiledSubscription,
    ) -> None:
        """Add several events of one subscription; `text` is the JSON list of their payloads."""
        self.count += len(indexes)
        self._indexes.extend(indexes)
        self._events.extend(kept)
        self._subscriptions.extend(repeat(subscription.name, len(payloads)))
        self._note(payloads)
        self._tail += b","
        self._parts += (self._tail, memoryview(text)[1:-1])
        self._tail = bytearray()
        self.size += len(text) - 1

    def _note(self, payloads: Sequence[Payload]) -> None:
        """Keep what is needed of payloads that are JSON from now on; a single payload is needed whole."""
        self._only = [*payloads] if self.count == 1 else None
        action = self.subscription.action
        self._keys.extend(_texts_of(payloads, action.idempotency_field))
        if self._time_field is not None:
            self._note_times([payload.get(self._time_field) for payload in payloads])

    def _note_times(self, times: Sequence[Any]) -> None:
        texts = times if set(map(type, times)) == {str} else [time for time in times if isinstance(time, str)]
        if texts:
            oldest = min(texts)
            self._oldest = oldest if self._oldest is None else min(self._oldest, oldest)

    def closed(self) -> EventBatch:
        """Return the batch; nothing can be added any more."""
        first, *others = (*self._parts, self._tail)
        text = b"".join((b"[", memoryview(first)[1:], *others, b"]"))
        return EventBatch(
            self.subscription.action_key,
            PayloadList(text, self.count, self._only),
            EventList(self._events),
            tuple(self._indexes),
            tuple(self._subscriptions),
            tuple(self._keys),
            self.shard,
            self._oldest,
        )


def _texts_of(payloads: Sequence[Payload], field: str | None) -> Sequence[str | None]:
    """Return a field of each payload as text; None if a payload does not have it."""
    values = [payload.get(field) for payload in payloads] if field is not None else [None] * len(payloads)
    return values if set(map(type, values)) == {str} else [*map(as_text, values)]
