"""Dead letters on their way again.

What was given up for want of an answer is sent as it was. What was refused or rejected is planned anew from its event,
with the mappings that there are now, under the subscription that it failed under.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ...definitions import EventBatch, EventList, PayloadList
from ..queues.contract import Places, QueuedBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...definitions import Destination, RejectedError
    from ..queues.sqlite import KeptLetter

LETTERS_AT_ONCE = 500
_FALLBACK_EVENTS = 500

Obstacle = Literal["of another account", "unreadable", "rejected again", "not wanted any more"]
"""Why a dead letter is not replayed, and stays."""


@dataclass(frozen=True, slots=True)
class Again:
    """Dead letters, by their numbers, and the batch that carries their events, position by position."""

    numbers: tuple[int, ...]
    queued: QueuedBatch


@dataclass(slots=True)
class Replays:
    """What some dead letters come to now: batches to queue, and the letters that stay, with the reason."""

    batches: list[Again] = field(default_factory=list)
    staying: Counter[Obstacle] = field(default_factory=Counter)
    rejections: dict[int, RejectedError] = field(default_factory=dict)


def plan_replays(
    destination: Destination, account: str, letters: Sequence[KeptLetter], *, batch_size: int | None = None
) -> Replays:
    """Plan some dead letters of an account anew. Nothing is changed by it."""
    replays = Replays()
    as_they_were: list[KeptLetter] = []
    anew: list[KeptLetter] = []
    for kept in letters:
        letter = kept.letter
        if letter.account != account:
            replays.staying["of another account"] += 1
        elif letter.reason == "unreadable" or letter.event is None:
            replays.staying["unreadable"] += 1
        elif letter.reason == "exhausted" and letter.payload is not None:
            as_they_were.append(kept)
        else:
            anew.append(kept)
    replays.batches.extend(_as_they_were(destination, account, as_they_were, batch_size))
    _plan_anew(destination, account, anew, batch_size, replays)
    return replays


def _as_they_were(
    destination: Destination, account: str, letters: Sequence[KeptLetter], batch_size: int | None
) -> Iterator[Again]:
    by_action: dict[str, list[KeptLetter]] = {}
    for kept in letters:
        by_action.setdefault(kept.letter.action or "", []).append(kept)
    for key, some in by_action.items():
        action = destination.definition.actions.get(key)
        limits = action.batch if action is not None else None
        most = 1 if limits is None else min(limits.events, batch_size or _FALLBACK_EVENTS)
        for start in range(0, len(some), most):
            part = some[start : start + most]
            yield Again(tuple(kept.id for kept in part), QueuedBatch(account, _batch(key, part), _places(part)))


def _batch(action: str, letters: Sequence[KeptLetter]) -> EventBatch:
    payloads = b",".join(kept.letter.payload or b"{}" for kept in letters)
    return EventBatch(
        action,
        PayloadList(b"[%b]" % payloads, len(letters)),
        EventList([kept.letter.event for kept in letters]),
        tuple(kept.id for kept in letters),
        tuple(kept.letter.subscription or "" for kept in letters),
        tuple(kept.letter.key for kept in letters),
    )


def _places(letters: Sequence[KeptLetter]) -> Places:
    return Places(tuple(kept.letter.source for kept in letters), tuple(kept.letter.line for kept in letters))


def _plan_anew(
    destination: Destination, account: str, letters: Sequence[KeptLetter], batch_size: int | None, replays: Replays
) -> None:
    by_number = {kept.id: kept for kept in letters}
    planner = destination.planner(max_events=batch_size)
    texts = [kept.letter.event or b"" for kept in letters]
    plans = (planner.feed_texts(texts, by_number), planner.flush())
    for outcome in (outcome for plan in plans for outcome in plan.turned_down):
        kept = by_number[outcome.index]
        if outcome.error is not None and _is_meant(kept, outcome.subscription):
            replays.rejections[kept.id] = outcome.error
    settled = set(replays.rejections)
    for batch in (planned.batch for plan in plans for planned in plan.requests):
        positions = [
            position
            for position, (number, subscription) in enumerate(zip(batch.indexes, batch.subscriptions, strict=True))
            # A letter stays whole: one that is rejected again under one subscription is sent under none.
            if number not in replays.rejections and _is_meant(by_number[number], subscription)
        ]
        if positions:
            part = batch if len(positions) == len(batch) else batch.part(positions)
            some = [by_number[number] for number in part.indexes]
            settled.update(part.indexes)
            replays.batches.append(Again(part.indexes, QueuedBatch(account, part, _places(some))))
    replays.staying["rejected again"] += len(replays.rejections)
    replays.staying["not wanted any more"] += len(by_number.keys() - settled)


def _is_meant(kept: KeptLetter, subscription: str | None) -> bool:
    """Tell whether a letter is of a subscription; one of an event that was rejected as a whole is of each."""
    return kept.letter.subscription is None or subscription in {None, kept.letter.subscription}
