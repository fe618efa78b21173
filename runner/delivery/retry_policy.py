"""The retry policy: how long to wait before the next attempt, and when to give up."""

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
"""The longest `Retry-After` that is obeyed, in seconds. If a server asks for more, the batch waits this long."""

SECONDS_AN_HOUR = 3600.0
_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again.

    Waits are random and grow from 1 second to 5 minutes. Retries of a batch end `seconds` after it was accepted, or
    after `attempts`; None means no such limit.
    """

    seconds: float | None = 72 * SECONDS_AN_HOUR
    attempts: int | None = None
    randomness: random.Random = field(default_factory=random.Random, repr=False)

    def wait(self, attempts: int) -> float:
        """Return the seconds to wait after so many failed attempts: at least one, at most five minutes."""
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts, _DOUBLINGS))
        return self.randomness.uniform(max(FIRST_WAIT, longest / 2), longest)

    def is_over(self, attempts: int, accepted_at: float, now: float) -> bool:
        """Return whether retries end for a batch that failed so often."""
        too_often = self.attempts is not None and attempts >= self.attempts
        return too_often or (self.seconds is not None and now >= accepted_at + self.seconds)

    def due(self, wait: float, asked: float, accepted_at: float, now: float) -> float:
        """Return the moment of the next attempt.

        The last attempt comes no later than the moment at which retries end, but never earlier than the
        server asked (`asked` seconds from now).
        """
        planned = now + wait
        if self.seconds is not None:
            planned = max(now, min(planned, accepted_at + self.seconds))
        return max(planned, now + asked)


def asked_wait(asked: RetryAfter, now: datetime) -> float:
    """Return for how many seconds a server asks to be left alone; 0 if it does not."""
    if asked.moment is not None:
        return max(0.0, (asked.moment - now).total_seconds())
    return asked.seconds or 0.0
