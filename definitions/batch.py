"""A batch: events of one action on their way into one request."""

from __future__ import annotations

from collections.abc import Generator
from itertools import repeat
from typing import TYPE_CHECKING, Any

from .compiled_subscription import call_author
from .definition import BatchData, EventData
from .errors import RejectedError
from .event_reader import EventList
from .javascript import to_string
from .obstacles import NO_CODE
from .payload_list import PayloadList
from .plan import PlannedRequest
from .request import encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from .compiled_subscription import CompiledSubscription
    from .definition import Exchange, Payload
    from .request import RequestBuilder


class Batch:
    """Events that share a request, as columns: lists of equal length, one entry an event.

    `kept` holds the events as they came, `keys` the ids by which the destination discards duplicates; the subscriptions
    share one action. Of the payloads only the JSON is held, of which `size` is the number of bytes as a list.
    """

    __slots__ = ("_only", "_parts", "_tail", "indexes", "kept", "keys", "size", "subscriptions")

    def __init__(self) -> None:
        self.indexes: list[int] = []
        self.kept: list[Any] = []
        self.keys: list[str | None] = []
        self.subscriptions: list[CompiledSubscription] = []
        self.size = 1
        # The JSON of the payloads, with a comma before each. Texts of single events are joined at once, since hundreds
        # of small ones cost more to keep than to write.
        self._parts: list[bytes | bytearray | memoryview] = []
        self._tail = bytearray()
        self._only: Payload | None = None

    def __len__(self) -> int:
        """Count the events."""
        return len(self.indexes)

    def add(self, index: int, kept: Any, payload: Payload, text: bytes, subscription: CompiledSubscription) -> None:
        """Take one more event; `text` is the JSON of its payload."""
        self._only = None if self.indexes else payload
        self.indexes.append(index)
        self.kept.append(kept)
        self.keys.append(idempotency_key(payload, subscription.action.idempotency_field))
        self.subscriptions.append(subscription)
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
        """Take several events of one subscription; `text` is the JSON list of their payloads."""
        self._only = None if self.indexes or len(payloads) > 1 else payloads[0]
        self.indexes.extend(indexes)
        self.kept.extend(kept)
        self.keys.extend(_idempotency_keys(payloads, subscription.action.idempotency_field))
        self.subscriptions.extend(repeat(subscription, len(payloads)))
        self._tail += b","
        self._parts += (self._tail, memoryview(text)[1:-1])
        self._tail = bytearray()
        self.size += len(text) - 1

    def _payloads(self) -> PayloadList:
        first, *others = (*self._parts, self._tail)
        return PayloadList(b"".join((b"[", memoryview(first)[1:], *others, b"]")), len(self))

    def halves(self) -> tuple[Batch, Batch]:
        """Cut the batch in two, in order."""
        middle = len(self) // 2
        halves = Batch(), Batch()
        columns = zip(self.indexes, self.kept, self._payloads(), self.subscriptions, strict=True)
        for position, (index, kept, payload, subscription) in enumerate(columns):
            halves[position >= middle].add(index, kept, payload, encode_json(payload), subscription)
        return halves

    def planned(self, request: RequestBuilder) -> PlannedRequest:
        """Let the action build the request. Raises RejectedError when it fails on these events."""
        subscription, events = self.subscriptions[0], EventList(self.kept)
        action, settings = subscription.action, subscription.settings
        if self._only is not None:
            built, exchange = _start(action.perform, request, EventData(self._only, settings, self.kept[0]))
        else:
            built, exchange = _start(action.perform_batch, request, BatchData(self._payloads(), settings, events))
        return PlannedRequest(
            built,
            tuple(self.indexes),
            events,
            subscription.action_key,
            tuple([subscription.name for subscription in self.subscriptions]),
            tuple(self.keys),
            exchange,
        )


def _idempotency_keys(payloads: Sequence[Payload], field: str | None) -> Sequence[str | None]:
    values = [payload.get(field) for payload in payloads] if field is not None else [None] * len(payloads)
    return values if set(map(type, values)) == {str} else [*map(_as_key, values)]


def idempotency_key(payload: Payload, field: str | None) -> str | None:
    """Give the id by which the destination discards what it already has; None where there is none."""
    return _as_key(payload.get(field)) if field is not None else None


def _as_key(value: Any) -> str | None:
    return value if value is None or type(value) is str else to_string(value)


def _start(
    perform: Callable[..., Any] | None, builder: RequestBuilder, data: EventData | BatchData
) -> tuple[httpx.Request, Exchange | None]:
    if perform is None:
        raise RejectedError.of([NO_CODE])
    made = call_author(perform, builder, data)
    if isinstance(made, Generator):
        return call_author(next, made), made
    return made, None
