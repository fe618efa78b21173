"""The acceptor: the only way by which events enter. It plans them, queues them, and returns once they are on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ..queues.contract import CheckpointMovedError, DeadLetter, Put, PutResult, QueueFullError
from ..sources.contract import Origin
from .chunk_puts import are_known_by_id, one_by_one, put_of
from .fullness import LONGEST_WAIT_FOR_ROOM
from .notices import Notice, dead_notice
from .partial_acceptance import take_accepted
from .planning import ChunkPlanner, Planned
from .receipt import Receipt
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from ...definitions import Destination
    from ..queues.contract import Lane, Queue, Token
    from ..sources.contract import Chunk
    from .clock import Clock
    from .fullness import Fullness
    from .notices import Observer
    from .planning import Planners

GATHER_SECONDS = 0.01
"""How long a small chunk waits for company, so callers at the same time share batches and commits."""

_ENOUGH_EVENTS = 500
"""With so many events there is no need to wait for more."""

_LARGE_BYTES = 1024 * 1024
"""A chunk of so many bytes is large, however few events it holds."""

_MOST_BYTES = 16 * 1024 * 1024
"""No more bytes are planned together: a batch holds its events, however small its payloads."""

_FIRST_WAIT_FOR_ROOM = 1.0
_WRITER = "acceptor"


@dataclass(slots=True)
class _Submission:
    """A chunk on its way, and who waits for its receipt. A `patient` caller waits for room in a full queue."""

    chunk: Chunk
    patient: bool
    future: asyncio.Future[Receipt]

    @property
    def is_large(self) -> bool:
        """Whether it is planned by itself, so its batches do not depend on what arrives at the same time."""
        return self.patient and (self.chunk.count >= _ENOUGH_EVENTS or self.chunk.size >= _LARGE_BYTES)


class Acceptor:
    """Plans chunks of events for one destination and queues the result. Any number of tasks may call it.

    `token` returns the next token of the run. `put` is called with each lane that something was put into, and the
    number of events. `accepted` is called with the receipts and the result of each put. An event older than `keep_days`
    is not put unless `allow_old` is set: the queue no longer knows whether it was delivered. `planners` are other
    processes, which plan large chunks of patient callers; what they make is the same to the byte. `keeps_requests` is
    that of ChunkPlanner. `most_events` is the most that is planned together, which takes its time.
    `compares_contents` is that of Put.
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
        planners: Planners | None = None,
        keeps_requests: bool = True,
        most_events: int = 10_000,
        compares_contents: bool = False,
    ) -> None:
        self._compares_contents = compares_contents
        self._most_events = most_events
        self._planner = ChunkPlanner(
            destination,
            account,
            batch_size=batch_size,
            counts_nobodies=counts_nobodies,
            keeps_requests=keeps_requests,
        )
        self._planners = planners
        self._account = account
        self._queue = queue
        self._clock = clock
        self._notify = notify
        self._fullness = fullness
        self._put = put
        self._accepted = accepted
        self._keep_days = None if allow_old else keep_days
        self._token = token
        self._waiting: deque[_Submission] = deque()
        self._waiting_events = 0
        self._arrived = asyncio.Event()
        self._enough = asyncio.Event()
        # What is planned or being planned, and not put yet, in its order.
        self._line: deque[tuple[list[_Submission], Planned | Awaitable[Planned | None]]] = deque()
        self._line_moved = asyncio.Event()
        self._futures: set[asyncio.Future[Receipt]] = set()
        self._collecting: asyncio.Task[None] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._gave_up = False
        self._look_again = asyncio.Event()
        self._broken: BaseException | None = None

    async def accept(self, chunk: Chunk, *, patient: bool = False) -> Receipt:
        """Accept a chunk; return its receipt once its events are on disk.

        Callers at the same time share batches and commits; a single caller waits about 10 ms for that. The chunks of
        one caller are accepted in the order of the calls. Raises QueueFullError if the queue is full (a patient caller
        waits instead), and CheckpointMovedError if another reader has accepted more of a source with a fence.
        """
        if self._broken is not None:
            raise self._broken
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        self._waiting.append(_Submission(chunk, patient, future))
        self._waiting_events += chunk.count
        self._arrived.set()
        if self._waiting_events >= _ENOUGH_EVENTS:
            self._enough.set()
        if self._collecting is None:
            self._collecting = asyncio.create_task(self._collect())
        # A caller may be cancelled. What it gave is accepted anyway, and `close` waits for that.
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
        """Have what has arrived planned, and then committed in the same order."""
        group: list[_Submission] = []
        try:
            while True:
                await self._arrived.wait()
                if not self._enough.is_set():
                    await self._gather()
                group = self._group()
                planned = self._begin_to_plan(group)
                await self._room_in_line()
                if self._broken is not None:
                    raise self._broken  # noqa: TRY301 - what follows a failure fails too
                self._line.append((group, planned))
                if self._committing is None:
                    self._committing = asyncio.create_task(self._commit())
        except Exception as error:  # noqa: BLE001 - a caller must not wait for its receipt for ever
            self._break(error, group)

    async def _gather(self) -> None:
        """Wait a moment for other callers, and for the commit that is under way, which delays this one anyway."""
        await ends_before(self._enough, self._clock.sleep(GATHER_SECONDS))
        if self._committing is not None and not self._enough.is_set():
            await ends_before(self._enough, _end(self._committing))

    async def _room_in_line(self) -> None:
        """Wait until one group is committed and as few are planned as the planners need to be busy, without them none.

        Memory is bounded by that.
        """
        while self._committing is not None and len(self._line) >= (self._planners.ahead if self._planners else 0):
            self._line_moved.clear()
            await self._line_moved.wait()

    def _group(self) -> list[_Submission]:
        """Take what is planned together: a large chunk, or small ones in a row."""
        group: list[_Submission] = []
        events = size = 0
        while self._waiting:
            following = self._waiting[0]
            if group and (
                following.is_large
                or events + following.chunk.count > self._most_events
                or size + following.chunk.size > _MOST_BYTES
                or not _continues(group, following.chunk)
            ):
                break
            group.append(self._waiting.popleft())
            events += following.chunk.count
            size += following.chunk.size
            if following.is_large:
                break
        self._waiting_events -= events
        if not self._waiting:
            self._arrived.clear()
        if self._waiting_events < _ENOUGH_EVENTS:
            self._enough.clear()
        return group

    def _begin_to_plan(self, group: Sequence[_Submission]) -> Planned | Awaitable[Planned | None]:
        """Have a large chunk planned by another process, if there are any; plan everything else here and now."""
        if self._planners is not None and group[0].is_large:
            begun = self._planners.plan(group[0].chunk, self._oldest_allowed())
            if begun is not None:
                return begun
        return self._plan(group)

    def _plan(self, group: Sequence[_Submission]) -> Planned:
        """Plan some chunks together, here and now."""
        return self._planner.plan([submission.chunk for submission in group], self._oldest_allowed())

    def _oldest_allowed(self) -> str | None:
        if self._keep_days is None:
            return None
        return f"{self._clock.now() - timedelta(days=self._keep_days):%Y-%m-%d}"

    async def _commit(self) -> None:
        """Put everything that is in line, one group after the other, and give each caller a receipt."""
        group: list[_Submission] = []
        try:
            while self._line:
                group, begun = self._line.popleft()
                self._line_moved.set()
                planned = begun if isinstance(begun, Planned) else await begun
                await self._put_all(group, planned or self._plan(group))
        except Exception as error:  # noqa: BLE001 - a caller must not wait for its receipt for ever
            self._break(error, group)
        finally:
            self._committing = None
            self._line_moved.set()

    async def _put_all(self, group: list[_Submission], planned: Planned) -> None:
        wait = _FIRST_WAIT_FOR_ROOM
        done, left = list[Put](), [self._puts(group, planned)]
        while left:
            try:
                result = await self._queue.put(left[0])
            except CheckpointMovedError as error:
                if not self._refuse(group, error):
                    raise
                planned, left = self._planned_again(group)
            except QueueFullError as error:
                if self._refuse(group, error):
                    planned, left = self._planned_again(group)
                elif len(left[0].batches) > 1 and are_known_by_id(left[0]):
                    left[:1] = one_by_one(left[0], self._token)
                else:
                    await self._wait_for_room(error, wait, group, done, left)
                    wait = min(wait * 2, LONGEST_WAIT_FOR_ROOM)
            else:
                done.append(left.pop(0))
                self._note_put(done[-1], result, () if left else planned.receipts)
        for submission, receipt in zip(group, planned.receipts, strict=True):
            if not submission.future.done():
                submission.future.set_result(receipt)

    async def _wait_for_room(
        self, error: QueueFullError, seconds: float, group: list[_Submission], done: list[Put], left: list[Put]
    ) -> None:
        """Wait for this time, or until something was settled. Raises the error if nobody waits any more."""
        self._fullness.failed(_WRITER, error)
        if self._gave_up:
            parts = take_accepted([submission.chunk for submission in group], done, left)
            self._accepted([Receipt(part) for part in parts], PutResult())
            raise error
        self._look_again.clear()
        await ends_before(self._look_again, self._clock.sleep(seconds))

    def _refuse(self, group: list[_Submission], error: QueueFullError | CheckpointMovedError) -> bool:
        """Refuse the chunks that the error is about; return whether there are any.

        That is: of callers who do not wait for room, or of a source that another reader has read on meanwhile.
        """
        if isinstance(error, CheckpointMovedError):
            refused = [submission for submission in group if submission.chunk.key == error.key]
        else:
            refused = [submission for submission in group if not submission.patient]
        for submission in refused:
            _fail(submission, error)
            group.remove(submission)
        return bool(refused)

    def _planned_again(self, group: Sequence[_Submission]) -> tuple[Planned, list[Put]]:
        """Plan those who are left: batches were shared with those who are refused. Nothing is put if nobody is left."""
        planned = self._plan(group)
        return planned, [self._puts(group, planned)] if group else []

    def _puts(self, group: Sequence[_Submission], planned: Planned) -> Put:
        chunks = [submission.chunk for submission in group]
        return put_of(chunks, planned, self._account, self._token(), compares_contents=self._compares_contents)

    def _note_put(self, put: Put, result: PutResult, receipts: Sequence[Receipt]) -> None:
        """Pass on what was put; `receipts` are those of the chunks that it completed."""
        if _WRITER in self._fullness.writers:
            self._fullness.succeeded(_WRITER)
        for batch, count in zip(put.batches, result.accepted, strict=True):
            self._put(batch.lane, count)
        if put.batches:
            events, duplicates = sum(result.accepted), len(result.duplicates)
            self._notify(Notice(kind="accepted", account=self._account, events=events, duplicates=duplicates))
        by_source = {receipt.chunk.source: receipt for receipt in receipts} if result.conflicts else {}
        for conflict in result.conflicts:
            by_source[conflict.origin.source].note_conflict(conflict, self._account)
        for letter in put.dead_letters:
            self._notify(dead_notice(letter))
        self._accepted(receipts, result)

    def _break(self, error: Exception, group: Sequence[_Submission]) -> None:
        """Accept nothing more: what comes later must not overtake what failed."""
        self._broken = error
        in_line = [submission for waiting, _ in self._line for submission in waiting]
        for submission in (*group, *in_line, *self._waiting):
            _fail(submission, error)
        self._line.clear()
        self._waiting.clear()
        self._waiting_events = 0


async def _end(task: asyncio.Task[None]) -> None:
    """Wait until a task has ended, and leave it alone."""
    await asyncio.wait({task})


def _continues(group: Sequence[_Submission], chunk: Chunk) -> bool:
    """Return whether a chunk can be put with others: where its source is among them, it must begin where they end."""
    if chunk.fence is None:
        return True
    before = [submission.chunk.checkpoint for submission in group if submission.chunk.key == chunk.key]
    return not before or before[-1] == chunk.fence.expected


def _fail(submission: _Submission, error: Exception) -> None:
    if not submission.future.done():
        submission.future.set_exception(error)
        # A caller that was cancelled does not ask any more.
        submission.future.exception()
