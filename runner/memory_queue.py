"""A queue in memory, for runs that keep nothing: it forgets all when the process ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self

from ..definitions import AnswerError
from .queue import Fate, Lease, Waiting, letter_of
from .sources import STANDARD_INPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from .clock import Clock
    from .letter_file import LetterFile
    from .queue import Acceptance, Letter, QueuedBatch, Reason, Settlement, State

_MOST_REMEMBERED = 100_000
_NOT_SENT = AnswerError("it was not sent before the run ended")


@dataclass(slots=True)
class _Held:
    queued: QueuedBatch
    accepted_at: float
    due: float
    attempts: int = 0
    is_leased: bool = False
    error: AnswerError | None = None


class MemoryQueue:
    """The queue of one run, in its memory. Dead letters go to `letters`, when there are any.

    Ids are remembered for the latest 100,000 usage events.
    """

    is_durable = False

    def __init__(self, clock: Clock, letters: LetterFile | None = None) -> None:
        self._clock = clock
        self._letters = letters
        self._held: dict[int, _Held] = {}
        self._last = 0
        self._known: dict[str, dict[str, int]] = {}
        self._buried: dict[tuple[str, str], Reason] = {}
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

    async def put(self, acceptance: Acceptance) -> None:
        """Accept batches and dead letters."""
        for queued in acceptance.batches:
            self._put_batch(queued)
        for letter in acceptance.letters:
            self._write(letter)

    async def lease(self, most: Mapping[str, int]) -> list[Lease]:
        """Lease up to so many batches of each lane that are due, oldest first."""
        now = self._clock.now().timestamp()
        left = dict(most)
        leases: list[Lease] = []
        for number, held in self._held.items():
            lane = held.queued.lane
            if left.get(lane) and not held.is_leased and held.due <= now:
                held.is_leased = True
                left[lane] -= 1
                order_keys = held.queued.batch.order_keys
                leases.append(Lease(number, held.queued, held.attempts, held.accepted_at, order_keys))
        return leases

    async def settle(self, settlement: Settlement) -> None:
        """Note what became of a leased batch."""
        queued, number = settlement.lease.queued, settlement.lease.id
        self._delivered += len(settlement.delivered)
        for position, letter in settlement.dead.items():
            self._bury(queued, position, letter.reason)
            self._write(letter)
        gone = {*settlement.delivered, *settlement.dead}
        rest = [position for position in range(len(queued)) if position not in gone]
        held = self._held[number]
        if not rest:
            del self._held[number]
            return
        held.queued = queued if len(rest) == len(queued) else queued.part(rest)
        held.is_leased = False
        held.attempts += settlement.attempts
        held.due = max(held.due, settlement.due)
        held.error = settlement.error

    async def position(self, key: str) -> None:
        """Know of none: nothing outlives the run."""

    async def note_stop(self, account: str, action: str, error: str | None) -> None:
        """Forget it: the run tells it."""

    async def waiting(self, lanes: Sequence[str]) -> Waiting:
        """Tell what there is in some lanes that is not settled."""
        held = [item for item in self._held.values() if item.queued.lane in lanes]
        due = min((item.due for item in held if not item.is_leased), default=None)
        return Waiting(len(held), sum(len(item.queued) for item in held), sum(item.is_leased for item in held), due)

    async def fate(self) -> Fate:
        """Tell what has become of what this run put."""
        queued = sum(len(held.queued) for held in self._held.values())
        duplicates = self._duplicates + Counter(self._state(*pending) for pending in self._pending)
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

    def _put_batch(self, queued: QueuedBatch) -> None:
        known, keys = self._known.setdefault(queued.account, {}), queued.batch.idempotency_keys
        named = [key for key in keys if key is not None]
        if len(set(named)) < len(named) or not known.keys().isdisjoint(named):
            queued, named = self._without_duplicates(queued, known)
        if len(queued):
            self._last += 1
            self._hold(queued)
            known.update(dict.fromkeys(named, self._last))
            for key in list(islice(known, max(0, len(known) - _MOST_REMEMBERED))):
                del known[key]
                self._buried.pop((queued.account, key), None)

    def _hold(self, queued: QueuedBatch) -> None:
        now = self._clock.now().timestamp()
        self._held[self._last] = _Held(queued, now, now)

    def _without_duplicates(self, queued: QueuedBatch, known: Mapping[str, int]) -> tuple[QueuedBatch, list[str]]:
        """Count what is known already; give the rest and its ids."""
        fresh, named = [], dict[str, None]()
        for position, key in enumerate(queued.batch.idempotency_keys):
            if key is None:
                fresh.append(position)
            elif key not in known and key not in named:
                named[key] = None
                fresh.append(position)
            elif key in named or self._state(queued.account, key) == "queued":
                self._pending.append((queued.account, key))
            else:
                self._duplicates[self._state(queued.account, key)] += 1
        return queued.part(fresh), list(named)

    def _state(self, account: str, key: str) -> State:
        """Tell where a usage event is whose id is known, or was."""
        held = self._held.get(self._known[account].get(key, 0))
        if held is not None and key in held.queued.batch.idempotency_keys:
            return "queued"
        return self._buried.get((account, key), "delivered")

    def _bury(self, queued: QueuedBatch, position: int, reason: Reason) -> None:
        self._dead[reason] += 1
        if (key := queued.batch.idempotency_keys[position]) is not None:
            self._buried[queued.account, key] = reason

    def _write(self, letter: Letter) -> None:
        if self._letters is not None:
            self._letters.write(letter)
