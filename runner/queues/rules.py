"""The rules of every queue, as pure functions: which events are new, which batches may be leased, and until when."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from .contract import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, QueueFullError
from .engine import EVERY_SHARD
from .owner import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from .contract import QueuedBatch
    from .engine import Candidate, Pause


class Sorting(NamedTuple):
    """The positions of a batch's events: new ones, ones whose name is known, and ones that repeat an earlier one."""

    new: list[int]
    known: list[int]
    repeated: list[int]


def all_new(names: Sequence[Hashable | None], distinct: AbstractSet[Hashable], known: Mapping[Hashable, int]) -> bool:
    """Return whether every event is new: no name is known, and none is there twice.

    This is decided without a look at single events, since it is so for nearly every batch.
    """
    return not known and (len(distinct) == len(names) or len(distinct) + names.count(None) == len(names))


def sort_events(names: Sequence[Hashable | None], known: Mapping[Hashable, int]) -> Sorting:
    """Return which events of a batch are new. Events without a name always are."""
    sorting = Sorting([], [], [])
    seen: set[Hashable] = set()
    for position, name in enumerate(names):
        if name is None:
            sorting.new.append(position)
        elif name in known:
            sorting.known.append(position)
        elif name in seen:
            sorting.repeated.append(position)
        else:
            seen.add(name)
            sorting.new.append(position)
    return sorting


def is_same_event(event: bytes, other: bytes) -> bool:
    """Return whether two JSON texts hold the same event: the order of keys and blanks make no difference."""
    if event == other:
        return True
    try:
        return _sorted_json(event) == _sorted_json(other)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False


def _sorted_json(text: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(text), order="sorted")


def check_limit(held: Mapping[str, int], batches: Sequence[QueuedBatch], limit: int) -> None:
    """Raise QueueFullError if batches would exceed a limit; `held` has the queued bytes of each account.

    Each account that has something queued has an equal share of the limit. While there is room, an account may take
    more than its share; up to its share it may queue events even if others have taken all. A single batch is never too
    large for an account that has nothing queued.
    """
    more: Counter[str] = Counter()
    batches_of: Counter[str] = Counter()
    for queued in batches:
        more[queued.account] += queued.size
        batches_of[queued.account] += 1
    total = sum(held.values())
    if total + more.total() <= limit:
        return
    share = limit // len({*more, *(account for account, size in held.items() if size)})
    for account, size in more.items():
        own = held.get(account, 0)
        if own + size > share and (own or batches_of[account] > 1):
            others = f", {total - own:,} of them for other accounts" if total > own else ""
            raise QueueFullError(f"{total:,} bytes are queued{others}, and no more than {limit:,} may be")


def is_held(candidate: Candidate, now: float) -> bool:
    """Return whether the lease of a batch holds: it has not expired, and its process has not ended."""
    return candidate.owner is not None and candidate.leased_until >= now and not has_ended(candidate.owner)


def moment_due(candidate: Candidate, now: float) -> float:
    """Return the moment at which a batch is due; one in the past, or now, if it is.

    A clock that was ahead when the batch was postponed must not hold it up: it waits no longer than it was to wait
    then, and not at all if it would be due later than any settlement may say.
    """
    if candidate.due > now + LONGEST_PAUSE_SECONDS:
        return now
    return min(candidate.due, now + candidate.wait)


def is_due(candidate: Candidate, now: float) -> bool:
    """Return whether a batch may be sent at a moment."""
    return moment_due(candidate, now) <= now


def pause_left(pause: Pause, now: float) -> float:
    """Return for how many seconds a lane is paused: never longer than when the pause was set, whatever the clock says.

    No pause is longer than LONGEST_PAUSE_SECONDS.
    """
    return max(0.0, min(pause.until - now, pause.seconds, LONGEST_PAUSE_SECONDS))


class Choice(NamedTuple):
    """What may be leased of a lane, in the order in which it was put, and what that leaves.

    `is_ahead` says that a moment is later than it can be: a clock that set it was ahead.
    """

    ids: list[int]
    leased_elsewhere: int
    next_due: float | None
    is_ahead: bool


def choose(
    candidates: Collection[Candidate], most: int, *, owner: str, now: float, held: Callable[[Candidate], bool]
) -> Choice:
    """Choose up to `most` batches of a lane for an owner.

    Only the oldest batch of a shard is a candidate, so each shard has one batch under way at a time. A batch of
    EVERY_SHARD waits until it is the oldest of all ordered batches, and all later ones wait for it.
    """
    heads = [candidate.id for candidate in candidates if candidate.shard is not None]
    every = next((candidate.id for candidate in candidates if candidate.shard == EVERY_SHARD), None)
    last = max(heads, default=0) if every is None else max(min(heads), every - 1)
    free: list[Candidate] = []
    elsewhere = 0
    for candidate in candidates:
        # An owner never leases again what it holds, even if it forgot to renew: it may still be sending it.
        if candidate.owner == owner and owner is not None:
            continue
        if candidate.owner is not None and held(candidate):
            elsewhere += 1
        elif candidate.shard is None or candidate.id <= last:
            free.append(candidate)
    free.sort(key=lambda candidate: (candidate.due, candidate.id))
    chosen = [candidate for candidate in free if is_due(candidate, now)][:most]
    ids = sorted(candidate.id for candidate in chosen)
    left = [moment_due(candidate, now) for candidate in free if candidate not in chosen]
    return Choice(ids, elsewhere, min(left, default=None), any(_is_ahead(each, now) for each in candidates))


def _is_ahead(candidate: Candidate, now: float) -> bool:
    is_leased_too_long = candidate.owner is not None and candidate.leased_until > now + LEASE_SECONDS
    return is_leased_too_long or candidate.accepted_at > now or candidate.due > max(now, now + candidate.wait)
