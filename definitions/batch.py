"""A batch: events of one action on their way into one request."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from .compiled_subscription import call_author
from .definition import BatchData, EventData
from .errors import RejectedError
from .obstacles import NO_CODE
from .plan import PlannedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from .compiled_subscription import CompiledSubscription
    from .definition import Exchange, Payload
    from .request import RequestBuilder


class Batch:
    """Events that share a request, as columns: lists of equal length, one entry an event.

    `size` is the number of bytes of a JSON list of the payloads. `subscription` is that of the first event;
    the others share its action.
    """

    __slots__ = ("events", "indexes", "keys", "names", "payloads", "size", "subscription", "texts")

    def __init__(self, subscription: CompiledSubscription) -> None:
        self.subscription = subscription
        self.indexes: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.payloads: list[Payload] = []
        self.texts: list[bytes] = []
        self.keys: list[str | None] = []
        self.size = 1

    def add(
        self, index: int, event: dict[str, Any], *, name: str, payload: Payload, text: bytes, key: str | None
    ) -> None:
        """Take one more event, under the subscription of that name."""
        self.indexes.append(index)
        self.events.append(event)
        self.names.append(name)
        self.payloads.append(payload)
        self.texts.append(text)
        self.keys.append(key)
        self.size += len(text) + 1

    def halves(self) -> Iterator[Batch]:
        """Cut the batch in two, in order."""
        middle = len(self.indexes) // 2
        for part in (slice(middle), slice(middle, None)):
            half = Batch(self.subscription)
            half.indexes, half.events, half.names = self.indexes[part], self.events[part], self.names[part]
            half.payloads, half.texts, half.keys = self.payloads[part], self.texts[part], self.keys[part]
            half.size += sum(len(text) + 1 for text in half.texts)
            yield half

    def build(self, request: RequestBuilder) -> tuple[httpx.Request, Exchange | None]:
        """Let the action build the request. Raises RejectedError when it fails on these events."""
        action, settings = self.subscription.action, self.subscription.settings
        if len(self.payloads) == 1 or action.perform_batch is None:
            builder = request.carrying(self.payloads[0], self.texts[0])
            return _start(action.perform, builder, EventData(self.payloads[0], settings, self.events[0]))
        builder = request.carrying(self.payloads, b"[%b]" % b",".join(self.texts))
        return _start(action.perform_batch, builder, BatchData(self.payloads, settings, self.events))

    def planned(self, request: httpx.Request, exchange: Exchange | None) -> PlannedRequest:
        """Give the request together with what it carries."""
        return PlannedRequest(
            request,
            tuple(self.indexes),
            tuple(self.events),
            self.subscription.action_key,
            tuple(self.names),
            tuple(self.keys),
            exchange,
        )


def _start(
    perform: Callable[..., Any] | None, builder: RequestBuilder, data: EventData | BatchData
) -> tuple[httpx.Request, Exchange | None]:
    if perform is None:
        raise RejectedError.of([NO_CODE])
    made = call_author(perform, builder, data)
    if isinstance(made, Generator):
        return call_author(next, made), made
    return made, None
