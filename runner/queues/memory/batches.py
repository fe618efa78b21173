"""Batches and lanes in memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from ..contract import Lane, LaneStatus, Lease
from ..engine import Candidate, Pause
from ..lane_figures import MINUTES_OF_RATE, lane_error, minute_of
from ..rules import moment_due, pause_left

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ....definitions import AnswerError
    from ..contract import QueuedBatch, Settlement


@dataclass(slots=True)
class Held:
    """A queued batch."""

    queued: QueuedBatch
    run: int
    accepted_at: float
    due: float
    owner: str | None = None
    leased_until: float = 0.0
    wait: float = 0.0
    attempts: int = 0
    error: AnswerError | None = None
    size: int | None = None


@dataclass(slots=True)
class HeldLane:
    """A lane.

    `free` has the batches without a shard and without an owner, by due moment; `owned` those with an owner; `shards`
    has the batches of each shard, the oldest first.
    """

    batches: int = 0
    events: int = 0
    free: list[tuple[float, int]] = field(default_factory=list)
    owned: dict[int, None] = field(default_factory=dict)
    shards: dict[int, deque[int]] = field(default_factory=dict)
    pause: Pause = field(default_factory=Pause)
    stopped: bool = False
    error: str | None = None
    error_at: float | None = None
    delivered: int = 0
    delivered_at: float | None = None
    rates: Counter[int] = field(default_factory=Counter)


_UNUSED = HeldLane()


class MemoryBatches:
    """The batches of all lanes."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._lanes: dict[Lane, HeldLane] = {}
        self._numbers = count(1)

    def hold(self, queued: QueuedBatch, run: int, now: float) -> int:
        """Hold a batch; return its ID."""
        number = next(self._numbers)
        lane = self._lane(queued.lane)
        self._held[number] = Held(queued, run, now, now)
        lane.batches += 1
        lane.events += queued.count
        if (shard := queued.batch.shard) is None:
            insort(lane.free, (now, number))
        else:
            lane.shards.setdefault(shard, deque()).append(number)
        return number

    def queued_bytes(self) -> Mapping[str, int]:
        """Return the bytes of queued events and payloads by account, which are counted only if there is a limit."""
        queued: Counter[str] = Counter()
        for held in self._held.values():
            if held.size is None:
                held.size = held.queued.size
            queued[held.queued.account] += held.size
        return queued

    def queued_events(self) -> Mapping[str, int]:
        """Return how many events are queued, for each account that ever had some."""
        queued: Counter[str] = Counter()
        for lane, held in self._lanes.items():
            queued[lane.account] += held.events
        return queued

    def candidates(self, lane: Lane, most: int) -> list[Candidate]:
        """Return what is needed to choose from a lane."""
        held = self._lanes.get(lane, _UNUSED)
        numbers = [number for _, number in held.free[:most]]
        numbers += held.owned
        numbers += [shard[0] for shard in held.shards.values()]
        return [self._candidate(number) for number in numbers]

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches."""
        leases = []
        for number in ids:
            held = self._held[number]
            if held.queued.batch.shard is None and held.owner is None:
                lane = self._lane(held.queued.lane)
                del lane.free[bisect_left(lane.free, (held.due, number))]
                lane.owned[number] = None
            held.owner, held.leased_until = owner, until
            leases.append(Lease(number, held.queued, held.attempts, held.accepted_at, held.run))
        return leases

    def renew(self, owner: str, until: float) -> None:
        """Let all leases of an owner end at a moment."""
        for held in self._held.values():
            if held.owner == owner:
                held.leased_until = until

    def correct(self, lane: Lane, now: float, *, leases: float, longest: float) -> None:
        """Correct the moments of a lane that a clock has set which was ahead."""
        for held in self._held_of(lane):
            held.leased_until = min(held.leased_until, leases)
            held.accepted_at = min(held.accepted_at, now)
            held.due = now if held.due > longest else min(held.due, now + held.wait)
        self._sort_free(lane)

    def make_due(self, lane: Lane, now: float) -> int:
        """Let every batch of a lane that is due later be due now; return how many events that are."""
        later = [held for held in self._held_of(lane) if held.due > now]
        for held in later:
            held.due = now
        self._sort_free(lane)
        return sum([held.queued.count for held in later])

    def _held_of(self, lane: Lane) -> list[Held]:
        return [held for held in self._held.values() if held.queued.lane == lane]

    def _sort_free(self, lane: Lane) -> None:
        if (here := self._lanes.get(lane)) is not None:
            here.free = sorted((self._held[number].due, number) for _, number in here.free)

    def release(self, owner: str) -> None:
        """End all leases of an owner."""
        for number, held in self._held.items():
            if held.owner == owner:
                self._release(number, held)

    def pause(self, lane: Lane) -> Pause:
        """Return the pause of a lane."""
        return self._lanes.get(lane, _UNUSED).pause

    def set_pause(self, lane: Lane, pause: Pause) -> None:
        """Store the pause of a lane."""
        self._lane(lane).pause = pause

    def depth(self, lane: Lane) -> tuple[int, int]:
        """Return how many batches and events a lane holds."""
        held = self._lanes.get(lane, _UNUSED)
        return held.batches, held.events

    def mark(self, lane: Lane, now: float, stopped: str | None) -> None:
        """Note why a lane has stopped, or that it has not (None)."""
        held = self._lane(lane)
        held.stopped = stopped is not None
        if stopped is not None:
            held.error, held.error_at = stopped, now

    def owner_of(self, batch: int) -> str | None:
        """Return the owner of a batch; None if it has none, or if there is no such batch."""
        held = self._held.get(batch)
        return None if held is None else held.owner

    def free(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        """Free a batch, keep only the positions in `rest`, and count for its lane."""
        number, queued = settlement.lease.id, settlement.lease.queued
        held, lane = self._held[number], self._lane(queued.lane)
        if not rest:
            self._delete(number, held, lane)
        else:
            if len(rest) < held.queued.count:
                lane.events -= held.queued.count - len(rest)
                held.queued, held.size = held.queued.part(rest), None
            held.attempts += settlement.attempts
            if settlement.due > held.due:
                held.due, held.wait = settlement.due, max(0.0, settlement.due - now)
            held.error = settlement.error
            self._release(number, held)
        if settlement.delivered:
            lane.delivered += len(settlement.delivered)
            lane.delivered_at, lane.stopped = now, False
            lane.rates[minute_of(now)] += len(settlement.delivered)
            if len(lane.rates) > 2 * MINUTES_OF_RATE:
                del lane.rates[min(lane.rates)]
        if (error := lane_error(settlement)) is not None:
            lane.error, lane.error_at = error, now

    def batches_after(self, number: int, most: int) -> list[Candidate]:
        """Return up to so many queued batches whose ID is greater than a number, by their IDs."""
        return [self._candidate(each) for each in sorted(self._held) if each > number][:most]

    def read_batch(self, number: int) -> QueuedBatch | None:
        """Return a queued batch."""
        return self._held[number].queued

    def keep_events(self, number: int, queued: QueuedBatch, rest: Sequence[int]) -> None:
        """Keep only some positions of a queued batch (delete it if there are none), and end its lease."""
        held, lane = self._held[number], self._lane(queued.lane)
        self._release(number, held)
        if rest:
            lane.events -= queued.count - len(rest)
            held.queued, held.size = queued.part(rest), None
            return
        if queued.batch.shard is None:
            # A batch that is deleted has an owner otherwise.
            del lane.free[bisect_left(lane.free, (held.due, number))]
            lane.owned[number] = None
        self._delete(number, held, lane)

    def lanes(self, now: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        """Return the state of every lane that was ever used, sorted."""
        batches: dict[Lane, list[int]] = {lane: [] for lane in self._lanes}
        for number, held in self._held.items():
            batches[held.queued.lane].append(number)
        return [self._status(lane, batches[lane], now, is_held) for lane in sorted(self._lanes)]

    def _status(self, lane: Lane, ids: Sequence[int], now: float, is_held: Callable[[Candidate], bool]) -> LaneStatus:
        here = self._lanes[lane]
        candidates = [self._candidate(number) for number in ids]
        free = [candidate for candidate in candidates if not is_held(candidate)]
        free_events = sum([self._held[candidate.id].queued.count for candidate in free])
        paused_until = now + pause if (pause := pause_left(here.pause, now)) else None
        due = min([max(moment_due(candidate, now), paused_until or 0.0) for candidate in free], default=None)
        recent = [events for minute, events in here.rates.items() if minute > minute_of(now) - MINUTES_OF_RATE]
        return LaneStatus(
            *lane,
            queued=here.events,
            leased=here.events - free_events,
            batches=here.batches,
            next_due=due,
            oldest_at=min([candidate.accepted_at for candidate in candidates], default=None),
            delivered=here.delivered,
            delivered_at=here.delivered_at,
            per_minute=sum(recent) / MINUTES_OF_RATE,
            error=here.error,
            error_at=here.error_at,
            stopped=here.stopped,
            paused_until=paused_until,
        )

    def _lane(self, lane: Lane) -> HeldLane:
        held = self._lanes.get(lane)
        if held is None:
            held = self._lanes[lane] = HeldLane()
        return held

    def _candidate(self, number: int) -> Candidate:
        held = self._held[number]
        shard = held.queued.batch.shard
        return Candidate(number, shard, held.accepted_at, held.due, held.owner, held.leased_until, held.wait)

    def _release(self, number: int, held: Held) -> None:
        if held.queued.batch.shard is None and held.owner is not None:
            lane = self._lane(held.queued.lane)
            del lane.owned[number]
            insort(lane.free, (held.due, number))
        held.owner, held.leased_until = None, 0.0

    def _delete(self, number: int, held: Held, lane: HeldLane) -> None:
        del self._held[number]
        lane.batches -= 1
        lane.events -= held.queued.count
        if (shard := held.queued.batch.shard) is None:
            del lane.owned[number]
        else:
            numbers = lane.shards[shard]
            numbers.remove(number)
            if not numbers:
                del lane.shards[shard]
