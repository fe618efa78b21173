"""What a queue holds, as the page shows it: its lanes, the reasons why they wait, and its dead letters by reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from ....definitions import visible
from ...configuration.targets import environment_of
from ...outbox import Limits, limits_of
from ...queues.contract import Lane
from .messages import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ....definitions import DestinationDefinition
    from ...delivery.clock import Clock
    from ...queues.contract import LaneStatus, QueueStatus
    from .known_accounts import KnownAccounts
    from .watched_queue import WatchedQueue

MOST_LANES = 500
"""How many lanes are shown. A service with very many customers has more."""

_SECONDS = 1.0
_SHARE = 10


class LaneLimits(Message, frozen=True, kw_only=True):
    """The limits that a run has found: requests in flight, and per second (null: any number)."""

    in_flight: int
    per_second: float | None


class LaneShown(Message, frozen=True, kw_only=True):
    """One lane: the way to one action of one account. Moments are seconds since 1970.

    `environment` is null if the host does not say which it is. `queued` counts events, `leased` those that are being
    sent; `perMinute` is the mean of the last five minutes. `stopped`: nothing is sent until a person acts, as `error`
    says. `isSentHere`: this process delivers for the account.
    """

    account: str
    action: str
    environment: str | None
    is_live: bool
    is_sent_here: bool
    queued: int
    leased: int
    batches: int
    next_due: float | None
    oldest_at: float | None
    delivered: int
    delivered_at: float | None
    per_minute: float
    error: str | None
    error_at: float | None
    stopped: bool
    paused_until: float | None
    limits: LaneLimits | None


class StatusShown(Message, frozen=True, kw_only=True):
    """The state of a queue at a moment. `dead` counts its dead letters by reason.

    Lanes that have stopped come first, then those with the most events. `lanesLeftOut` says how many more there are.
    """

    at: float
    name: str
    lanes: list[LaneShown]
    lanes_left_out: int
    dead: dict[str, int]
    bytes: int
    known_ids: int


class Reading(NamedTuple):
    """What a queue said, and when (seconds since 1970, and of the monotonic clock)."""

    at: float
    monotonic: float
    status: QueueStatus
    limits: Mapping[Lane, Limits]


class QueueReadings:
    """Reads the state of a queue, at most once a second for all who ask: to count takes a while in a large one."""

    def __init__(self, queue: WatchedQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._latest: Reading | None = None
        self._took = 0.0
        # Those who ask at once wait for one reading.
        self._reading = asyncio.Lock()

    @property
    def name(self) -> str:
        """The name of the queue for people."""
        return self._queue.name

    @property
    def seconds(self) -> float:
        """How old a reading may be. A reading that takes long is made more rarely, as there is other work to do."""
        return max(_SECONDS, _SHARE * self._took)

    def forget(self) -> None:
        """Read again for the next who asks: somebody has just changed the queue."""
        self._latest = None

    async def latest(self) -> Reading:
        """Return the state as it was at most `seconds` ago. Raises PageError if there is no queue."""
        async with self._reading:
            began = self._clock.monotonic()
            if self._latest is not None and began - self._latest.monotonic < self.seconds * 0.9:
                return self._latest
            async with self._queue.opened() as queue:
                status, limits = await queue.status(), await limits_of(queue)
            now = self._clock.monotonic()
            self._took = now - began
            self._latest = Reading(self._clock.now().timestamp(), now, status, limits)
            return self._latest


def shown_status(
    name: str, reading: Reading, definition: DestinationDefinition, accounts: KnownAccounts
) -> StatusShown:
    """Return a reading as the page shows it."""
    lanes = sorted(reading.status.lanes, key=lambda lane: (not lane.stopped, -lane.queued, lane.account, lane.action))
    return StatusShown(
        at=reading.at,
        name=name,
        lanes=[shown_lane(lane, reading.limits, definition, accounts) for lane in lanes[:MOST_LANES]],
        lanes_left_out=max(0, len(lanes) - MOST_LANES),
        dead={str(reason): count for reason, count in reading.status.dead.items()},
        bytes=reading.status.bytes,
        known_ids=reading.status.known_ids,
    )


def shown_lane(
    lane: LaneStatus, limits: Mapping[Lane, Limits], definition: DestinationDefinition, accounts: KnownAccounts
) -> LaneShown:
    """Return a lane as the page shows it."""
    environment = environment_of(lane.account, definition)
    found = limits.get(Lane(lane.account, lane.action))
    return LaneShown(
        account=lane.account,
        action=lane.action,
        environment=None if environment is None else environment.name,
        is_live=environment is not None and environment.is_live,
        is_sent_here=accounts.is_sent_here(lane.account),
        queued=lane.queued,
        leased=lane.leased,
        batches=lane.batches,
        next_due=lane.next_due,
        oldest_at=lane.oldest_at,
        delivered=lane.delivered,
        delivered_at=lane.delivered_at,
        per_minute=lane.per_minute,
        error=None if lane.error is None else visible(lane.error),
        error_at=lane.error_at,
        stopped=lane.stopped,
        paused_until=lane.paused_until,
        limits=None if found is None else LaneLimits(in_flight=found.in_flight, per_second=found.per_second),
    )
