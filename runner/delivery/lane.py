"""The way to one action of an account, and the order in which leased batches take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..queues.contract import lane_name

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ...definitions import StoppedError
    from ..queues.contract import Lease
    from .limiter import Limiter

_AHEAD = 3
"""Batches are leased for so many times as many requests as may be in flight, so that the next is there in time."""


@dataclass(slots=True)
class Lane:
    """The batches on the way, its limiter, and why it has stopped, when it has.

    A batch is held until no other that shares an order key with it is being sent, or is held before it. The lane
    `is_in_trouble` while its latest batch must be tried again; about `postponed` events wait for that.
    """

    account: str
    action: str
    limiter: Limiter
    settling: int = 0
    stopped: StoppedError | None = None
    has_had_work: bool = False
    is_in_trouble: bool = False
    postponed: int = 0
    _held: list[Lease] = field(default_factory=list)
    _sending: dict[int, frozenset[Hashable]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name under which the queue knows it."""
        return lane_name(self.account, self.action)

    @property
    def held(self) -> int:
        """How many batches are leased and not sent yet."""
        return len(self._held)

    @property
    def room(self) -> int:
        """How many more batches may be leased; none while enough are on the way, so that some are leased together."""
        allowed, sending = self.limiter.allowed, len(self._sending)
        is_busy = sending >= allowed and self.held * 2 > allowed
        if is_busy or self.stopped is not None or self.limiter.pause:
            return 0
        # What is being settled takes no part of the way, unless it piles up.
        piled_up = max(0, self.settling - allowed)
        return max(0, _AHEAD * allowed - self.held - sending - piled_up)

    @property
    def is_well(self) -> bool:
        """Whether what is put for it can be expected to go at once."""
        return self.has_had_work and self.stopped is None and not self.is_in_trouble and not self.limiter.pause

    def hold(self, lease: Lease) -> None:
        """Take a batch, the last in order."""
        self.has_had_work = True
        if lease.attempts:
            self.postponed = max(0, self.postponed - len(lease.queued))
        self._held.append(lease)

    def next(self) -> Lease | None:
        """Give the next batch that may be sent now, which is under way from now on."""
        if self.stopped is not None or self.limiter.pause or len(self._sending) >= self.limiter.allowed:
            return None
        busy = [*self._sending.values()]
        for position, lease in enumerate(self._held):
            if all(map(lease.order_keys.isdisjoint, busy)):
                self._sending[lease.id] = lease.order_keys
                return self._held.pop(position)
            busy.append(lease.order_keys)
        return None

    def sent(self, lease: Lease) -> None:
        """Know that a batch is under way no more."""
        del self._sending[lease.id]
