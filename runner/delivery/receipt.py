"""The receipt: what happened to each event of a chunk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...definitions import UnreadableError
from ..queues.contract import DeadLetter
from ..sources.contract import Origin

if TYPE_CHECKING:
    from collections.abc import Hashable
    from collections.abc import Set as AbstractSet

    from ...definitions import Outcome
    from ..queues.contract import Conflict, Reason
    from ..sources.contract import Chunk


@dataclass(slots=True)
class Receipt:
    """What happened to a chunk. Everything that is not rejected or skipped is on disk, if the queue is durable.

    `rejected` lists the events that became dead letters, with the reason and the origin of each. `skipped` counts
    events that nobody wants, by reason; with `counts_nobodies`, also those that name nobody whose they are.
    `skipped_places` are the places of these. `unknown_types` counts those whose type Segment does not know, by that
    type. `misspelt_flags` are the flags of integrations objects that have no effect, since they differ from the
    destination's name in capitals.
    """

    chunk: Chunk
    counts_nobodies: bool = False
    rejected: list[DeadLetter] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_places: list[int] = field(default_factory=list)
    unknown_types: Counter[str] = field(default_factory=Counter)
    misspelt_flags: AbstractSet[str] = frozenset()
    _occurrences: Counter[Hashable] = field(default_factory=Counter)

    @property
    def accepted(self) -> list[Origin]:
        """The origins of the events that are queued, or were queued before under the same ID."""
        gone = {letter.origin.place for letter in self.rejected}.union(self.skipped_places)
        return [Origin(self.chunk.source, place, self.chunk.unit) for place in self.chunk.places if place not in gone]

    def reject_unreadable(self, account: str) -> None:
        """Reject the texts of the chunk that are not events."""
        chunk = self.chunk
        for text in chunk.unreadable:
            origin = Origin(chunk.source, text.place, chunk.unit)
            reason: Reason = "rejected" if text.is_event else "unreadable"
            self._reject(DeadLetter(reason, text.message, origin, text.text, account))

    def note(self, outcome: Outcome, place: int, account: str) -> None:
        """Note an event that was skipped or rejected."""
        is_counted = self.counts_nobodies and outcome.names_nobody
        if outcome.status == "skipped" or is_counted:
            self.skipped["missing_client_id" if is_counted else outcome.reason or "not_subscribed"] += 1
            self.skipped_places.append(place)
            if outcome.reason == "unknown_type":
                self.unknown_types[outcome.event_type or ""] += 1
            return
        reason: Reason = "unreadable" if isinstance(outcome.error, UnreadableError) else "rejected"
        letter = DeadLetter(
            reason,
            outcome.error.message if outcome.error is not None else outcome.detail,
            Origin(self.chunk.source, place, self.chunk.unit),
            outcome.kept,
            account=account,
            action=outcome.action,
            subscription=outcome.subscription,
            key=outcome.key,
            problems=outcome.problems,
        )
        self._reject(letter)

    def note_conflict(self, conflict: Conflict, account: str) -> None:
        """Note an event that the queue itself has rejected, and kept as a dead letter if it is to be kept."""
        self.rejected.append(DeadLetter("rejected", conflict.message, conflict.origin, None, account))

    def _reject(self, letter: DeadLetter) -> None:
        """Add a dead letter, and say how to recognise it when its text is read again."""
        chunk, place = self.chunk, letter.origin.place
        if chunk.key is not None:
            same = place, letter.subscription, letter.reason, letter.event
            occurrence = self._occurrences[same] + (chunk.continues if place == self._first_place else 0)
            self._occurrences[same] += 1
            letter = replace(letter, path=chunk.path, recurs=True, occurrence=occurrence, generation=chunk.generation)
        self.rejected.append(letter)

    @property
    def _first_place(self) -> int:
        return min([*self.chunk.places[:1], *(text.place for text in self.chunk.unreadable[:1])])
