"""Replay: dead letters become batches again.

Exhausted events are sent as they were. Refused and rejected events are planned again from the event itself, with the
present mappings, under the subscription under which they failed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import orjson

from ...definitions import BatchGroup, EventBatch, EventList, PayloadList, batch_group
from ..queues.contract import Origins, QueuedBatch, ReplayBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...definitions import BatchLimits, Destination, RejectedError
    from ..queues.contract import DeadLetter, DeadLetters, KeptDeadLetter, Token

REPLAYED_AT_ONCE = 500
_FALLBACK_EVENTS = 500

Obstacle = Literal["of another account", "unreadable", "rejected again", "not wanted any more"]
"""Why a dead letter is not replayed, and stays."""


@dataclass(slots=True)
class Replays:
    """The plan of some dead letters: batches to queue, and how many stay, by the reason."""

    batches: list[ReplayBatch] = field(default_factory=list)
    staying: Counter[Obstacle] = field(default_factory=Counter)
    rejections: dict[int, RejectedError] = field(default_factory=dict)


@dataclass(slots=True)
class ReplayReport:
    """What happened to dead letters: how many were queued, were queued or delivered before, or stay, by the reason.

    `rejections` counts those that are rejected again, by the message; `examples` has the number of one for each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)


async def replay_letters(
    letters: DeadLetters,
    ids: Sequence[int],
    destination: Destination,
    account: str,
    *,
    report: ReplayReport,
    next_token: Callable[[], Token] | None,
    batch_size: int | None = None,
) -> None:
    """Queue dead letters again, some at a time, and add to the report. Without tokens they are only counted.

    Raises QueueFullError; the report then has what was queued before.
    """
    for start in range(0, len(ids), REPLAYED_AT_ONCE):
        some = await letters.read(ids[start : start + REPLAYED_AT_ONCE])
        replays = plan_replays(destination, account, some, batch_size=batch_size)
        report.counts.update(replays.staying)
        for number, error in replays.rejections.items():
            report.rejections[error.message] += 1
            report.examples.setdefault(error.message, number)
        if next_token is None:
            report.counts["queued"] += sum(len(batch.ids) for batch in replays.batches)
        else:
            report.counts.update(await letters.replay(replays.batches, next_token()))


def plan_replays(
    destination: Destination, account: str, letters: Sequence[KeptDeadLetter], *, batch_size: int | None = None
) -> Replays:
    """Plan dead letters of an account again. Changes nothing."""
    replays = Replays()
    unchanged: list[KeptDeadLetter] = []
    to_plan: list[KeptDeadLetter] = []
    for kept in letters:
        letter = kept.letter
        if letter.account != account:
            replays.staying["of another account"] += 1
        elif letter.reason == "unreadable" or letter.event is None:
            replays.staying["unreadable"] += 1
        elif letter.reason == "exhausted" and letter.payload is not None:
            unchanged.append(kept)
        else:
            to_plan.append(kept)
    replays.batches.extend(_unchanged(destination, account, unchanged, batch_size))
    _plan_again(destination, account, to_plan, batch_size, replays)
    return replays


def _unchanged(
    destination: Destination, account: str, letters: Sequence[KeptDeadLetter], batch_size: int | None
) -> Iterator[ReplayBatch]:
    groups: dict[BatchGroup, list[KeptDeadLetter]] = {}
    for kept in letters:
        groups.setdefault(_group(destination, kept.letter), []).append(kept)
    for group, some in groups.items():
        action = destination.definition.actions.get(group.action_key)
        for part in _parts(some, action.batch if action is not None else None, batch_size):
            queued = QueuedBatch(account, _batch(group, part), _origins(part))
            yield ReplayBatch(tuple(kept.id for kept in part), queued)


def batch_of(destination: Destination, kept: KeptDeadLetter) -> EventBatch:
    """Return the batch that holds one dead letter alone, as it was planned. The letter must have a payload."""
    return _batch(_group(destination, kept.letter), [kept])


def _parts(
    letters: Sequence[KeptDeadLetter], limits: BatchLimits | None, batch_size: int | None
) -> Iterator[list[KeptDeadLetter]]:
    """Divide dead letters in their order, so each part is within the limits of one request."""
    most = 1 if limits is None else min(limits.events, batch_size or _FALLBACK_EVENTS)
    part: list[KeptDeadLetter] = []
    size = 0
    for kept in letters:
        added = len(kept.letter.payload or b"") + 1
        if part and (len(part) >= most or (limits is not None and size + added + 1 > limits.bytes)):
            yield part
            part, size = [], 0
        part.append(kept)
        size += added
    if part:
        yield part


def _group(destination: Destination, letter: DeadLetter) -> BatchGroup:
    """Return the group that the event was in: a replay keeps the order of a key, and shares a batch with no others."""
    key = letter.action or ""
    action = destination.definition.actions.get(key)
    return BatchGroup(key) if action is None else batch_group(key, action, orjson.loads(letter.payload or b"{}"))


def _batch(group: BatchGroup, letters: Sequence[KeptDeadLetter]) -> EventBatch:
    payloads = b",".join(kept.letter.payload or b"{}" for kept in letters)
    return EventBatch(
        group.action_key,
        PayloadList(b"[%b]" % payloads, len(letters)),
        EventList([kept.letter.event for kept in letters]),
        tuple(kept.id for kept in letters),
        tuple(kept.letter.subscription or "" for kept in letters),
        tuple(kept.letter.key for kept in letters),
        group.shard,
    )


def _origins(letters: Sequence[KeptDeadLetter]) -> Origins:
    origins = [kept.letter.origin for kept in letters]
    return Origins(
        tuple(origin.source for origin in origins),
        tuple(origin.place for origin in origins),
        tuple(origin.unit for origin in origins),
    )


def _plan_again(
    destination: Destination, account: str, letters: Sequence[KeptDeadLetter], batch_size: int | None, replays: Replays
) -> None:
    by_id = {kept.id: kept for kept in letters}
    planner = destination.planner(max_events=batch_size)
    texts = [kept.letter.event or b"" for kept in letters]
    plans = (planner.feed_texts(texts, by_id), planner.flush())
    for outcome in (outcome for plan in plans for outcome in plan.turned_down):
        kept = by_id[outcome.index]
        if outcome.error is not None and _is_of(kept, outcome.subscription):
            replays.rejections[kept.id] = outcome.error
    settled = set(replays.rejections)
    for batch in (planned.batch for plan in plans for planned in plan.requests):
        positions = [
            position
            for position, (number, subscription) in enumerate(zip(batch.indexes, batch.subscriptions, strict=True))
            # A dead letter stays whole: one that is rejected again under one subscription is sent under none.
            if number not in replays.rejections and _is_of(by_id[number], subscription)
        ]
        if positions:
            part = batch if len(positions) == len(batch) else batch.part(positions)
            some = [by_id[number] for number in part.indexes]
            settled.update(part.indexes)
            replays.batches.append(ReplayBatch(part.indexes, QueuedBatch(account, part, _origins(some))))
    replays.staying["rejected again"] += len(replays.rejections)
    replays.staying["not wanted any more"] += len(by_id.keys() - settled)


def _is_of(kept: KeptDeadLetter, subscription: str | None) -> bool:
    """Return whether a dead letter is of a subscription; one of an event that was rejected as a whole is of each."""
    return kept.letter.subscription is None or subscription in {None, kept.letter.subscription}
