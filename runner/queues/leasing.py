"""The operation behind `lease`: what may be sent of some lanes, and how much they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .contract import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, LaneDepth, Leased
from .engine import Pause
from .rules import choose, is_held, pause_left

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .contract import Lane, Lease
    from .engine import Candidate, Tables


def holds_at(now: float) -> Callable[[Candidate], bool]:
    """Return a function that says whether a lease holds at a moment. It looks at each process once."""
    known: dict[tuple[str | None, float], bool] = {}

    def held(candidate: Candidate) -> bool:
        lease = candidate.owner, candidate.leased_until
        if lease not in known:
            known[lease] = is_held(candidate, now)
        return known[lease]

    return held


def lease(tables: Tables, most: Mapping[Lane, int], *, owner: str, now: float) -> Leased:
    """Lease up to so many batches of each lane, and return the depth of each."""
    held = holds_at(now)
    leases: list[Lease] = []
    depths: dict[Lane, LaneDepth] = {}
    for lane, count in most.items():
        batches, events = tables.depth(lane)
        stored = tables.pause(lane)
        pause = pause_left(stored, now)
        if stored.until > now + pause:
            # A clock that was ahead has set it. It must end anyway, so what is stored is corrected.
            tables.set_pause(lane, Pause(now + pause, pause))
        if not batches:
            depths[lane] = LaneDepth(pause=pause)
            continue
        wanted = 0 if pause else count
        # One more, so the next one that is due is among them.
        candidates = tables.candidates(lane, wanted + 1)
        choice = choose(candidates, wanted, owner=owner, now=now, held=held)
        if choice.is_ahead:
            tables.correct(lane, now, leases=now + LEASE_SECONDS, longest=now + LONGEST_PAUSE_SECONDS)
        if choice.ids:
            leases += tables.take(choice.ids, owner, now + LEASE_SECONDS)
        due = choice.next_due
        if due is not None and pause:
            due = max(due, now + pause)
        depths[lane] = LaneDepth(batches, events, choice.leased_elsewhere, due, pause)
    return Leased(leases, depths)


def mark(tables: Tables, lane: Lane, now: float, *, stopped: str | None, paused_until: float | None) -> None:
    """Note why a lane has stopped, or until when it is paused at least; with neither, that it is not stopped."""
    if stopped is not None or paused_until is None:
        tables.mark(lane, now, stopped)
    if paused_until is not None:
        seconds = max(0.0, paused_until - now)
        if seconds >= pause_left(tables.pause(lane), now):
            tables.set_pause(lane, Pause(paused_until, seconds))


def make_due(tables: Tables, lanes: Sequence[Lane], now: float) -> int:
    """Let everything in some lanes be due now, and end their pauses; return how many events were due later."""
    events = 0
    for lane in lanes:
        if pause_left(tables.pause(lane), now):
            tables.set_pause(lane, Pause())
        events += tables.make_due(lane, now)
    return events
