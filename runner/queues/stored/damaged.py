"""A batch that cannot be read: it blocks no other, and a dead letter names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...sources.contract import Origin
from ..contract import DeadLetter

if TYPE_CHECKING:
    from ..contract import Lane


class Damaged(NamedTuple):
    """A batch that could not be read: its ID, lane, run, how many events it has, and why."""

    id: int
    lane: int
    run: int
    events: int
    reason: str

    def letter(self, lane: Lane) -> DeadLetter:
        """Return the dead letter that names it."""
        message = f"batch {self.id} of the outbox is damaged ({self.reason}); its {self.events:,} events"
        return DeadLetter(
            "unreadable",
            f"{message} cannot be read, and what is left of it is kept in the table bodies",
            Origin("outbox", self.id, "item"),
            None,
            account=lane.account,
            action=lane.action,
        )
