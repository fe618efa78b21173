"""The acceptor: the only way by which events enter. It plans them, queues them, and returns once they are on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..queues.contract import (
    Checkpoint,
    DeadLetter,
    Origins,
    Put,
    PutResult,
    QueuedBatch,
    QueueFullError,
    RereadText,
)
from ..sources.contract import Origin
from .fullness import LONGEST_WAIT_FOR_ROOM
from .notices import Notice
from .partial_acceptance import take_accepted
from .receipt import Receipt
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ...definitions import Destination, Outcome, PlannedRequest
    from ..queues.contract import Lane, Queue, Token
    from ..sources.contract import Chunk
    from .clock import Clock
    from .fullness import Fullness
    from .notices import Observer

GATHER_SECONDS = 0.01
"""How long a small chunk waits for company, so that callers at the same time share batches and commits."""

_ENOUGH_EVENTS = 500
"""With so many events there is no need to wait for more."""

_MOST_EVENTS = 10_000
_MOST_BYTES = 16 * 1024 * 1024
"""No more is planned together than so many events or bytes: a batch holds its events, however small its payloads."""

_PLACE_BITS = 56
_PLACE_MASK = (1 << _PLACE_BITS) - 1
_FIRST_WAIT_FOR_ROOM = 1.0
_WRITER = "acceptor"


@dataclass(slots=True)
class _Submission:
    """A chunk on its way, and who waits for its receipt. A `patient` caller waits for room in a full queue."""

    chunk: Chunk
    patient: bool
    future: asyncio.Future[Receipt]
    receipt: Receipt

    @property
    def size(self) -> int:
        """The bytes of the events."""
        return sum(map(len, self.chunk.texts))


@dataclass(slots=True)
class _Planned:
    """What some chunks came to."""

    batches: list[QueuedBatch] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    too_old: dict[int, AbstractSet[int]] = field(default_factory=dict)


class Acceptor:
    """Plans chunks of events for one destination and queues what they come to. Any number of tasks may call it.

    `token` returns the next token of the run. `put` is called with each lane that something was put into, and the
    number of events. `accepted` is called with the receipts and the result of each put. An event older than `keep_days`
    is not put unless `allow_old` is set: the queue no longer knows whether it was delivered.
    """

    def __init__(
        self,
        destination: Destination,
        queue: Queue,
        *,
        account: str,
        token: Callable[[], Token],
        clock: Clock,
        notify: Observer,
        fullness: Fullness,
        put: Callable[[Lane, int], None] = lambda _lane, _events: None,
        accepted: Callable[[Sequence[Receipt], PutResult], None] = lambda _receipts, _result: None,
        batch_size: int | None = None,
        keep_days: float = 400,
        allow_old: bool = False,
        counts_nobodies: bool = False,
    ) -> None:
        self._planner = destination.planner(max_events=batch_size)
        self._time_fields = {key: action.time_field for key, action in destination.definition.actions.items()}
        self._account = account
        self._queue = queue
        self._clock = clock
        self._notify = notify
        self._fullness = fullness
        self._put = put
        self._accepted = accepted
        self._keep_days = None if allow_old else keep_days
        self._counts_nobodies = counts_nobodies
        self._token = token
        self._waiting: deque[_Submission] = deque()
        self._waiting_events = 0
        self._arrived = asyncio.Event()
        self._again: list[_Submission] = []
        self._futures: set[asyncio.Future[Receipt]] = set()
        self._collecting: asyncio.Task[None] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._gave_up = False
        self._look_again = asyncio.Event()
        self._broken: BaseException | None = None

    async def accept(self, chunk: Chunk, *, patient: bool = False) -> Receipt:
        """Accept a chunk; return its receipt once its events are on disk.

        Callers at the same time share batches and commits; a single caller waits about 10 ms for that. The chunks of
        one caller are accepted in the order of the calls. Raises QueueFullError if the queue is full; a `patient`
        caller waits for room instead.
        """
        if self._broken is not None:
            raise self._broken
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        self._waiting.append(_Submission(chunk, patient, future, Receipt(chunk)))
        self._waiting_events += len(chunk)
        self._arrived.set()
        if self._collecting is None:
            self._collecting = asyncio.create_task(self._collect())
        # A caller may be cancelled. What it gave is accepted all the same, and `close` waits for that.
        return await asyncio.shield(future)

    def unaccepted(self, chunk: Chunk, message: str) -> Iterator[DeadLetter]:
        """Yield a dead letter for each text of a chunk that was not accepted."""
        texts = [*zip(chunk.places, chunk.texts, strict=True), *((text.place, text.text) for text in chunk.unreadable)]
        for place, text in texts:
            yield DeadLetter("exhausted", message, Origin(chunk.source, place, chunk.unit), text, account=self._account)

    def give_up(self) -> None:
        """Let patient callers wait no longer for room in a full queue."""
        self._gave_up = True
        self._look_again.set()

    def look_again(self) -> None:
        """Let patient callers try again: something was settled, so there may be room."""
        self._look_again.set()

    async def close(self) -> None:
        """Finish what was accepted."""
        if self._futures:
            await asyncio.wait(self._futures)
        if self._collecting is not None:
            self._collecting.cancel()

    async def _collect(self) -> None:
        """Plan what has arrived, and have it committed while the next is planned."""
        group: list[_Submission] = []
        try:
            while True:
                await self._arrived.wait()
                if self._waiting_events < _ENOUGH_EVENTS:
                    await self._gather()
                group = self._group()
                planned = self._plan(group)
                if self._committing is not None:
                    await asyncio.wait({self._committing})
                    if self._again:
                        # What is accepted again must not be overtaken, so it is planned again with what follows.
                        self._again, group = [], self._again + group
                        planned = self._plan(group)
                if self._broken is not None:
                    raise self._broken  # noqa: TRY301 - what follows a failure fails too
                self._committing = asyncio.create_task(self._commit(group, planned))
        except Exception as error:  # noqa: BLE001 - whoever waits for a receipt must not wait for ever
            self._break(error, group)

    async def _gather(self) -> None:
        """Wait a moment for other callers, and for the commit that is under way, which delays this one anyway."""
        await self._clock.sleep(GATHER_SECONDS)
        if self._committing is not None:
            await asyncio.wait({self._committing})

    def _group(self) -> list[_Submission]:
        group, self._again = self._again, []
        events = size = 0
        while self._waiting and (
            not group
            or (events + len(self._waiting[0].chunk) <= _MOST_EVENTS and size + self._waiting[0].size <= _MOST_BYTES)
        ):
            group.append(self._waiting.popleft())
            events += len(group[-1].chunk)
            size += group[-1].size
        self._waiting_events -= events
        if not self._waiting:
            self._arrived.clear()
        return group

    def _plan(self, group: Sequence[_Submission]) -> _Planned:
        """Plan some chunks together. Batches end with them, so that a checkpoint is never ahead of its events."""
        planned = _Planned()
        outcomes: list[Outcome] = []
        requests: list[PlannedRequest] = []
        for number, submission in enumerate(group):
            chunk = submission.chunk
            submission.receipt = Receipt(chunk, self._counts_nobodies)
            submission.receipt.reject_unreadable(self._account)
            indexes = [(number << _PLACE_BITS) | place for place in chunk.places] if number else chunk.places
            plan = self._planner.feed_texts(chunk.texts, indexes)
            submission.receipt.misspelt_flags = plan.misspelt_flags
            outcomes += plan.turned_down
            requests += plan.requests
        plan = self._planner.flush()
        outcomes += plan.turned_down
        requests += plan.requests
        chunks = [submission.chunk for submission in group]
        oldest = self._oldest_allowed()
        for request in requests:
            queued = self._queued(request, chunks)
            if oldest is not None and request.batch.oldest is not None and request.batch.oldest < oldest:
                planned.too_old[len(planned.batches)] = _older_than(oldest, queued, self._time_fields[request.action])
            planned.batches.append(queued)
        for outcome in outcomes:
            receipt = group[outcome.index >> _PLACE_BITS].receipt
            receipt.note(outcome, outcome.index & _PLACE_MASK, self._account)
        for submission in group:
            planned.dead_letters += submission.receipt.rejected
        return planned

    def _oldest_allowed(self) -> str | None:
        if self._keep_days is None:
            return None
        return f"{self._clock.now() - timedelta(days=self._keep_days):%Y-%m-%d}"

    def _queued(self, planned: PlannedRequest, chunks: Sequence[Chunk]) -> QueuedBatch:
        indexes = planned.batch.indexes
        first, last = indexes[0] >> _PLACE_BITS, indexes[-1] >> _PLACE_BITS
        if first == last:
            chunk = chunks[first]
            places = tuple([index & _PLACE_MASK for index in indexes]) if first else indexes
            origins = Origins((chunk.source,), places, (chunk.unit,))
        else:
            # Events of a batch are in the order of the chunks, except for those that were planned by themselves.
            found = [chunks[index >> _PLACE_BITS] for index in indexes]
            origins = Origins(
                tuple([chunk.source for chunk in found]),
                tuple([index & _PLACE_MASK for index in indexes]),
                tuple([chunk.unit for chunk in found]),
            )
        # An exchange that has begun is good for one attempt, and there may be more of them.
        return QueuedBatch(self._account, planned.batch, origins, planned if planned.exchange is None else None)

    async def _commit(self, group: list[_Submission], planned: _Planned) -> None:
        """Put what was planned, and give each caller a receipt."""
        try:
            await self._put_all(group, planned)
        except Exception as error:  # noqa: BLE001 - whoever waits for a receipt must not wait for ever
            self._break(error, group)
        finally:
            self._committing = None

    async def _put_all(self, group: list[_Submission], planned: _Planned) -> None:
        wait = _FIRST_WAIT_FOR_ROOM
        done, left = list[Put](), [self._puts(group, planned)]
        while left:
            try:
                result = await self._queue.put(left[0])
            except QueueFullError as error:
                if self._refuse_impatient(group, error):
                    self._again = group
                    if group:
                        self._arrived.set()
                    return
                if len(left[0].batches) > 1 and _are_known_by_id(left[0]):
                    left[:1] = self._one_by_one(left[0])
                    continue
                self._fullness.failed(_WRITER, error)
                if self._gave_up:
                    parts = take_accepted([submission.chunk for submission in group], done, left)
                    self._accepted([Receipt(part) for part in parts], PutResult())
                    raise
                self._look_again.clear()
                await ends_before(self._look_again, self._clock.sleep(wait))
                wait = min(wait * 2, LONGEST_WAIT_FOR_ROOM)
            else:
                if _WRITER in self._fullness.writers:
                    self._fullness.succeeded(_WRITER)
                done.append(left.pop(0))
                self._note_put(done[-1], result, [] if left else group)

    def _refuse_impatient(self, group: list[_Submission], error: QueueFullError) -> bool:
        """Tell callers who do not wait for room that there is none; return whether there were any.

        The chunks of the others are planned again, since batches were shared.
        """
        impatient = [submission for submission in group if not submission.patient]
        for submission in impatient:
            _fail(submission, error)
            group.remove(submission)
        return bool(impatient)

    def _puts(self, group: Sequence[_Submission], planned: _Planned) -> Put:
        chunks = [submission.chunk for submission in group]
        # The last checkpoint of a source counts.
        checkpoints = {
            key: Checkpoint(key, chunk.source, chunk.checkpoint, chunk.is_end)
            for chunk in chunks
            if chunk.key is not None and chunk.checkpoint is not None
            for key in (chunk.key, *chunk.other_keys)
        }
        reread = [
            RereadText(self._account, _begin_of(chunk), chunk.texts[0], chunk.earlier_path or chunk.path)
            for chunk in chunks
            if chunk.reread
        ]
        return Put(
            self._token(),
            planned.batches,
            planned.dead_letters,
            tuple(checkpoints.values()),
            reread=reread,
            too_old=planned.too_old,
        )

    def _one_by_one(self, put: Put) -> list[Put]:
        """Divide what is too much to be accepted together: the checkpoints are written with the last part."""
        *batches, last = range(len(put.batches))
        parts = [Put(self._token(), [put.batches[at]], too_old=_only(put.too_old, at)) for at in batches]
        rest = replace(put, token=self._token(), batches=[put.batches[last]], too_old=_only(put.too_old, last))
        return [*parts, rest]

    def _note_put(self, put: Put, result: PutResult, group: Sequence[_Submission]) -> None:
        """Pass on what was put, and hand out the receipts."""
        for batch, count in zip(put.batches, result.accepted, strict=True):
            self._put(batch.lane, count)
        if put.batches:
            events, duplicates = sum(result.accepted), len(result.duplicates)
            self._notify(Notice(kind="accepted", account=self._account, events=events, duplicates=duplicates))
        for letter in put.dead_letters:
            self._notify(
                Notice(kind="dead", account=self._account, events=1, reason=letter.reason, error=letter.message)
            )
        self._accepted([submission.receipt for submission in group], result)
        for submission in group:
            if not submission.future.done():
                submission.future.set_result(submission.receipt)

    def _break(self, error: Exception, group: Sequence[_Submission]) -> None:
        """Accept nothing more: what comes later must not overtake what failed."""
        self._broken = error
        for submission in (*group, *self._again, *self._waiting):
            _fail(submission, error)
        self._again = []
        self._waiting.clear()
        self._waiting_events = 0


def _fail(submission: _Submission, error: Exception) -> None:
    if not submission.future.done():
        submission.future.set_exception(error)
        # A caller that was cancelled does not ask any more.
        submission.future.exception()


def _only(too_old: Mapping[int, AbstractSet[int]], batch: int) -> dict[int, AbstractSet[int]]:
    return {0: too_old[batch]} if batch in too_old else {}


def _begin_of(chunk: Chunk) -> Origin:
    """Return where a chunk begins. A batch was no batch, only text on its line, before it was complete."""
    first = Origin(chunk.source, chunk.places[0], chunk.unit)
    return first._replace(place=first.line)


def _are_known_by_id(put: Put) -> bool:
    """Return whether a part of it can be accepted again without being sent twice."""
    return all(key is not None for queued in put.batches for key in queued.batch.idempotency_keys)


def _older_than(oldest: str, queued: QueuedBatch, time_field: str | None) -> AbstractSet[int]:
    """Return the positions of events from before a day."""
    times = (payload.get(time_field or "") for payload in queued.batch.payloads)
    return {position for position, time in enumerate(times) if isinstance(time, str) and time < oldest}
