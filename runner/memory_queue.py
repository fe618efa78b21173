"""A queue in memory, for runs that keep nothing: it forgets all when the process ends."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ..definitions import AnswerError
from .queue import Fate, Lease, Waiting, letter_of
from .sources import STANDARD_INPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
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
        self._known: OrderedDict[tuple[str, str], State] = OrderedDict()
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

    async def lease(self, lanes: Sequence[str], most: int) -> list[Lease]:
        """Lease up to so many batches that are due, oldest first, in order for each order key."""
        now = self._clock.now().timestamp()
        busy: dict[str, set[str]] = {lane: set() for lane in lanes}
        for held in self._held.values():
            if held.is_leased and held.queued.lane in busy:
                busy[held.queued.lane] |= held.queued.batch.order_keys
        leases: list[Lease] = []
        for number, held in self._held.items():
            if len(leases) == most:
                break
            lane = held.queued.lane
            if held.is_leased or held.due > now or lane not in busy:
                continue
            if busy[lane].isdisjoint(held.queued.batch.order_keys):
                held.is_leased = True
                leases.append(Lease(number, held.queued, held.attempts, held.accepted_at))
            busy[lane] |= held.queued.batch.order_keys
        return leases

    async def settle(self, settlement: Settlement) -> None:
        """Note what became of a leased batch."""
        queued, number = settlement.lease.queued, settlement.lease.id
        for position in settlement.delivered:
            self._remember(queued, position, "delivered")
        self._delivered += len(settlement.delivered)
        for position, letter in settlement.dead.items():
            self._remember(queued, position, letter.reason)
            self._dead[letter.reason] += 1
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
        duplicates = self._duplicates + Counter(self._known.get(key, "delivered") for key in self._pending)
        return Fate(self._delivered, self._dead, queued, duplicates)

    async def leave(self, error: AnswerError | None) -> None:
        """Give up what is not settled: as exhausted, or, where `error` ended the run, as unsent.

        What is unsent is in its file still; only what came from standard input has a letter.
        """
        for held in list(self._held.values()):
            for position in range(len(held.queued)):
                if error is None:
                    self._remember(held.queued, position, "exhausted")
                    self._dead["exhausted"] += 1
                    self._write(letter_of(held.queued, position, held.error or _NOT_SENT, "exhausted"))
                elif held.queued.places.at(position)[0] == STANDARD_INPUT_NAME and self._letters is not None:
                    self._letters.write(letter_of(held.queued, position, error, "exhausted"), reason="unsent")
        if error is None:
            self._held.clear()

    def _put_batch(self, queued: QueuedBatch) -> None:
        fresh = []
        for position, key in enumerate(queued.batch.idempotency_keys):
            if key is None:
                fresh.append(position)
            elif (state := self._known.get((queued.account, key))) is not None:
                if state == "queued":
                    self._pending.append((queued.account, key))
                else:
                    self._duplicates[state] += 1
            else:
                fresh.append(position)
                self._remember(queued, position, "queued")
        if fresh:
            self._hold(queued if len(fresh) == len(queued) else queued.part(fresh))

    def _hold(self, queued: QueuedBatch) -> None:
        now = self._clock.now().timestamp()
        self._last += 1
        self._held[self._last] = _Held(queued, now, now)

    def _remember(self, queued: QueuedBatch, position: int, state: State) -> None:
        key = queued.batch.idempotency_keys[position]
        if key is None:
            return
        self._known[queued.account, key] = state
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)

    def _write(self, letter: Letter) -> None:
        if self._letters is not None:
            self._letters.write(letter)
