"""Puts what a sync changes: the events of a page are planned, and put with the state of those that were accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..delivery.planning import ChunkPlanner
from ..queues.contract import MembershipPut, Movement, Put, QueueFullError
from ..sources.contract import Chunk
from .changes import PAGE, movement_of
from .events import EventMaker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from ...definitions import Destination
    from ..delivery.planned_puts import PlannedPuts
    from ..delivery.planning import Planned
    from ..delivery.receipt import Receipt
    from ..queues.contract import Audience, DeadLetter, Hold, Token
    from .changes import Change

_MOST_MESSAGES = 20


@dataclass(slots=True)
class Sent:
    """What a sync has put. `refused` counts members whose event was rejected, by the message: their state is as before.

    `examples` has one of these members for each message.
    """

    movement: Movement = field(default_factory=Movement)
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    is_complete: bool = False


class ChangeSender:
    """Sends the changes of one sync. Each page is put under one token: batches, and memberships of who was accepted.

    An event that a subscription's trigger does not want counts as accepted: that is what was asked for. One that is
    rejected does not, and becomes no dead letter, since the next sync makes it again.
    """

    def __init__(
        self, destination: Destination, audience: Audience, hold: Hold, *, batch_size: int | None, now: datetime
    ) -> None:
        self.sent = Sent()
        self._audience = audience
        self._hold = hold
        self._events = EventMaker(destination, audience, now)
        self._planner = ChunkPlanner(destination, audience.account, batch_size=batch_size)
        self._most = PAGE

    async def send(self, pages: AsyncIterator[Sequence[Change]], puts: PlannedPuts) -> None:
        """Put all pages; `sent.is_complete` says whether the delivery took them. Raises QueueFullError."""
        async for page in pages:
            start = 0
            while start < len(page):
                if not await puts.ready():
                    return
                some = page[start : start + self._most]
                if await self._put(some, puts):
                    start += len(some)
        self.sent.is_complete = True

    async def _put(self, changes: Sequence[Change], puts: PlannedPuts) -> bool:
        """Put some changes; return False if they are too many for the room that there is."""
        name = f"{self._audience.kind} {self._audience.name}"
        texts = [self._events.event(change) for change in changes]
        chunk = Chunk(name, unit="item", texts=texts, places=range(1, len(texts) + 1))
        planned = self._planner.plan([chunk], None)
        accepted = _places_of(planned)
        partly, refused = _divided(planned, accepted)
        done = [change for place, change in enumerate(changes, 1) if place not in refused]
        movement = movement_of(done)
        rows = [(change.member, change.value, self._audience.sync, change.number) for change in done]

        def make(token: Token) -> Put:
            return Put(token, planned.batches, partly, memberships=MembershipPut(self._hold, rows, movement))

        try:
            if done:
                receipt = _receipt_of(planned.receipts[0], partly, refused)
                await puts.put(make, [receipt], divisible=len(changes) > 1)
        except QueueFullError:
            if len(changes) == 1:
                raise
            self._most = max(1, len(changes) // 2)
            return False
        self._most = min(PAGE, self._most * 2)
        self.sent.movement = self.sent.movement.plus(movement)
        for place, letter in refused.items():
            self._note_refused(changes[place - 1], letter.message)
        return True

    def _note_refused(self, change: Change, message: str) -> None:
        if message not in self.sent.refused and len(self.sent.refused) >= _MOST_MESSAGES:
            message = "other reasons"
        self.sent.refused[message] += 1
        self.sent.examples.setdefault(message, change.member.decode())


def _places_of(planned: Planned) -> set[int]:
    """Return the places of the events that are in a batch."""
    return {place for queued in planned.batches for place in queued.origins.places}


def _divided(planned: Planned, accepted: set[int]) -> tuple[list[DeadLetter], dict[int, DeadLetter]]:
    """Divide what was rejected: what one subscription accepted and another did not, and what none accepted."""
    letters = planned.receipts[0].rejected
    partly = [letter for letter in letters if letter.origin.place in accepted]
    refused = {letter.origin.place: letter for letter in letters if letter.origin.place not in accepted}
    return partly, refused


def _receipt_of(receipt: Receipt, partly: list[DeadLetter], refused: dict[int, DeadLetter]) -> Receipt:
    """Return a receipt without what was refused, so the counts of the run add up."""
    if not refused:
        return receipt
    chunk = receipt.chunk
    kept = [(place, text) for place, text in zip(chunk.places, chunk.texts, strict=True) if place not in refused]
    part = Chunk(chunk.source, unit="item", texts=[text for _, text in kept], places=[place for place, _ in kept])
    return replace(receipt, chunk=part, rejected=partly)
