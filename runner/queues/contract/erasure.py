"""The erasure of a customer: whose events are meant, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose events are erased.

    An event is of `customer` if its payload says so, in one of the `fields` of its action. If there is no payload, as
    of a rejected event, or no field for its action, the IDs of Segment in the event itself decide: `userId`,
    `anonymousId`, `groupId`, `previousId` and `context.groupId`.
    """

    customer: str
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Erased:
    """What an erasure found.

    `queued`, `dead_letters` and `memberships` (of audiences) count what was erased, or in a dry run what would be.
    `leased` counts events that a running process is sending: they stay. `unsure` are the IDs of dead letters that have
    the customer's ID somewhere else: they stay, too. `damaged` are the IDs of batches that cannot be read.
    """

    queued: int = 0
    dead_letters: int = 0
    memberships: int = 0
    leased: int = 0
    unsure: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    def add(self, other: Erased) -> None:
        """Add what another part of the erasure found."""
        self.queued += other.queued
        self.dead_letters += other.dead_letters
        self.memberships += other.memberships
        self.leased += other.leased
        self.unsure += other.unsure
        self.damaged += other.damaged
