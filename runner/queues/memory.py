"""A queue in memory, for runs that keep nothing: it forgets all when the process ends."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self, cast

from ...definitions import AnswerError
from ..sources.files import STANDARD_INPUT_NAME
from .contract import Fate, Lease, Leases, Waiting, letter_of
from .recent_ids import RecentIds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from ..delivery.clock import Clock
    from ..delivery.dead_letter_file import LetterFile
    from .contract import Acceptance, Letter, QueuedBatch, Reason, Settlement, State

_NOT_SENT = AnswerError("it was not sent before the run ended")


@dataclass(slots=True)
class _Held:
    queued: QueuedBatch
    accepted_at: float
    due: float
    attempts: int = 0
    error: AnswerError | None = None


class MemoryQueue:
    """The queue of one run, in its memory. Dead letters go to `letters`, when there are any.

    The ids of the latest usage events are remembered (MOST_REMEMBERED of them).
    """

    is_durable = False

    def __init__(self, clock: Clock, letters: LetterFile | None = None) -> None:
        self._clock = clock
        self._letters = letters
        self._held: dict[int, _Held] = {}
        self._waiting: dict[str, list[int]] = {}
        self._last = 0
        self._known: defaultdict[str, RecentIds] = defaultdict(RecentIds)
        self._delivered = 0
        self._dead: Counter[Reason] = Counter()
        self._duplicates: Counter[State] = Counter()
        self._pending: list[tuple[str, str]] = []

    async def __aenter__(self) -> Self:
        """Be ready."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget everything."""

    async def put(self, acceptance: Acceptance) -> list[int]:
        """Accept batches and dead letters; tell how many events of each batch were put."""
        counts = [self._put_batch(queued) for queued in acceptance.batches]
        for letter in acceptance.letters:
            self._write(letter)
        return counts

    async def lease(self, most: Mapping[str, int]) -> Leases:
        """Lease up to so many batches of each lane that are due, oldest first."""
        return Leases([lease for lane, count in most.items() for lease in self._leases(lane, count)])

    def _leases(self, lane: str, most: int) -> Iterator[Lease]:
        now = self._clock.now().timestamp()
        waiting = self._waiting.get(lane, [])
        due = (number for number in waiting if self._held[number].due <= now)
        for number in list(islice(due, most)):
            waiting.remove(number)
            held = self._held[number]
            yield Lease(number, held.queued, held.attempts, held.accepted_at, held.queued.batch.order_keys)

    async def settle(self, settlement: Settlement) -> None:
        """Note what became of a leased batch."""
        queued, number = settlement.lease.queued, settlement.lease.id
        self._delivered += len(settlement.delivered)
        for position, letter in settlement.dead.items():
            self._bury(queued, position, letter.reason)
            self._write(letter)
        held = self._held[number]
        if len(settlement.delivered) + len(settlement.dead) == len(queued):
            del self._held[number]
            return
        gone = {*settlement.delivered, *settlement.dead}
        rest = [position for position in range(len(queued)) if position not in gone]
        held.queued = queued if len(rest) == len(queued) else queued.part(rest)
        insort(self._waiting[queued.lane], number)
        held.attempts += settlement.attempts
        held.due = max(held.due, settlement.due)
        held.error = settlement.error

    async def position(self, key: str) -> None:
        """Know of none: nothing outlives the run."""

    async def note_stop(self, account: str, action: str, error: str | None) -> None:
        """Forget it: the run tells it."""

    async def note_pause(self, account: str, action: str, until: float) -> None:
        """Forget it: the run keeps to it."""

    async def waiting(self, lanes: Sequence[str]) -> Waiting:
        """Tell what there is in some lanes that is not settled."""
        held = [item for item in self._held.values() if item.queued.lane in lanes]
        waiting = [self._held[number].due for lane in lanes for number in self._waiting.get(lane, ())]
        events = sum(len(item.queued) for item in held)
        return Waiting(len(held), events, len(held) - len(waiting), min(waiting, default=None))

    async def fate(self) -> Fate:
        """Tell what has become of what this run put."""
        queued = sum(len(held.queued) for held in self._held.values())
        duplicates = self._duplicates + Counter(self._state(*pending) or "delivered" for pending in self._pending)
        return Fate(self._delivered, self._dead, queued, duplicates)

    async def leave(self, error: AnswerError | None) -> None:
        """Give up what is not settled: as exhausted, or, where `error` ended the run, as unsent.

        What is unsent is in its file still; only what came from standard input has a letter.
        """
        for held in list(self._held.values()):
            for position in range(len(held.queued)):
                if error is None:
                    self._bury(held.queued, position, "exhausted")
                    self._write(letter_of(held.queued, position, held.error or _NOT_SENT, "exhausted"))
                elif held.queued.places.at(position)[0] == STANDARD_INPUT_NAME and self._letters is not None:
                    self._letters.write(letter_of(held.queued, position, error, "exhausted"), reason="unsent")
        if error is None:
            self._held.clear()
            self._waiting.clear()

    def _put_batch(self, queued: QueuedBatch) -> int:
        """Hold what is not known yet; tell how much that is."""
        known, keys = self._known[queued.account], queued.batch.idempotency_keys
        named = cast("set[str]", set(keys) - {None})
        nameless = keys.count(None) if len(named) < len(keys) else 0
        if len(named) < len(keys) - nameless or known.has_any(named):
            queued, named = self._without_duplicates(queued)
        if len(queued):
            self._last += 1
            self._hold(queued)
            known.add(named, self._last)
        return len(queued)

    def _hold(self, queued: QueuedBatch) -> None:
        now = self._clock.now().timestamp()
        self._held[self._last] = _Held(queued, now, now)
        self._waiting.setdefault(queued.lane, []).append(self._last)

    def _without_duplicates(self, queued: QueuedBatch) -> tuple[QueuedBatch, set[str]]:
        """Count what is known already; give the rest and its ids."""
        fresh: list[int] = []
        named: set[str] = set()
        for position, key in enumerate(queued.batch.idempotency_keys):
            if key is None:
                fresh.append(position)
                continue
            state = "queued" if key in named else self._state(queued.account, key)
            if state is None:
                named.add(key)
                fresh.append(position)
            elif state == "queued":
                self._pending.append((queued.account, key))
            else:
                self._duplicates[state] += 1
        return queued.part(fresh), named

    def _state(self, account: str, key: str) -> State | None:
        """Tell where the usage event of an id is; None when it is unknown."""
        found = self._known[account].find(key)
        if not isinstance(found, int):
            return found
        held = self._held.get(found)
        return "queued" if held is not None and key in held.queued.batch.idempotency_keys else "delivered"

    def _bury(self, queued: QueuedBatch, position: int, reason: Reason) -> None:
        self._dead[reason] += 1
        if (key := queued.batch.idempotency_keys[position]) is not None:
            self._known[queued.account].bury(key, reason)

    def _write(self, letter: Letter) -> None:
        if self._letters is not None:
            self._letters.write(letter)
