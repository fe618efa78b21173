"""The planner: fed with events, it fills batches and gives requests; flushed, it gives what is left."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from .batch import Batch
from .errors import Problem, RejectedError
from .integrations import turned_away
from .javascript import to_string, type_name
from .plan import Outcome, Plan, PlannedRequest, SkipReason
from .request import encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .compiled_subscription import CompiledSubscription
    from .definition import BatchLimits, Payload
    from .request import RequestBuilder

CALL_TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias", "delete"})
"""The types of Segment's events (Segment Spec)."""

_MAX_OPEN_BATCHES = 256


class Planner:
    """Turns a stream of events into requests. It keeps what does not fill a batch yet until it is flushed.

    Which events share a request depends on the events and their order alone, never on time.
    """

    def __init__(
        self,
        name: str,
        subscriptions: tuple[CompiledSubscription, ...],
        request: RequestBuilder,
        *,
        max_events: int | None = None,
    ) -> None:
        self._name = name
        self._subscriptions = subscriptions
        self._request = request
        self._max_events = max_events
        self._count = itertools.count()
        self._open: dict[tuple[Any, ...], Batch] = {}
        self._turned_down: list[Outcome] = []
        self._requests: list[PlannedRequest] = []

    def feed(self, events: Iterable[Any], indexes: Iterable[int] | None = None) -> Plan:
        """Take events; give the outcomes that are known by now and the requests that are full.

        `indexes` are the caller's own numbers of the events; without them the planner counts from 0.
        The events of an open batch have no outcome yet: they get theirs when the batch closes.
        """
        for event, index in zip(events, self._count if indexes is None else indexes, strict=False):
            if type(event) is dict:
                try:
                    self._take(index, event)
                except RejectedError as error:
                    self._turned_down.append(Outcome(index, "rejected", error=error, event=event))
            else:
                problem = Problem("", f"an event is an object, but this is {type_name(event)}")
                self._turned_down.append(Outcome(index, "rejected", error=RejectedError.of([problem]), event=event))
        return self._hand_over()

    def flush(self) -> Plan:
        """Close every open batch and give what it held."""
        while self._open:
            self._close(next(iter(self._open)))
        return self._hand_over()

    def _hand_over(self) -> Plan:
        plan = Plan(tuple(self._turned_down), tuple(self._requests))
        self._turned_down, self._requests = [], []
        return plan

    def _take(self, index: int, event: dict[str, Any]) -> None:
        if event.get("integrations"):
            refusal = turned_away(event, self._name)
            if refusal is not None:
                self._turned_down.append(Outcome(index, "skipped", reason="integrations", detail=refusal))
                return
        wanted = [subscription for subscription in self._subscriptions if subscription.matches(event)]
        if not wanted:
            reason, detail = _why_unwanted(event)
            self._turned_down.append(Outcome(index, "skipped", reason=reason, detail=detail))
        elif len(wanted) == 1:
            self._subscribe(index, event, wanted[0], None)
        else:
            taken: dict[str, CompiledSubscription] = {}
            for subscription in wanted:
                self._subscribe(index, event, subscription, taken)

    def _subscribe(
        self,
        index: int,
        event: dict[str, Any],
        subscription: CompiledSubscription,
        taken: dict[str, CompiledSubscription] | None,
    ) -> None:
        try:
            payload = subscription.payload(event)
            if subscription.obstacles:
                raise RejectedError.of(subscription.obstacles)
            text = encode_json(payload)
            limits = subscription.limits
            if limits is not None and len(text) > limits.bytes:
                raise RejectedError.of([_too_large("the event alone makes", len(text), limits)])
            key = _idempotency_key(payload, subscription.idempotency_field)
            if taken is not None and key is not None:
                _check_idempotency(self._name, key, subscription, taken)
        except RejectedError as error:
            self._turned_down.append(subscription.outcome(index, event, error))
            return
        if limits is None:
            batch = Batch(subscription)
            batch.add(index, event, name=subscription.name, payload=payload, text=text, key=key)
            self._send(batch)
            return
        group = _group(subscription, payload)
        batch = self._room_for(len(text), group, subscription)
        batch.add(index, event, name=subscription.name, payload=payload, text=text, key=key)
        if len(self._open[group].indexes) >= self._most(limits):
            self._close(group)

    def _room_for(self, size: int, group: tuple[Any, ...], subscription: CompiledSubscription) -> Batch:
        """Give the open batch of a group; one that cannot take so many bytes more is closed, and a new one opened."""
        batch = self._open.get(group)
        limits = subscription.limits
        if batch is not None and limits is not None and batch.size + 1 + size > limits.bytes:
            self._close(group)
            batch = None
        if batch is None:
            if len(self._open) >= _MAX_OPEN_BATCHES:
                self._close(next(iter(self._open)))
            batch = self._open[group] = Batch(subscription)
        return batch

    def _most(self, limits: BatchLimits) -> int:
        return limits.events if self._max_events is None else min(limits.events, self._max_events)

    def _close(self, group: tuple[Any, ...]) -> None:
        self._send(self._open.pop(group))

    def _send(self, batch: Batch) -> None:
        """Build the request of a batch; where its events fail together, build it for fewer of them."""
        limits = batch.subscription.limits
        try:
            request, exchange = batch.build(self._request)
            if limits is not None and len(request.content) > limits.bytes:
                raise RejectedError.of([_too_large("the body is", len(request.content), limits)])
        except RejectedError as error:
            if len(batch.indexes) == 1:
                self._turned_down.append(batch.subscription.outcome(batch.indexes[0], batch.events[0], error))
                return
            for half in batch.halves():
                self._send(half)
            return
        self._requests.append(batch.planned(request, exchange))


def _group(subscription: CompiledSubscription, payload: Payload) -> tuple[Any, ...]:
    """Name the batch that an event belongs to: by its action, and by the values of the action's batch keys."""
    if not subscription.batch_keys:
        return (subscription.action_key,)
    return (subscription.action_key, *(encode_json(payload.get(name)) for name in subscription.batch_keys))


def _too_large(what: str, size: int, limits: BatchLimits) -> Problem:
    return Problem("", f"{what} {size:,} bytes, but one request may carry {limits.bytes:,}")


def _idempotency_key(payload: Payload, field: str | None) -> str | None:
    value = payload.get(field) if field is not None else None
    return value if value is None or type(value) is str else to_string(value)


def _check_idempotency(
    name: str, key: str, subscription: CompiledSubscription, taken: dict[str, CompiledSubscription]
) -> None:
    first = taken.setdefault(key, subscription)
    if first is subscription:
        return
    field = subscription.idempotency_field or ""
    consequence = f"so {name} would discard this one as a duplicate"
    remedy = f"map {field} so that it differs, or make the triggers exclude each other"
    used = f'"{key}" is already used for this event by the subscription "{first.name}"'
    raise RejectedError.of([Problem(field, f"{used}, {consequence}; {remedy}")])


def _why_unwanted(event: Mapping[str, Any]) -> tuple[SkipReason, str]:
    kind = event.get("type")
    if isinstance(kind, str) and kind in CALL_TYPES:
        return "not_subscribed", f"no subscription wants this {kind} event"
    if kind is None:
        return "unknown_type", 'it has no "type", and no subscription wants it'
    shown = f'"{kind[:40]}"' if isinstance(kind, str) else type_name(kind)
    known = ", ".join(sorted(CALL_TYPES))
    return "unknown_type", f"its type is {shown}, which is none of Segment's ({known}), and no subscription wants it"
