"""How long to wait before the next attempt, and when to give up."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ...definitions import RetryAfter

FIRST_WAIT = 1.0
LONGEST_WAIT = 300.0
LONGEST_OBEYED = 24 * 3600.0
"""A server that asks to be left alone for longer is not believed: its batch is parked for so long."""

SECONDS_AN_HOUR = 3600.0
_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """The rules of retries.

    Waits are randomised and grow from 1 second to 5 minutes. `seconds` is how long after its acceptance a batch is
    given up, `attempts` how often it is tried at most; None means no such limit.
    """

    seconds: float | None = 72 * SECONDS_AN_HOUR
    attempts: int | None = None
    dice: random.Random = field(default_factory=random.Random, repr=False)

    def wait(self, attempts: int) -> float:
        """Give the seconds to wait after so many attempts that failed: at least one, at most five minutes."""
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts, _DOUBLINGS))
        return self.dice.uniform(max(FIRST_WAIT, longest / 2), longest)

    def is_over(self, attempts: int, accepted_at: float, now: float) -> bool:
        """Tell whether a batch that failed so often is given up."""
        too_often = self.attempts is not None and attempts >= self.attempts
        return too_often or (self.seconds is not None and now >= accepted_at + self.seconds)

    def due(self, wait: float, asked: float, accepted_at: float, now: float) -> float:
        """Give the moment of the next attempt.

        The last one comes no later than when the batch is given up, but never earlier than a server has asked.
        """
        planned = now + wait
        if self.seconds is not None:
            planned = max(now, min(planned, accepted_at + self.seconds))
        return max(planned, now + asked)


def asked_wait(asked: RetryAfter, now: datetime) -> float:
    """Give the seconds that a server asks to be left alone; 0 when it does not ask."""
    if asked.moment is not None:
        return max(0.0, (asked.moment - now).total_seconds())
    return asked.seconds or 0.0
