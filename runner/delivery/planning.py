"""Planning chunks of events: from their texts to what the queue is given. Pure, so any process can do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..queues.contract import Origins, QueuedBatch
from .receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from collections.abc import Set as AbstractSet

    from ...definitions import Destination, Outcome, PlannedRequest
    from ..queues.contract import DeadLetter
    from ..sources.contract import Chunk

_PLACE_BITS = 56
_PLACE_MASK = (1 << _PLACE_BITS) - 1


@dataclass(slots=True)
class Planned:
    """The plan of some chunks: batches, and a receipt for each chunk.

    `too_old` names, for some batches by their position, the positions of events that are older than may be sent.
    """

    batches: list[QueuedBatch] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    too_old: dict[int, AbstractSet[int]] = field(default_factory=dict)

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """The events that became dead letters, in the order of the chunks."""
        return [letter for receipt in self.receipts if receipt.chunk.keeps_rejected for letter in receipt.rejected]


class PlannersError(Exception):
    """Events cannot be planned: every process that tried has ended. The message names them, and a remedy."""


class Planners(Protocol):
    """Other processes that plan."""

    @property
    def ahead(self) -> int:
        """How many chunks to give them before the first of these comes back; 0 while there is nobody."""

    def plan(self, chunk: Chunk, oldest: str | None) -> Awaitable[Planned | None] | None:
        """Begin to plan a chunk. None, at once or in the end, says that it must be planned here.

        Raises PlannersError, in the end.
        """


class ChunkPlanner:
    """Plans chunks for one destination and one account.

    Which events share a batch depends on the chunks alone: batches end with the chunks that are planned together.
    `keeps_requests`: a batch keeps its request; if not, the sender makes one, perhaps with other credentials.
    """

    def __init__(
        self,
        destination: Destination,
        account: str,
        *,
        batch_size: int | None = None,
        counts_nobodies: bool = False,
        keeps_requests: bool = True,
    ) -> None:
        self._planner = destination.planner(max_events=batch_size)
        self._time_fields = {key: action.time_field for key, action in destination.definition.actions.items()}
        self._account = account
        self._counts_nobodies = counts_nobodies
        self._keeps_requests = keeps_requests

    def plan(self, chunks: Sequence[Chunk], oldest: str | None) -> Planned:
        """Plan some chunks together; events from before the day `oldest` are too old.

        Batches end with the chunks, so a checkpoint is never ahead of its events.
        """
        planned = Planned()
        outcomes: list[Outcome] = []
        requests: list[PlannedRequest] = []
        for number, chunk in enumerate(chunks):
            receipt = Receipt(chunk, self._counts_nobodies)
            receipt.reject_unreadable(self._account)
            planned.receipts.append(receipt)
            indexes = [(number << _PLACE_BITS) | place for place in chunk.places] if number else chunk.places
            plan = self._planner.feed_texts(chunk.texts, indexes)
            receipt.misspelt_flags = plan.misspelt_flags
            outcomes += plan.turned_down
            requests += plan.requests
        plan = self._planner.flush()
        outcomes += plan.turned_down
        requests += plan.requests
        for request in requests:
            queued = self._queued(request, chunks)
            if oldest is not None and request.batch.oldest is not None and request.batch.oldest < oldest:
                planned.too_old[len(planned.batches)] = older_than(oldest, queued, self._time_fields[request.action])
            planned.batches.append(queued)
        for outcome in outcomes:
            receipt = planned.receipts[outcome.index >> _PLACE_BITS]
            receipt.note(outcome, outcome.index & _PLACE_MASK, self._account)
        return planned

    def _queued(self, planned: PlannedRequest, chunks: Sequence[Chunk]) -> QueuedBatch:
        indexes = planned.batch.indexes
        first, last = indexes[0] >> _PLACE_BITS, indexes[-1] >> _PLACE_BITS
        if first == last:
            chunk = chunks[first]
            places = tuple([index & _PLACE_MASK for index in indexes]) if first else indexes
            origins = Origins((chunk.source,), places, (chunk.unit,))
        else:
            # Events of a batch are in the order of the chunks, except for those that were planned by themselves.
            found = [chunks[index >> _PLACE_BITS] for index in indexes]
            origins = Origins(
                tuple([chunk.source for chunk in found]),
                tuple([index & _PLACE_MASK for index in indexes]),
                tuple([chunk.unit for chunk in found]),
            )
        # An exchange that has begun is good for one attempt, and there may be more of them.
        kept = planned if planned.exchange is None and self._keeps_requests else None
        return QueuedBatch(self._account, planned.batch, origins, kept)


def older_than(oldest: str, queued: QueuedBatch, time_field: str | None) -> AbstractSet[int]:
    """Return the positions of events from before a day."""
    times = (payload.get(time_field or "") for payload in queued.batch.payloads)
    return {position for position, time in enumerate(times) if isinstance(time, str) and time < oldest}
