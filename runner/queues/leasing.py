"""The operation behind `lease`: what may be sent of some lanes, and how much they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .contract import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, LaneDepth, Leased
from .rules import choose, is_held

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        paused_until = tables.paused_until(lane)
        pause = min(max(paused_until - now, 0.0), LONGEST_PAUSE_SECONDS)
        if not batches:
            depths[lane] = LaneDepth(pause=pause)
            continue
        wanted = 0 if pause else count
        # One more, so that the next one that is due is among them.
        candidates = tables.candidates(lane, wanted + 1)
        choice = choose(candidates, wanted, owner=owner, now=now, held=held)
        if choice.outlasts or paused_until > now + LONGEST_PAUSE_SECONDS:
            # It must end all the same, so what is stored is corrected.
            tables.shorten(lane, leases=now + LEASE_SECONDS, pause=now + LONGEST_PAUSE_SECONDS)
        if choice.ids:
            leases += tables.take(choice.ids, owner, now + LEASE_SECONDS)
        due = choice.next_due
        if due is not None and pause:
            due = max(due, now + pause)
        depths[lane] = LaneDepth(batches, events, choice.leased_elsewhere, due, pause)
    return Leased(leases, depths)
