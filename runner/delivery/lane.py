"""A lane while it is delivered: what is leased and not sent yet, its limiter, and why it has stopped."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...definitions import CredentialsError
from ..queues.contract import LaneDepth
from .waiting import jittered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...definitions import StoppedError
    from ..queues.contract import Lane, Lease, Queue
    from .clock import Clock
    from .limiter import Limiter
    from .sending import Progress

AHEAD = 3
"""Batches are leased for so many times as many requests as may be in flight, so the next is there in time."""

MOST_DOUBTS = 4
"""After so many batches without a success between them, it is not their content."""

MOST_POSTPONED_IN_MEMORY = 50_000
"""If the queue is in memory, no more events wait for a retry: a server may refuse some for hours, and take others."""

_MOST_HELD_BYTES = 64 * 1024 * 1024

POLL_SECONDS = 0.5
"""About how often to look for what another process may leave."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A batch whose response would stop the lane, unless another batch gets through: then it is about its content.

    `began` and `ended` are steps of the lane.
    """

    progress: Progress
    began: int
    ended: int


@dataclass(slots=True)
class ActiveLane:
    """A lane of this run.

    - `batch_events`: the most events in one request.
    - `may_have_work`: something has happened since the last lease, so there may be more to lease.
    - `batches`: how many batches the queue held for the lane at the last lease, without those settled since.
    - `looked_at`: when the queue was last asked, in seconds since 1970; `asked_at`: the same by the monotonic clock.
    - `doubts`: batches that are kept until another one shows whether they or the lane are at fault.
    - `continued`: what is known of leases that are sent again, by their identity.
    - `was_stopped`: an earlier run has stopped the lane, and nothing got through since; None while nobody has asked.
    - `has_probed`: events of a batch were sent alone, since no other batch could show what its refusal means.
    - `poll_seconds`: how long after the last lease to look again for what others leave; drawn from `randomness`.
    - `steps` counts the beginnings and ends of batches; `success` is those of the latest that got through.
    - `largest`: the bytes of the largest batch so far, events and payloads.
    - `is_in_trouble`: the latest batch must be sent again; `postponed` is about how many events wait for that.
    """

    key: Lane
    limiter: Limiter
    batch_events: int
    stopped: StoppedError | None = None
    may_have_work: bool = True
    has_had_work: bool = False
    is_in_trouble: bool = False
    postponed: int = 0
    sending: int = 0
    settling: int = 0
    batches: int = 0
    looked_at: float = 0.0
    asked_at: float = 0.0
    depth: LaneDepth = field(default_factory=LaneDepth)
    largest: int = 0
    held: deque[Lease] = field(default_factory=deque)
    doubts: list[Doubt] = field(default_factory=list)
    continued: dict[int, Progress] = field(default_factory=dict)
    was_stopped: bool | None = None
    has_probed: bool = False
    randomness: random.Random = field(default_factory=random.Random)
    poll_seconds: float = POLL_SECONDS
    success: tuple[int, int] = (0, 0)

    @property
    def has_leases(self) -> bool:
        """Whether something of the lane is leased by this process."""
        return bool(self.held or self.sending or self.settling or self.doubts)

    def ask(self, clock: Clock) -> int | None:
        """Return how many batches to lease now; None if the queue need not be asked.

        A lane with enough to do is asked about when it has less; a lane at rest is asked how much it holds (0 batches).
        """
        # Another lane may be so busy that the dispatcher never comes to wait.
        self.may_have_work = self.may_have_work or self.wait(clock) == 0
        if not self.may_have_work:
            return None
        wanted = self._wanted()
        return wanted if wanted or not self.sending else None

    def _wanted(self) -> int:
        """Return how many batches there is room for; 0 while enough are leased, so several are leased together."""
        if self.limiter.pause:
            return 0
        allowed, held = self.limiter.allowed, len(self.held)
        if self.sending >= allowed and held * 2 > allowed:
            return 0
        # Batches that are being settled need no request, unless they pile up.
        piled_up = max(0, self.settling - allowed)
        wanted = AHEAD * allowed - held - self.sending - piled_up
        if self.largest:
            # Small payloads may have been made of large events, and a batch holds both.
            wanted = min(wanted, max(1, _MOST_HELD_BYTES // self.largest) - held)
        return max(0, wanted)

    def hold(self, leases: list[Lease], depth: LaneDepth, wanted: int, clock: Clock) -> None:
        """Take what a lease has brought."""
        self.depth, self.batches = depth, depth.batches
        self.looked_at, self.asked_at = clock.now().timestamp(), clock.monotonic()
        self.poll_seconds = jittered(POLL_SECONDS, self.randomness)
        # Something may have been put since the queue was asked, so this answer is old.
        self.may_have_work = self.may_have_work or 0 < wanted <= len(leases)
        if depth.pause:
            self.limiter.keep_pause(depth.pause)
        for lease in leases:
            self.largest = max(self.largest, lease.queued.size)
            if lease.attempts:
                self.postponed = max(0, self.postponed - lease.queued.count)
        self.held += leases
        self.has_had_work = self.has_had_work or bool(leases)

    def next(self) -> Lease | None:
        """Return the next batch that may be sent now; from now on it counts as being sent."""
        if not self.held or self.stopped is not None or self.limiter.pause or self.sending >= self.limiter.allowed:
            return None
        if self.doubts and self.sending:
            # One request also shows whether anything gets through, and a wrong address needs no second one.
            return None
        self.sending += 1
        return self.held.popleft()

    def settle_doubts(self) -> list[Progress]:
        """Resolve doubts; return the batches that stop the lane, none if another got through or may do so.

        The surest sign is a batch that was sent after the doubt and got through. If there is nothing more to send, it
        is enough that one got through meanwhile.
        """
        self._continue([doubt for doubt in self.doubts if self.success[0] > doubt.ended])
        is_last = not (self.sending or self.held or self.may_have_work or self.limiter.pause)
        if is_last and len(self.doubts) < MOST_DOUBTS:
            self._continue([doubt for doubt in self.doubts if self.success[1] > doubt.began])
        if self.stopped is None and len(self.doubts) < MOST_DOUBTS and (self.held or not is_last or self._probe()):
            return []
        doubts, self.doubts = self.doubts, []
        return [doubt.progress for doubt in doubts]

    def _probe(self) -> bool:
        """Send events of a batch alone, once, since no other batch could show anything; return whether one is sent.

        Not when the lane stops for the first time: a wrong address needs no second request. But a batch must not stop
        its lane in run after run.
        """
        doubt = next((doubt for doubt in self.doubts if len(doubt.progress.positions) > 1), None)
        if doubt is None or self.has_probed or not self.was_stopped:
            return False
        self.has_probed = doubt.progress.is_probing = True
        self._send_again(doubt)
        return True

    def _continue(self, doubts: list[Doubt]) -> None:
        """Send batches again, whose content is at fault if they are refused once more."""
        for doubt in doubts:
            doubt.progress.is_content, doubt.progress.is_probing = True, False
            self._send_again(doubt)

    def _send_again(self, doubt: Doubt) -> None:
        progress = doubt.progress
        self.doubts.remove(doubt)
        progress.stopped = progress.error = None
        progress.is_doubtful = False
        self.continued[id(progress.lease)] = progress
        self.held.appendleft(progress.lease)

    def wait(self, clock: Clock) -> float | None:
        """Return in how many seconds there may be something to do; None if the lane is empty."""
        now = clock.now().timestamp()
        if self.held:
            return self.limiter.pause or POLL_SECONDS
        if not self.batches:
            return None
        if self.depth.leased_elsewhere or self.depth.next_due is None:
            # The clock may have been set back.
            return min(self.poll_seconds, max(0.0, self.looked_at + self.poll_seconds - now))
        # The clock may be set forward or back meanwhile.
        passed = max(now - self.looked_at, clock.monotonic() - self.asked_at)
        return max(0.0, self.depth.next_due - self.looked_at - passed, self.limiter.pause)


def why_stopped(lanes: Sequence[ActiveLane]) -> StoppedError | None:
    """Return why a lane has stopped: the credentials first, since they stop all lanes."""
    errors = [lane.stopped for lane in lanes if lane.stopped is not None]
    return next((error for error in errors if isinstance(error, CredentialsError)), errors[0] if errors else None)


async def was_stopped(key: Lane, queue: Queue) -> bool:
    """Return whether an earlier run has stopped a lane, and nothing got through since."""
    return any(lane.stopped for lane in (await queue.status()).lanes if (lane.account, lane.action) == key)
