"""Counting what became of every usage event, so that the counts always add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from ...definitions import SkipReason
from ..queues.contract import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from ..queues.contract import Fate
    from .notices import Occurrence

DEAD: tuple[Reason, ...] = get_args(Reason)


@dataclass(slots=True)
class Tally:
    """The counts of one run.

    `read` counts events and lines that should be events; the other counts are usage events, of which one event makes
    one for each subscription that wants it. What was wanted is delivered, dead-lettered or unsent (and then queued,
    where the queue is durable): nothing else. `duplicates` counts those among them that were there already under the
    same id, `earlier` what runs before this one had left and this one has settled, of which `earlier_dead` are
    dead-lettered.
    """

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
    done_before: list[str] = field(default_factory=list)
    resumed_at: dict[str, int] = field(default_factory=dict)
    read_to_the_end: bool = True
    next_due: datetime | None = None

    def hear(self, occurrence: Occurrence) -> None:
        """Count what happens while it happens."""
        if occurrence.kind == "attempted":
            self.requests += 1
            self.retries += occurrence.attempt > 1
        elif occurrence.kind == "delivered":
            self.sent += occurrence.events

    def settle(self, fate: Fate) -> None:
        """Take over what has become, in the end, of what was put."""
        self.delivered += fate.delivered + fate.duplicates.get("delivered", 0)
        self.unsent += fate.queued + fate.duplicates.get("queued", 0)
        for reason in DEAD:
            self.dead_lettered[reason] += fate.dead.get(reason, 0) + fate.duplicates.get(reason, 0)
        self.duplicates += sum(fate.duplicates.values())
        self.earlier += sum(fate.earlier.values())
        self.earlier_dead += sum(fate.earlier.values()) - fate.earlier.get("delivered", 0)

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
            "earlier": self.earlier,
            "earlier_dead": self.earlier_dead,
            "requests": self.requests,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
        }

    def summary(self) -> str:
        """Tell the counts in a few lines for a person."""
        lines = [f"{name}: all of it was accepted by an earlier run" for name in self.done_before]
        lines += [f"{name}: accepted by an earlier run up to line {line:,}" for name, line in self.resumed_at.items()]
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
                told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()) if count)
                lines.append(f"{title}: {told}")
        return "\n".join(lines)
