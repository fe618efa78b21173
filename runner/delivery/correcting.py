"""Correcting a dead letter: its edited event is planned like any other, and put in the place of the letter."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ..queues.contract import DeadLetterFilter, Origins, Put, QueuedBatch, Token
from .planning import older_than

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Destination, Outcome, PlannedRequest, RejectedError
    from ..queues.contract import KeptDeadLetter, PutResult, Queue

Obstruction = Literal["rejected again", "not wanted any more", "known by its ID", "known with other content", "too old"]
"""Why a corrected event is not queued, or not under each subscription; its dead letter stays."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The result of a correction: how many events were queued, and why not all were.

    `error` is that of a rejection, `detail` says more about what nobody wants.
    """

    queued: int = 0
    obstruction: Obstruction | None = None
    error: RejectedError | None = field(default=None)
    detail: str = ""


async def correct(
    queue: Queue,
    destination: Destination,
    kept: KeptDeadLetter,
    event: bytes,
    *,
    oldest: str | None,
    batch_size: int | None = None,
) -> Correction:
    """Queue a corrected event, and delete its dead letter once the event is on disk. Raises QueueFullError.

    It is planned under the subscription under which it failed, since others may have delivered it. If there is no such
    subscription any more, or if it failed as a whole, it is planned under all. Events from before the day `oldest` are
    too old: the queue no longer knows whether they were delivered.
    """
    planner = destination.planner(max_events=batch_size)
    plans = (planner.feed_texts([event], [kept.id]), planner.flush())
    wanted = _wanted(destination, kept)
    outcomes = [outcome for plan in plans for outcome in plan.turned_down if wanted in {None, outcome.subscription}]
    requests = [request for plan in plans for request in plan.requests]
    for outcome in outcomes:
        # An event that is rejected under one subscription is sent under none, so the letter stays whole.
        if outcome.error is not None:
            return Correction(obstruction="rejected again", error=outcome.error)
    batches = [*_batches(kept, requests, wanted)]
    if not batches:
        return Correction(obstruction="not wanted any more", detail=_detail(outcomes, wanted))
    result = await queue.put(_put(destination, kept, batches, oldest))
    queued = sum(result.accepted)
    if not queued or result.too_old or result.conflicts:
        # Under all subscriptions, some part may have been queued. The letter stays for the rest of it.
        return Correction(queued, _obstruction(result))
    # The put has deleted it already if the event has kept its ID.
    await queue.dead_letters.discard(DeadLetterFilter([kept.id]))
    return Correction(queued)


def _wanted(destination: Destination, kept: KeptDeadLetter) -> str | None:
    names = {subscription.name for subscription in destination.compiled_subscriptions}
    return kept.letter.subscription if kept.letter.subscription in names else None


def _batches(kept: KeptDeadLetter, requests: list[PlannedRequest], wanted: str | None) -> Iterator[QueuedBatch]:
    origin = kept.letter.origin
    for batch in (request.batch for request in requests):
        positions = [at for at, name in enumerate(batch.subscriptions) if wanted in {None, name}]
        if positions:
            part = batch if len(positions) == len(batch) else batch.part(positions)
            origins = Origins((origin.source,), (origin.place,) * len(positions), (origin.unit,))
            yield QueuedBatch(kept.letter.account, part, origins)


def _put(destination: Destination, kept: KeptDeadLetter, batches: list[QueuedBatch], oldest: str | None) -> Put:
    actions = destination.definition.actions
    too_old = {
        number: older_than(oldest, queued, actions[queued.batch.action].time_field)
        for number, queued in enumerate(batches)
        if oldest is not None
    }
    return Put(
        Token(secrets.randbits(62), 1),
        batches,
        too_old={number: positions for number, positions in too_old.items() if positions},
        # Under the ID of an event that was delivered, another one would be lost.
        compares_contents=True,
        # What is not accepted is still there as the dead letter that it was.
        unkept={kept.letter.origin.source},
    )


def _obstruction(result: PutResult) -> Obstruction:
    if result.too_old:
        return "too old"
    return "known with other content" if result.conflicts else "known by its ID"


def _detail(outcomes: list[Outcome], wanted: str | None) -> str:
    found = next((outcome.detail for outcome in outcomes if outcome.detail), "")
    return found or (f"the subscription {wanted} does not want it" if wanted is not None else "")
