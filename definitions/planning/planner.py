"""The planner fills batches with events, and returns the requests of full batches; a flush returns the rest."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import Problem, RejectedError, UnreadableError, release_frames
from ..javascript.values import type_name
from ..json_body import encode_finite_json, encode_json
from ..segment_calls import CALL_TYPES
from .batch_group import payload_text
from .event_types import type_name_of, type_problem
from .integrations import misspelt_flag, turned_away
from .open_batch import OpenBatch
from .performing import perform, too_large
from .plan import Outcome, Plan, PlannedRequest, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..action import BatchLimits
    from ..request import RequestBuilder
    from .batch_group import BatchGroup
    from .compiled_subscription import CompiledSubscription
    from .event_reader import EventReader
    from .payload_list import Payload
    from .plan import EventBatch

_MAX_OPEN_BATCHES = 256
_TEXTS_AT_ONCE = 100
_NONE = frozenset[str]()
_FAILED: Any = False
"""In the place of what could not be made of an event: the longer way finds out what is wrong with that event."""


class Planner:
    """Turns a stream of events into requests. Events that do not fill a batch yet stay in it until a flush.

    Which events share a request depends only on the events and their order, never on time.
    """

    def __init__(
        self,
        name: str,
        subscriptions: tuple[CompiledSubscription, ...],
        request: RequestBuilder,
        reader: EventReader,
        *,
        max_events: int | None = None,
    ) -> None:
        self._name = name
        self._subscriptions = subscriptions
        self._request = request
        self._read = reader.read
        is_quick = bool(subscriptions) and all(item.is_ordinary for item in subscriptions)
        self._read_record = reader.read_record if is_quick else None
        self._max_events = max_events
        self._count = itertools.count()
        self._open: dict[BatchGroup, OpenBatch] = {}
        self._turned_down: list[Outcome] = []
        self._requests: list[PlannedRequest] = []
        self._misspelt: frozenset[str] = _NONE

    def feed(self, events: Iterable[Any], indexes: Iterable[int] | None = None) -> Plan:
        """Take events, and return the outcomes that are known by now and the requests that are full.

        `indexes` are your own numbers of the events; without them the planner counts from 0.
        The events of an open batch have no outcome yet; they get one when the batch closes.
        """
        self.take(events, indexes)
        return self._hand_over()

    def take(self, events: Iterable[Any], indexes: Iterable[int] | None = None) -> None:
        """Take events as `feed` does, and keep the plan for the next feed or flush."""
        _check_events(events, "events", "objects")
        numbers = self._count if indexes is None else iter(indexes)
        for event in events:
            index = next(numbers, None)
            if index is None:
                raise ValueError("each event needs an index, but there are fewer indexes than events")
            if isinstance(event, dict):
                plain = event if type(event) is dict else dict(event)
                self._take(index, plain, plain)
            else:
                problem = Problem("", f"an event is an object, but this is {_kind(event)}")
                self._reject(index, event, RejectedError.of([problem]))

    def feed_texts(self, texts: Iterable[bytes], indexes: Iterable[int] | None = None) -> Plan:
        """Take events that are JSON text, and return the same as `feed`. Only what is needed of them is read.

        A text that holds no event is rejected with UnreadableError.
        """
        _check_events(texts, "texts", "bytes")
        all_texts, numbers = iter(texts), self._count if indexes is None else iter(indexes)
        while some := list(itertools.islice(all_texts, _TEXTS_AT_ONCE)):
            some_numbers = list(itertools.islice(numbers, len(some)))
            if len(some_numbers) < len(some):
                raise ValueError("each text needs an index, but there are fewer indexes than texts")
            self._take_texts(some, some_numbers)
        return self._hand_over()

    def flush(self) -> Plan:
        """Close every open batch, and return the outcomes and requests of its events."""
        while self._open:
            self._close(next(iter(self._open)))
        return self._hand_over()

    def _hand_over(self) -> Plan:
        plan = Plan(tuple(self._turned_down), tuple(self._requests), self._misspelt)
        self._turned_down, self._requests, self._misspelt = [], [], _NONE
        return plan

    def _take_texts(self, texts: list[bytes], indexes: list[int]) -> None:
        """Take runs of ordinary events together, and each other event by itself."""
        read_record = self._read_record
        if read_record is None:
            for index, text in zip(indexes, texts, strict=True):
                self._take_text(index, text)
            return
        records = _each(read_record, texts)
        if not _are_ascii(texts):
            records = [record if _is_utf8(text) else _FAILED for record, text in zip(records, texts, strict=True)]
        columns = [_each(subscription.wanted_payload, records) for subscription in self._subscriptions]
        if len(columns) == 1 and all(columns[0]):
            self._add_run(0, indexes, texts, columns[0], self._subscriptions[0])
            return
        start = 0
        run: list[Payload] = []
        current: CompiledSubscription | None = None
        for payload, wanting in map(self._ordinary, zip(*columns, strict=True)):
            if payload is None or wanting is not current:
                start = self._add_run(start, indexes, texts, run, current)
                run, current = [], wanting
                if payload is None:
                    self._take_text(indexes[start], texts[start])
                    start += 1
                    continue
            run.append(payload)
        self._add_run(start, indexes, texts, run, current)

    def _ordinary(self, found: tuple[Any, ...]) -> tuple[Payload | None, CompiledSubscription | None]:
        """Return the payload of an event that exactly one subscription wants, and that subscription.

        `found` is what each subscription makes of the event.
        """
        payload = wanting = None
        for made, subscription in zip(found, self._subscriptions, strict=True):
            if made is not None:
                if made is _FAILED or wanting is not None:
                    return None, None
                payload, wanting = made, subscription
        return payload, wanting

    def _add_run(
        self,
        start: int,
        indexes: list[int],
        texts: list[bytes],
        payloads: list[Payload],
        subscription: CompiledSubscription | None,
    ) -> int:
        """Add the payloads of the events from `start` on, all of one subscription; return the position after them."""
        if subscription is not None and subscription.is_grouped:
            # Neighbours seldom share a batch. One by one, the batches also close in the order of the events.
            end = start + len(payloads)
            for index, text, payload in zip(indexes[start:end], texts[start:end], payloads, strict=True):
                self._add_one(index, text, payload, subscription)
            return end
        while payloads and subscription is not None:
            batch = self._batch_of(subscription.group, subscription)
            some = payloads[: self._most(subscription.limits) - batch.count]
            end = start + len(some)
            if not self._add_together(batch, indexes[start:end], texts[start:end], some, subscription):
                for index, text, payload in zip(indexes[start:end], texts[start:end], some, strict=True):
                    self._add_one(index, text, payload, subscription)
            start, payloads = end, payloads[len(some) :]
        return start

    def _add_together(
        self,
        batch: OpenBatch,
        indexes: list[int],
        texts: list[bytes],
        payloads: list[Payload],
        subscription: CompiledSubscription,
    ) -> bool:
        """Add some payloads to a batch if there is room for all; return whether there was."""
        limits = subscription.limits
        try:
            text = encode_finite_json(payloads)
        except RejectedError:
            return False
        if limits is None or batch.size + len(text) - 1 > limits.bytes:
            return False
        batch.add_run(indexes, texts, payloads, text, subscription)
        if batch.count >= self._most(limits):
            self._close(subscription.group)
        return True

    def _take_text(self, index: int, text: bytes) -> None:
        try:
            event = self._read(text)
        except UnreadableError as error:
            self._reject(index, text, error)
        else:
            self._take(index, event, text)

    def _reject(self, index: int, kept: Any, error: RejectedError) -> None:
        release_frames(error)
        self._turned_down.append(Outcome(index, "rejected", error=error, kept=kept))

    def _take(self, index: int, event: dict[str, Any], kept: Any) -> None:
        """Take an event: `event` holds what is needed of it, and `kept` all of it, as it came."""
        if event.get("integrations") is not None:
            self._note_misspelt_flag(event)
            try:
                refusal = turned_away(event, self._name)
            except RejectedError as error:
                self._reject(index, kept, error)
                return
            if refusal is not None:
                self._turned_down.append(Outcome(index, "skipped", reason="integrations", detail=refusal))
                return
        wanting = [subscription for subscription in self._subscriptions if subscription.matches(event)]
        if not wanting:
            self._turn_down(index, event, kept)
        used: dict[str, CompiledSubscription] = {}
        for subscription in wanting:
            try:
                payload = subscription.prepared_payload(event, kept)
                if subscription.obstacles:
                    raise RejectedError.of(subscription.obstacles)
                if len(wanting) > 1:
                    self._use_id(payload, subscription, used)
            except RejectedError as error:
                self._turned_down.append(subscription.outcome(index, kept, error, subscription.mapped(event)))
            else:
                self._add_one(index, kept, payload, subscription)

    def _note_misspelt_flag(self, event: dict[str, Any]) -> None:
        flag = misspelt_flag(event, self._name)
        if flag is not None:
            self._misspelt |= {flag}

    def _turn_down(self, index: int, event: dict[str, Any], kept: Any) -> None:
        """Skip an event that no subscription wants; reject it if it may be one that they want, but for a slip."""
        problem = type_problem(event)
        if problem is not None:
            self._reject(index, kept, RejectedError.of([problem]))
            return
        kind = type_name_of(event)
        is_known = kind in CALL_TYPES
        reason: SkipReason = "not_subscribed" if is_known else "unknown_type"
        detail = f"no subscription wants this {kind} event" if is_known else _not_known(kind)
        self._turned_down.append(Outcome(index, "skipped", reason=reason, detail=detail, event_type=kind))

    def _use_id(
        self, payload: Payload, subscription: CompiledSubscription, used: dict[str, CompiledSubscription]
    ) -> None:
        """Note the id that an event uses. Raises RejectedError if another subscription has used it already."""
        key = payload_text(payload, subscription.action.idempotency_field)
        if key is not None and used.setdefault(key, subscription) is not subscription:
            raise RejectedError.of([_used_already(self._name, key, subscription, used[key])])

    def _add_one(self, index: int, kept: Any, payload: Payload, subscription: CompiledSubscription) -> None:
        """Add one payload to the open batch of its group, or reject its event."""
        limits = subscription.limits
        try:
            text = encode_json(payload)
            if limits is not None and len(text) > limits.bytes:
                raise RejectedError.of([too_large("the event alone makes", len(text), limits)])
        except RejectedError as error:
            self._turned_down.append(subscription.outcome(index, kept, error, payload))
            return
        group = subscription.group_of(payload)
        batch = self._batch_of(group, subscription)
        if limits is not None and batch.size + len(text) + 1 > limits.bytes and batch.count:
            self._close(group)
            batch = self._batch_of(group, subscription)
        batch.add(index, kept, payload, text, subscription)
        if batch.count >= self._most(limits):
            self._close(group)

    def _batch_of(self, group: BatchGroup, subscription: CompiledSubscription) -> OpenBatch:
        """Return the open batch of a group; if too many are open, close the oldest one."""
        batch = self._open.get(group)
        if batch is None:
            if len(self._open) >= _MAX_OPEN_BATCHES:
                self._close(next(iter(self._open)))
            batch = self._open[group] = OpenBatch(subscription, group.shard)
        return batch

    def _most(self, limits: BatchLimits | None) -> int:
        """Return the number of events that one request may carry."""
        return 1 if limits is None else min(limits.events, self._max_events or limits.events)

    def _close(self, group: BatchGroup) -> None:
        batch = self._open.pop(group)
        if batch.count:
            self._plan(batch.closed(), batch.subscription)

    def _plan(self, batch: EventBatch, subscription: CompiledSubscription) -> None:
        """Build the request of a batch; if that fails, build requests for its halves, so one event fails alone."""
        try:
            self._requests.append(
                perform(batch, subscription.action, subscription.settings, self._request, subscription.redactor)
            )
        except RejectedError as error:
            if len(batch.indexes) == 1:
                (index,), (kept,), (key,) = batch.indexes, batch.events.kept, batch.idempotency_keys
                (name,) = batch.subscriptions
                self._turned_down.append(
                    Outcome(index, "rejected", batch.action, name, error=error, kept=kept, key=key)
                )
                return
            for half in batch.halves():
                self._plan(half, subscription)


def _each(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return what a function gives for each item, and _FAILED where it raises: a loop, but most of it in C."""
    results: list[Any] = []
    others = map(function, items)
    while len(results) < len(items):
        try:
            # What was added before an error stays in the list, and the iterator continues behind it.
            results.extend(others)
        except Exception:  # noqa: BLE001 - the longer way finds out what is wrong with that event
            results.append(_FAILED)
    return results


def _are_ascii(texts: list[bytes]) -> bool:
    try:
        return all(map(bytes.isascii, texts))
    except TypeError:
        return False


def _is_utf8(text: bytes) -> bool:
    """Return whether a text is valid UTF-8, which the quick reading does not see in what it passes over."""
    try:
        if not text.isascii():
            text.decode()
    except Exception:  # noqa: BLE001 - the longer way finds out what is wrong with that event
        return False
    return True


def _check_events(events: object, name: str, item: str) -> None:
    """Raise TypeError for what is not a list of events, such as one event or a text: it would be taken apart."""
    if type(events) is list:
        return
    if isinstance(events, str | bytes | bytearray | memoryview | Mapping) or not isinstance(events, Iterable):
        raise TypeError(f"{name} are a list of {item}, but this is {type(events).__name__}; write [event] for one")


def _used_already(name: str, key: str, subscription: CompiledSubscription, first: CompiledSubscription) -> Problem:
    field = subscription.action.idempotency_field or ""
    consequence = f"so {name} would discard this one as a duplicate"
    remedy = f"map {field} so it differs, or make the triggers exclude each other"
    used = f'"{key}" is already used for this event by the subscription "{first.name}"'
    return Problem(field, f"{used}, {consequence}; {remedy}")


def _not_known(kind: str | None) -> str:
    known = ", ".join(sorted(CALL_TYPES))
    return f'its type is "{kind}", which is none of Segment\'s ({known}), and no subscription wants it'


def _kind(value: Any) -> str:
    """Name what is not an event, as JSON does if it may be JSON."""
    kind = type_name(value)
    return type(value).__name__ if kind == "object" else kind
