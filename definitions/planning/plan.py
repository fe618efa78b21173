"""What happens to events before the network: an outcome for each event, and the requests that carry the events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import UnreadableError
from .event_reader import EventList, whole_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from ..action import Exchange
    from ..errors import AnswerError, Problem, RejectedError
    from .payload_list import PayloadList

SkipReason = Literal["integrations", "not_subscribed", "unknown_type"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one event under one subscription; `index` is the event's number, by default its position.

    - `planned`: one of the requests carries it.
    - `skipped`: it is not sent; `reason` is a SkipReason and `detail` a sentence.
    - `rejected`: `error` says why (UnreadableError: there is no event), `problems` lists each field at fault. `key` is
      the ID by which the destination would discard duplicates of the event, as far as its mapping gives one.
      `names_nobody`: nothing is wrong but that required identifiers are missing, which say whose event it is (not
      which event: the ID of the event itself is none of them).

    `event_type` names the type of an event that no subscription wants, so a report can count by it (at most 40
    characters).
    """

    index: int
    status: Literal["planned", "skipped", "rejected"]
    action: str | None = None
    subscription: str | None = None
    reason: SkipReason | None = None
    detail: str = ""
    error: RejectedError | None = None
    kept: Any = field(default=None, repr=False)
    event_type: str | None = None
    key: str | None = None
    names_nobody: bool = False

    @property
    def event(self) -> Any:
        """The event that was rejected; text that holds no event is returned as text."""
        try:
            return whole_event(self.kept)
        except UnreadableError:
            return self.kept.decode("utf-8", "backslashreplace")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem of a rejected event, each with its field path."""
        return self.error.problems if self.error is not None else ()


@dataclass(frozen=True, slots=True, eq=False)
class EventBatch:
    """Events of one action that share a request, as columns in the order of the events.

    - `payloads`: what is sent of each, prepared and valid.
    - `events`: the events themselves. One that came as text is read when it is asked for.
    - `indexes`: their numbers.
    - `subscriptions`: the name of the subscription of each.
    - `idempotency_keys`: the id by which the destination discards duplicates of each event (None: it has no id).
    - `shard`: the order shard of all the events (0 to 15); batches of one shard must be sent one after the other, in
      the order in which they were planned. None: the events have no order.
    - `oldest`: the earliest moment of an event, as text. It is exact to the day only: zones may differ. None: unknown.
    """

    action: str
    payloads: PayloadList = field(repr=False)
    events: EventList = field(repr=False)
    indexes: tuple[int, ...]
    subscriptions: tuple[str, ...]
    idempotency_keys: tuple[str | None, ...]
    shard: int | None = None
    oldest: str | None = None

    def __len__(self) -> int:
        """Count the events."""
        return len(self.indexes)

    def part(self, positions: Sequence[int]) -> EventBatch:
        """Return some of the events, by their positions."""
        return EventBatch(
            self.action,
            self.payloads.part(positions),
            EventList([self.events.kept[position] for position in positions]),
            tuple([self.indexes[position] for position in positions]),
            tuple([self.subscriptions[position] for position in positions]),
            tuple([self.idempotency_keys[position] for position in positions]),
            self.shard,
            self.oldest,
        )

    def halves(self) -> tuple[EventBatch, EventBatch]:
        """Cut the batch in two, in order."""
        middle = len(self) // 2
        return self.part(range(middle)), self.part(range(middle, len(self)))


@dataclass(frozen=True, slots=True, eq=False)
class PlannedRequest:
    """One request and the events that it carries, in their order; the columns of its batch can be asked of it too."""

    request: httpx.Request
    batch: EventBatch
    exchange: Exchange | None = field(default=None, repr=False)

    @property
    def action(self) -> str:
        """The key of the action that built the request."""
        return self.batch.action

    @property
    def indexes(self) -> tuple[int, ...]:
        """The numbers of the events."""
        return self.batch.indexes

    @property
    def events(self) -> EventList:
        """The events."""
        return self.batch.events

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The name of the subscription of each event."""
        return self.batch.subscriptions

    @property
    def idempotency_keys(self) -> tuple[str | None, ...]:
        """The id by which the destination discards duplicates of each event; None if an event has no id."""
        return self.batch.idempotency_keys


@dataclass(frozen=True, slots=True)
class Plan:
    """What happened to events: those that were skipped or rejected, and the requests, in the order to send them.

    `misspelt_flags`: flags of integrations objects that differ from the destination's name in capitals only. They have
    no effect, so report them to the user.
    """

    turned_down: tuple[Outcome, ...]
    requests: tuple[PlannedRequest, ...]
    misspelt_flags: frozenset[str] = frozenset()

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each event and subscription, in the order of the events."""
        planned = (
            Outcome(index, "planned", request.action, subscription)
            for request in self.requests
            for index, subscription in zip(request.indexes, request.subscriptions, strict=True)
        )
        return tuple(sorted((*planned, *self.turned_down), key=lambda outcome: outcome.index))


class Result(msgspec.Struct, frozen=True, gc=False):  # made for every event, and a dataclass takes thrice as long
    """What an answer means for one event: delivered, or the error whose class says what to do next."""

    index: int
    action: str
    subscription: str
    error: AnswerError | None = None
    status_code: int | None = None
    request_id: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the destination has accepted the event."""
        return self.error is None
