"""What deliveries of this process are doing, counted from their notices: totals, latency, and the latest outcomes."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Literal

from ....definitions import shortened, visible
from ...delivery.notices import Only
from .messages import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...delivery.clock import Clock
    from ...delivery.notices import Notice, Observer

_LATENCY_SECONDS = 30.0
"""Latency is measured over the requests of this many seconds."""

_MOST_REQUESTS = 2_000
_MOST_OF_A_KIND = 25
"""How many deliveries are kept, and how many failures: thousands of deliveries must not hide one failure."""

_LONGEST_ERROR = 300


class Outcome(Message, frozen=True, kw_only=True):
    """One thing that happened: a request with its answer, or an event that was not even sent.

    `at` is in seconds since 1970, `seconds` how long the request took. `status` is null if there was no response.
    """

    at: float
    outcome: Literal["delivered", "failed", "rejected", "stopped"]
    account: str
    action: str
    status: int | None = None
    events: int = 0
    seconds: float | None = None
    error: str = ""


class Totals(Message, frozen=True, kw_only=True):
    """How many events were accepted, were delivered and became dead letters; and how many requests were retries."""

    accepted: int = 0
    delivered: int = 0
    dead: int = 0
    retries: int = 0


class Latency(Message, frozen=True, kw_only=True):
    """How long requests took lately, in seconds: half of them less than `p50`, and 95 of 100 less than `p95`."""

    p50: float
    p95: float


class Figures:
    """Counts notices. It is an observer, so it must be quick: everything is worked out when somebody asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accepted = self._delivered = self._dead = self._retries = 0
        self._requests: deque[tuple[float, float]] = deque(maxlen=_MOST_REQUESTS)
        self._deliveries: deque[Outcome] = deque(maxlen=_MOST_OF_A_KIND)
        self._faults: deque[Outcome] = deque(maxlen=_MOST_OF_A_KIND)

    @property
    def observer(self) -> Observer:
        """The observer of the deliveries."""
        return Only(self._note, "accepted", "attempted", "delivered", "dead", "stopped")

    @property
    def totals(self) -> Totals:
        """What has been counted since the process began."""
        return Totals(accepted=self._accepted, delivered=self._delivered, dead=self._dead, retries=self._retries)

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """The latest outcomes, the newest first."""
        return sorted([*reversed(self._faults), *reversed(self._deliveries)], key=lambda outcome: -outcome.at)

    def latency(self) -> Latency | None:
        """Return how long the latest requests took; None if there were none lately."""
        since = self._clock.monotonic() - _LATENCY_SECONDS
        return latency_of([seconds for at, seconds in self._requests if at >= since])

    def _note(self, notice: Notice) -> None:
        if notice.kind == "accepted":
            self._accepted += notice.events
        elif notice.kind == "delivered":
            self._delivered += notice.events
        elif notice.kind == "attempted":
            self._retries += notice.attempt > 1
            self._requests.append((self._clock.monotonic(), notice.seconds))
            self._add("failed" if notice.error else "delivered", notice)
        elif notice.kind == "stopped":
            self._add("stopped", notice)
        else:
            self._dead += 1
            # A refused event has the outcome of its request.
            if notice.reason in {"rejected", "unreadable"}:
                self._add("rejected", notice)

    def _add(self, outcome: Literal["delivered", "failed", "rejected", "stopped"], notice: Notice) -> None:
        kept = self._deliveries if outcome == "delivered" else self._faults
        kept.append(
            Outcome(
                at=self._clock.now().timestamp(),
                outcome=outcome,
                account=notice.account,
                action=notice.action,
                status=notice.status,
                events=notice.events,
                seconds=notice.seconds if outcome in {"delivered", "failed"} else None,
                error=shortened(visible(notice.error), _LONGEST_ERROR),
            )
        )


def latency_of(seconds: Sequence[float]) -> Latency | None:
    """Return the percentiles of how long some requests took; None if there are none."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p50, p95 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95))
    return Latency(p50=round(p50, 6), p95=round(p95, 6))
