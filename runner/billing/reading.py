"""Plans all events of some sources as a delivery would, and makes the bill of them. Nothing is sent or kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError
from ..sources.contract import Origin, SourceError
from .bill import Bill
from .usage_fields import usage_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...definitions import Destination, Outcome, Plan
    from ..sources.contract import Chunk, Source
    from .usage_fields import UsageFields

_MOST_REASONS = 1_000
"""So many reasons are told apart. Most name a field and a fault, but some quote what an event holds."""

_MOST_TYPES = 200
OTHER_REASONS = "other reasons"
OTHER_TYPES = "other types"
_LONGEST_REASON = 1_000


@dataclass(slots=True)
class Rejection:
    """A reason why events are rejected: how many, and where the first of them is."""

    reason: str
    first: Origin
    count: int = 0


@dataclass(slots=True)
class EventBill:
    """The bill of some events, and what happened to all others.

    `read` counts the events and the texts that are none. `skipped` counts by reason and, of events that no subscription
    wants, by type. `rejected` counts what would be a dead letter. `misspelt_flags` have no effect.
    """

    bill: Bill = field(default_factory=Bill)
    counts_nobodies: bool = False
    read: int = 0
    skipped: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    rejected: int = 0
    rejections: dict[str, Rejection] = field(default_factory=dict, repr=False)
    misspelt_flags: set[str] = field(default_factory=set)

    def skip(self, reason: str, event_type: str | None) -> None:
        """Count an event that is skipped."""
        if (reason, event_type) not in self.skipped and len(self.skipped) >= _MOST_TYPES and event_type is not None:
            event_type = OTHER_TYPES
        self.skipped[reason, event_type] += 1

    def reject(self, reason: str, origin: Origin) -> None:
        """Count an event that is rejected."""
        self.rejected += 1
        reason = reason[:_LONGEST_REASON]
        if reason not in self.rejections and len(self.rejections) >= _MOST_REASONS:
            reason = OTHER_REASONS
        self.rejections.setdefault(reason, Rejection(reason, origin)).count += 1

    def reasons(self) -> list[Rejection]:
        """Return the reasons, the most frequent first."""
        return sorted(self.rejections.values(), key=lambda rejection: -rejection.count)


async def bill_of(
    destination: Destination, sources: Sequence[Source], *, oldest: str | None = None, counts_nobodies: bool = False
) -> EventBill:
    """Return the bill of all events of some sources. Raises SetupError if one cannot be read.

    As in a delivery, events from before the day `oldest` are skipped, and with `counts_nobodies` also those that name
    nobody whose they are.
    """
    fields = {key: usage_fields(action) for key, action in destination.definition.actions.items()}
    found = EventBill(Bill(oldest=oldest), counts_nobodies=counts_nobodies)
    planner = destination.planner()
    for source in sources:
        try:
            async for chunk in source.chunks(None):
                found.read += chunk.count
                for text in chunk.unreadable:
                    found.reject(text.message, Origin(chunk.source, text.place, chunk.unit))
                # As in a delivery, batches end with the chunk.
                for plan in (planner.feed_texts(chunk.texts, chunk.places), planner.flush()):
                    _note(found, plan, chunk, fields)
        except SourceError as error:
            raise SetupError.of([Problem("", str(error))]) from None
    if found.bill.too_old:
        found.skipped["too_old", None] = found.bill.too_old
    return found


def _note(found: EventBill, plan: Plan, chunk: Chunk, fields: dict[str, UsageFields]) -> None:
    found.misspelt_flags |= plan.misspelt_flags
    for outcome in plan.turned_down:
        if found.counts_nobodies and outcome.names_nobody:
            found.skip("missing_client_id", None)
        elif outcome.status == "skipped":
            found.skip(outcome.reason or "not_subscribed", outcome.event_type)
        else:
            found.reject(_reason(outcome), Origin(chunk.source, outcome.index, chunk.unit))
    for request in plan.requests:
        found.bill.add_json(request.batch.payloads.text, fields[request.action])


def _reason(outcome: Outcome) -> str:
    """Return all problems of an event as one reason: it is one event that is not billed."""
    return "; ".join(map(str, outcome.problems)) or outcome.detail
