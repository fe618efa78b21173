"""The run report: what became of every usage event of a run, in counts that always add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from ..queues.contract import Duplicate, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ..queues.contract import PutResult, RunOutcomes, Settlement, State
    from .notices import Notice
    from .receipt import Receipt
    from .source_result import SourceResult

REASONS: tuple[Reason, ...] = get_args(Reason)
_MOST_KNOWN = 10_000
SKIP_REASONS = ("integrations", "not_subscribed", "unknown_type", "too_old")


@dataclass(slots=True)
class RunReport:
    """The counts of one run.

    `read` counts events and lines that should be events. The other counts are usage events: one event makes one for
    each subscription that wants it. Each wanted one is delivered, dead-lettered or unsent, and nothing else; unsent
    ones are queued if the queue is durable. `duplicates` counts those among them whose ID was known before. `earlier`
    counts events that other runs had accepted and this run has settled; `earlier_dead` of them are dead-lettered.
    """

    run: int = 0
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    dead_lettered: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    duplicates: int = 0
    earlier: int = 0
    earlier_dead: int = 0
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    sent: int = 0
    sources: list[SourceResult] = field(default_factory=list)
    read_to_the_end: bool = True
    next_due: datetime | None = None
    _duplicate_states: Counter[State] = field(default_factory=Counter)
    _known: list[Duplicate] = field(default_factory=list)
    _known_in: Counter[tuple[str, int]] = field(default_factory=Counter)

    def observe(self, notice: Notice) -> None:
        """Count requests and what was sent, while it happens."""
        if notice.kind == "attempted":
            self.requests += 1
            self.retries += notice.attempt > 1
        elif notice.kind == "delivered":
            self.sent += notice.events

    def note_accepted(self, receipts: Sequence[Receipt], result: PutResult) -> None:
        """Count what was accepted."""
        self.note_receipts(receipts)
        self.skipped["too_old"] += result.too_old
        for duplicate in result.duplicates:
            if duplicate.state != "queued":
                self._duplicate_states[duplicate.state] += 1
            elif len(self._known) < _MOST_KNOWN:
                self._known.append(duplicate)
            else:
                self._known_in[duplicate.account, duplicate.batch] += 1

    def note_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Count what was read, skipped and rejected."""
        for receipt in receipts:
            self.read += len(receipt.chunk)
            self.skipped += receipt.skipped
            for letter in receipt.rejected:
                self.dead_lettered[letter.reason] += 1

    @property
    def queued_duplicates(self) -> list[Duplicate]:
        """The duplicates of events that were queued when they were read; of very many only batches and counts."""
        others = self._known_in.items()
        return [*self._known, *(Duplicate("queued", account, "", batch, count) for (account, batch), count in others)]

    def note_settled(self, settlement: Settlement) -> None:
        """Count what became of events that another run had accepted."""
        if settlement.lease.run != self.run:
            self.earlier += len(settlement.delivered) + len(settlement.dead)
            self.earlier_dead += len(settlement.dead)

    def close(self, outcomes: RunOutcomes, states: Mapping[State, int], *, given_up: bool = False) -> None:
        """Take over what has become of the events of this run, and the present states of `queued_duplicates`.

        Events that are still queued count as unsent, or, if they are `given_up`, as dead-lettered.
        """
        states = self._duplicate_states + Counter(states)
        queued = outcomes.queued + states.get("queued", 0)
        self.delivered += outcomes.delivered + states.get("delivered", 0)
        self.unsent += 0 if given_up else queued
        self.dead_lettered["exhausted"] += queued if given_up else 0
        for reason in REASONS:
            self.dead_lettered[reason] += outcomes.dead.get(reason, 0) + states.get(reason, 0)
        self.duplicates += sum(states.values())

    @property
    def unread_sources(self) -> list[SourceResult]:
        """The sources that could not be read, or not to their end."""
        return [source for source in self.sources if source.error is not None]

    @property
    def dead(self) -> int:
        """How many usage events are dead-lettered, for any reason."""
        return self.dead_lettered.total()

    @property
    def wanted(self) -> int:
        """How many usage events there should be."""
        return self.delivered + self.dead + self.unsent

    def as_json(self) -> dict[str, Any]:
        """Return the counts as the JSON report shows them, with every reason, also those that did not occur."""
        return {
            "read": self.read,
            "skipped": {reason: self.skipped[reason] for reason in SKIP_REASONS},
            "wanted": self.wanted,
            "delivered": self.delivered,
            "dead_lettered": {reason: self.dead_lettered[reason] for reason in REASONS},
            "unsent": self.unsent,
            "duplicates": self.duplicates,
            "earlier": self.earlier,
            "earlier_dead": self.earlier_dead,
            "requests": self.requests,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "sources": [source.as_json() for source in self.sources],
        }

    def summary(self) -> str:
        """Return the counts in a few lines for a person."""
        lines = [line for source in self.sources for line in source.lines()]
        lines.append(
            f"{self.read:,} read · {self.delivered:,} delivered · {self.skipped.total():,} skipped · "
            f"{self.dead:,} dead-lettered · {self.unsent:,} unsent"
        )
        second = f"{self.requests:,} requests · {self.retries:,} retries · {self.duplicates:,} duplicates"
        earlier = f" · {self.earlier:,} from earlier runs" if self.earlier else ""
        if self.earlier_dead:
            earlier += f", of which {self.earlier_dead:,} dead-lettered"
        lines.append(f"{second}{earlier} · {self.seconds:.2f} s")
        for title, counts in (("skipped", self.skipped), ("dead-lettered", self.dead_lettered)):
            if any(counts.values()):
                shown = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()) if count)
                lines.append(f"{title}: {shown}")
        return "\n".join(lines)
