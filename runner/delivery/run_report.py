"""The run report: what happened to every usage event of a run, in counts that always add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from ...definitions import counted, quoted
from ..queues.contract import Duplicate, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ...definitions import Destination
    from ..queues.contract import PutResult, RunOutcomes, Settlement, State
    from .notices import Notice
    from .receipt import Receipt
    from .source_result import SourceResult

REASONS: tuple[Reason, ...] = get_args(Reason)
_MOST_KNOWN = 10_000
_MOST_NAMES = 1_000
_MOST_NAMES_SHOWN = 12
_MOST_KNOWN_SHOWN = 5
SKIP_REASONS = ("integrations", "not_subscribed", "unknown_type", "too_old", "missing_client_id", "outside_period")


@dataclass(slots=True)
class RunReport:
    """The counts of one run.

    `read` counts events and lines that should be events. The other counts are usage events: one event makes one for
    each subscription that wants it. Each wanted one is delivered, dead-lettered or unsent, and nothing else; unsent
    ones are queued if the queue is durable. `duplicates` counts those among them whose ID was known before. `earlier`
    counts events that other runs had accepted and this run has settled; `earlier_dead` of them are dead-lettered.
    `kept` counts all that the queue holds for the account after the run, from whichever run, and `errors` has the last
    error of each lane (account, action).
    `unknown_types` counts skipped events whose type Segment does not know, by that type; `misspelt_flags` names flags
    of integrations objects without effect. Of very many names some are kept.
    `unaccepted` counts texts that were read and could not be accepted, of sources that cannot be read again.
    `deleted_dead_letters` counts dead letters, of any run, that were deleted because a limit was reached.
    `destination`, `environment` (if the destination has several) and `host` say where events go, `target` for people.
    """

    destination: str = ""
    environment: str | None = None
    host: str = ""
    target: str = ""
    run: int = 0
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unknown_types: Counter[str] = field(default_factory=Counter)
    misspelt_flags: set[str] = field(default_factory=set)
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
    deleted_dead_letters: int = 0
    unaccepted: int = 0
    kept: int = 0
    errors: dict[tuple[str, str], str] = field(default_factory=dict)
    _of_duplicates: Counter[State] = field(default_factory=Counter)
    _duplicate_states: Counter[State] = field(default_factory=Counter)
    _known: list[Duplicate] = field(default_factory=list)
    _known_in: Counter[tuple[str, int]] = field(default_factory=Counter)

    def describe(self, destination: Destination) -> None:
        """Note where the events of this run go."""
        self.destination, self.host = destination.definition.name, destination.host
        self.environment = None if destination.environment is None else destination.environment.name
        self.target = destination.target

    def observe(self, notice: Notice) -> None:
        """Count requests and what was sent, while it happens."""
        if notice.kind == "attempted":
            self.requests += 1
            self.retries += notice.attempt > 1
            if notice.error:
                self.errors[notice.account, notice.action] = notice.error
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
            self.read += receipt.chunk.count
            self.skipped += receipt.skipped
            self.skipped["outside_period"] += receipt.chunk.outside
            self._note_names(receipt)
            for letter in receipt.rejected:
                self.dead_lettered[letter.reason] += 1

    def _note_names(self, receipt: Receipt) -> None:
        """Note names that come from events. An event may hold any, so there may be no end of them."""
        for kind, count in receipt.unknown_types.items():
            if kind in self.unknown_types or len(self.unknown_types) < _MOST_NAMES:
                self.unknown_types[kind] += count
        if len(self.misspelt_flags) < _MOST_NAMES:
            self.misspelt_flags |= receipt.misspelt_flags

    @property
    def queued_duplicates(self) -> list[Duplicate]:
        """The duplicates of events that were queued when they were read; of very many only batches and counts."""
        others = self._known_in.items()
        return [*self._known, *(Duplicate("queued", account, "", batch, count) for (account, batch), count in others)]

    def note_settled(self, settlement: Settlement) -> None:
        """Count what happened to events that another run had accepted."""
        if settlement.lease.run != self.run:
            self.earlier += len(settlement.delivered) + len(settlement.dead)
            self.earlier_dead += len(settlement.dead)

    def close(self, outcomes: RunOutcomes, states: Mapping[State, int], *, given_up: bool = False) -> None:
        """Take over what has happened to the events of this run, and the present states of `queued_duplicates`.

        Events that are still queued count as unsent, or, if they are `given_up`, as dead-lettered.
        """
        states = self._duplicate_states + Counter(states)
        queued = outcomes.queued + states.get("queued", 0)
        self.delivered += outcomes.delivered + states.get("delivered", 0)
        self.unsent += 0 if given_up else queued
        self.dead_lettered["exhausted"] += queued if given_up else 0
        for reason in REASONS:
            self.dead_lettered[reason] += outcomes.dead.get(reason, 0) + states.get(reason, 0)
        self._of_duplicates += Counter(states)
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
            "destination": self.destination,
            "environment": self.environment,
            "host": self.host,
            "read": self.read,
            "skipped": {reason: self.skipped[reason] for reason in SKIP_REASONS},
            "unknown_types": dict(self.unknown_types.most_common()),
            "misspelt_flags": sorted(self.misspelt_flags),
            "wanted": self.wanted,
            "delivered": self.delivered,
            "dead_lettered": {reason: self.dead_lettered[reason] for reason in REASONS},
            "unsent": self.unsent,
            "duplicates": self.duplicates,
            "duplicates_of": {
                "delivered": self._of_duplicates["delivered"],
                "dead_lettered": sum(self._of_duplicates[reason] for reason in REASONS),
                "unsent": self._of_duplicates["queued"],
            },
            "earlier": self.earlier,
            "earlier_dead": self.earlier_dead,
            "deleted_dead_letters": self.deleted_dead_letters,
            "unaccepted": self.unaccepted,
            "requests": self.requests,
            "retries": self.retries,
            "kept": self.kept,
            "seconds": round(self.seconds, 3),
            "errors": [{"action": action, "error": error} for (_, action), error in sorted(self.errors.items())],
            "sources": [source.as_json() for source in self.sources],
        }

    @property
    def last_errors(self) -> str:
        """The last error of each lane that has left events behind, as one text; empty if none did."""
        if not self.unsent and self.next_due is None and not self.dead_lettered["exhausted"]:
            return ""
        return "; ".join(f"last error of {action}: {error}" for (_, action), error in sorted(self.errors.items()))

    def summary(self, *, dry_run: bool = False) -> str:
        """Return the counts in a few lines for a person.

        The counts of the first line are of this run, and add up to what was wanted and skipped of what was read:
        whatever was known by its ID before is a duplicate there, not delivered once more.
        """
        of = self._of_duplicates
        dead = self.dead - sum(of[reason] for reason in REASONS)
        unsent = self.unsent - of["queued"]
        if dry_run:
            parts = [f"{self.unsent - self.duplicates:,} would be sent"]
        else:
            parts = [f"{self.delivered - of['delivered']:,} delivered"]
        parts += [counted(self.duplicates, "duplicate")] if self.duplicates else []
        parts += [f"{self.skipped.total():,} skipped", f"{dead:,} dead-lettered"]
        parts += [] if dry_run else [f"{unsent:,} unsent"]
        lines = self._source_lines()
        lines.append(" · ".join([f"{self.read:,} read", *parts]))
        if dry_run:
            parts = [f"{counted(self.requests, 'request')} printed, none sent"]
        else:
            parts = [counted(self.requests, "request"), counted(self.retries, "retry", "retries")]
            parts.append(f"{self.seconds:.2f} s")
        lines.append(" · ".join(filter(None, (*parts, self.target))))
        return "\n".join([*lines, *self._details()])

    def _source_lines(self) -> list[str]:
        """Return what a person should know of the sources; of many that were accepted before, only the number."""
        known = sum(source.is_known for source in self.sources)
        if known <= _MOST_KNOWN_SHOWN:
            return [line for source in self.sources for line in source.lines()]
        lines = [line for source in self.sources if not source.is_known for line in source.lines()]
        return [f"{known:,} files: all of them were accepted by earlier runs", *lines]

    def _details(self) -> list[str]:
        of = self._of_duplicates
        known = {
            "delivered": of["delivered"],
            "dead-lettered": sum(of[reason] for reason in REASONS),
            "still unsent": of["queued"],
        }
        dead = {reason: self.dead_lettered[reason] - of[reason] for reason in REASONS}
        lines = [
            f"{title}: {shown}"
            for title, counts in (
                ("duplicates of events that are", known),
                ("skipped", self.skipped),
                ("dead-lettered", dead),
            )
            if (shown := ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()) if count))
        ]
        if self.unknown_types:
            most = self.unknown_types.most_common(_MOST_NAMES_SHOWN)
            more = ", …" if len(self.unknown_types) > len(most) else ""
            lines.append(f"unknown types: {', '.join(f'{quoted(kind)} {count:,}' for kind, count in most)}{more}")
        if self.earlier:
            delivered = self.earlier - self.earlier_dead
            lines.append(f"from earlier runs: {delivered:,} delivered, {self.earlier_dead:,} dead-lettered")
        if self.deleted_dead_letters:
            reached = "deadLetterDays or deadLetterMegabytes is reached"
            lines.append(f"{counted(self.deleted_dead_letters, 'old dead letter')} deleted: {reached}")
        return lines
