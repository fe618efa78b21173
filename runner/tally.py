"""Counting what became of every usage event, so that the counts always add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from ..definitions.plan import SkipReason

if TYPE_CHECKING:
    from .dead_letters import Reason

DEAD = ("unreadable", "rejected", "refused", "exhausted")


@dataclass(slots=True)
class Tally:
    """The counts of one run.

    `read` counts events and lines that should be events; the other counts are usage events, of which one event makes
    one for each subscription that wants it. What was wanted is delivered, dead-lettered or unsent: nothing else.
    """

    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    dead_lettered: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    duplicates: int = 0
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0

    def undelivered(self, reason: Reason) -> None:
        """Count a usage event that did not arrive."""
        if reason == "unsent":
            self.unsent += 1
        else:
            self.dead_lettered[reason] += 1

    @property
    def dead(self) -> int:
        """How many usage events are dead-lettered, for whatever reason."""
        return self.dead_lettered.total()

    @property
    def wanted(self) -> int:
        """How many usage events there should have been."""
        return self.delivered + self.dead + self.unsent

    def report(self) -> dict[str, Any]:
        """Give the counts as the JSON report shows them; every reason is there, also when nothing met it."""
        return {
            "read": self.read,
            "skipped": {reason: self.skipped[reason] for reason in get_args(SkipReason)},
            "wanted": self.wanted,
            "delivered": self.delivered,
            "dead_lettered": {reason: self.dead_lettered[reason] for reason in DEAD},
            "unsent": self.unsent,
            "duplicates": self.duplicates,
            "requests": self.requests,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
        }

    def summary(self) -> str:
        """Tell the counts in three lines for a person."""
        first = (
            f"{self.read:,} read · {self.delivered:,} delivered · {self.skipped.total():,} skipped · "
            f"{self.dead:,} dead-lettered · {self.unsent:,} unsent"
        )
        second = f"{self.requests:,} requests · {self.retries:,} retries · {self.duplicates:,} duplicates"
        lines = [first, f"{second} · {self.seconds:.2f} s"]
        for title, counts in (("skipped", self.skipped), ("dead-lettered", self.dead_lettered)):
            if counts:
                told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
                lines.append(f"{title}: {told}")
        return "\n".join(lines)
