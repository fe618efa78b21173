"""A delivery: what sources yield is accepted, and what the queue holds is sent, at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...definitions import AnswerError, StoppedError
from ..queues.contract import ExportedBatch, Lane, QueueFullError, Token, dead_letter_of
from .acceptor import Acceptor
from .backpressure import Backpressure
from .dispatcher import Dispatcher
from .fullness import Fullness, full
from .intake import Intake
from .lane import ActiveLane
from .limiter import Limiter
from .notices import Only, to_all
from .planned_puts import PlannedPuts
from .planning import PlannersError
from .sending import SHORT_WAIT, Sender
from .shared_rate import SharedRate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence

    from ...definitions import Destination
    from ..queues.contract import DeadLetter, PutResult, Queue, Settlement
    from ..sources.contract import Chunk, Source
    from ..transports.contract import Transport
    from .clock import Clock
    from .notices import Notice, Observer
    from .planning import Planners
    from .receipt import Receipt
    from .retry_policy import RetryPolicy
    from .run_report import RunReport

DEFAULT_CONCURRENCY = 16

_SHORTEST_WAIT_FOR_ROOM = 1.0
_NOT_SENT = AnswerError("it was not sent before the run ended")


class InterruptionError(StoppedError):
    """Somebody asked the run to stop."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a delivery sends.

    - `batch_size`: the most events in one request. None means all that it may carry.
    - `concurrency`: the most requests in flight, for each lane.
    - `rate`: the most requests a second, for each lane. None means any number.
    - `longest_wait`: the run ends when everything left is due later than so many seconds. None means never.
    - `grace`: how many seconds requests in flight may take when the run is interrupted.
    - `keep_days`: events older than this are sent only if their ID is known, unless `allow_old` is set.
    - `counts_nobodies`: an event that lacks only the identifier of its customer is counted, not kept.
    """

    policy: RetryPolicy
    batch_size: int | None = None
    concurrency: int = DEFAULT_CONCURRENCY
    rate: float | None = None
    longest_wait: float | None = None
    grace: float = 10.0
    keep_days: float = 400
    allow_old: bool = False
    counts_nobodies: bool = False


class Delivery:
    """One run for one destination. What it accepts is delivered, becomes a dead letter, or stays in the queue.

    `write_dead_letter` is called with each dead letter once it is stored, and with each event that a queue which is
    not durable leaves behind (for the reason "unsent" if the run was stopped).
    """

    def __init__(
        self,
        destination: Destination,
        queue: Queue,
        transport: Transport,
        rules: Rules,
        *,
        report: RunReport,
        clock: Clock,
        observers: Sequence[Observer] = (),
        write_dead_letter: Callable[[DeadLetter, str | None], None] = lambda _letter, _reason: None,
        planners: Planners | None = None,
    ) -> None:
        self.account = account_of(destination)
        self._queue = queue
        self._rules = rules
        self._report = report
        self._clock = clock
        self._write_dead_letter = write_dead_letter
        report.run = secrets.randbits(62)
        self._token = Token(report.run, 0)
        notify = to_all(
            (Only(report.observe, "attempted", "delivered"), Only(self._note_fullness, "full", "room"), *observers)
        )
        self._stopping = asyncio.Event()
        self._fullness = Fullness(notify, self._wake)
        lanes = active_lanes(destination, rules, clock)
        self._backpressure = Backpressure(lanes, self._wake)
        self._shared_rate = SharedRate(queue, clock, lanes)
        self._dispatcher = Dispatcher(
            queue,
            Sender(destination, transport, rules.policy, clock, notify, self._stopping, _longest_short_wait(rules)),
            lanes,
            clock=clock,
            notify=notify,
            backpressure=self._backpressure,
            fullness=self._fullness,
            settled=self._settled,
            longest_wait=rules.longest_wait,
            on_stop=self._lanes_have_stopped,
        )
        self.acceptor = Acceptor(
            destination,
            queue,
            account=self.account,
            token=self.next_token,
            clock=clock,
            notify=notify,
            fullness=self._fullness,
            put=self._dispatcher.put,
            accepted=self._accepted,
            batch_size=rules.batch_size,
            keep_days=rules.keep_days,
            allow_old=rules.allow_old,
            counts_nobodies=rules.counts_nobodies,
            planners=planners,
        )
        self._intake = Intake(
            self.acceptor,
            clock=clock,
            backpressure=self._backpressure,
            checkpoints=queue.checkpoints if queue.is_durable else None,
            unaccepted=self._keep_unaccepted,
            planners=planners,
        )
        self._planned_puts = PlannedPuts(
            queue,
            account=self.account,
            token=self.next_token,
            clock=clock,
            notify=notify,
            fullness=self._fullness,
            backpressure=self._backpressure,
            put=self._dispatcher.put,
            accepted=self._accepted,
        )
        self._unrepeatable: set[str] = set()
        self._settled_events = 0
        self._ending: asyncio.Task[None] | None = None
        self._waiting_for_room: asyncio.Task[None] | None = None

    def next_token(self) -> Token:
        """Return the token of the next put of this run."""
        self._token = self._token._replace(number=self._token.number + 1)
        return self._token

    async def run(self, sources: Sequence[Source]) -> AnswerError | None:
        """Deliver what some sources hold, and what the queue holds already; return why that ended early, if it did."""
        error = await self._run(self._take(sources))
        self._report.read_to_the_end = self._intake.read_to_the_end
        self._report.sources = self._intake.results
        return await self._close(error)

    async def feed(self, feeding: Callable[[PlannedPuts], Awaitable[None]]) -> AnswerError | None:
        """Deliver what `feeding` puts that plans by itself, and what the queue holds; return why that ended early."""
        return await self._close(await self._run(self._fed(feeding)))

    async def _run(self, taken: Coroutine[Any, Any, AnswerError | None]) -> AnswerError | None:
        async with self._running() as dispatching:
            taking = asyncio.create_task(taken)
            try:
                await asyncio.wait({dispatching, taking}, return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    # What is left is due much later, or nothing is sent any more.
                    self.acceptor.give_up()
                    self._planned_puts.stop()
                    if self._dispatcher.stopped is None:
                        self._intake.stop(drain_seconds=0)
                error = await taking
            finally:
                taking.cancel()
        return self._dispatcher.stopped or error

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Acceptor]:
        """Deliver what the acceptor accepts for as long as the block lasts, and then the rest."""
        async with self._running():
            yield self.acceptor
        await self._close(self._dispatcher.stopped)

    def interrupt(self) -> None:
        """Accept nothing more. Requests in flight may end; what is not sent stays queued."""
        self._end(InterruptionError("interrupted"))

    def _end(self, reason: StoppedError) -> None:
        self._stopping.set()
        self._intake.stop(drain_seconds=0)
        self.acceptor.give_up()
        self._planned_puts.stop()
        self._dispatcher.stop(reason)
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end_after_grace())

    def _note_fullness(self, notice: Notice) -> None:
        """Wait for room no longer than for a retry."""
        if notice.kind == "full" and self._rules.longest_wait is not None:
            self._waiting_for_room = asyncio.ensure_future(self._end_without_room(notice.error))
        elif notice.kind == "room" and self._waiting_for_room is not None:
            self._waiting_for_room.cancel()

    async def _end_without_room(self, error: str) -> None:
        """End the run when nothing was settled for as long as it waits for retries: only that leaves room behind."""
        while True:
            settled = self._settled_events
            await self._clock.sleep(max(self._rules.longest_wait or 0, _SHORTEST_WAIT_FOR_ROOM))
            # A slow server may be about to take something, but not one that fails.
            is_sending = any(lane.sending and not lane.is_in_trouble for lane in self._dispatcher.lanes)
            if self._settled_events == settled and not is_sending:
                break
        self._end(StoppedError(f"the outbox accepts no more events: {error}; make room and run again"))

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[asyncio.Task[None]]:
        began = self._clock.monotonic()
        dispatching = asyncio.create_task(self._dispatcher.run())
        # A queue in memory is for this process alone.
        is_shared = self._rules.rate is not None and self._queue.is_durable
        sharing = asyncio.create_task(self._shared_rate.run()) if is_shared else None
        try:
            yield dispatching
            await self.acceptor.close()
            self._dispatcher.finish()
            await dispatching
        finally:
            if not dispatching.done():
                # Something has failed. What was sent must still be settled before the queue is closed.
                self.interrupt()
                await asyncio.wait({dispatching})
            if sharing is not None:
                sharing.cancel()
                # What went wrong there, the dispatcher has met, too.
                await asyncio.gather(sharing, return_exceptions=True)
            for task in (self._ending, self._waiting_for_room):
                if task is not None:
                    task.cancel()
            self._report.seconds += self._clock.monotonic() - began

    async def _close(self, ended: AnswerError | None) -> AnswerError | None:
        """Complete the report."""
        outcomes, states = await self._queue.outcomes(self._report.run, self._report.queued_duplicates)
        if self._queue.is_durable:
            # If there is no room to delete them, the next run does.
            with contextlib.suppress(QueueFullError):
                await self._queue.delete_old()
            self._report.next_due = await self._next_due()
            if self._report.next_due is not None:
                await self._note_kept()
        else:
            await self._leave(ended)
        self._report.deleted_dead_letters = self._queue.deleted_dead_letters
        # Without a durable queue nothing outlives the run, so unsent events are dropped and counted.
        self._report.close(outcomes, states, given_up=not self._queue.is_durable and ended is None)
        return ended

    async def _leave(self, ended: AnswerError | None) -> None:
        """Write a dead letter for each event that is left in a queue that is not durable.

        After a stop, events of a source that can be read again need none: the next run reads them.
        """
        async for item in self._queue.export():
            if not isinstance(item, ExportedBatch):
                continue
            for position in range(item.queued.count):
                if ended is None:
                    error = _NOT_SENT
                    if item.error is not None:
                        error = AnswerError(item.error, status_code=item.status_code, request_id=item.request_id)
                    self._write_dead_letter(dead_letter_of(item.queued, position, error, "exhausted"), None)
                elif item.queued.origins.at(position).source in self._unrepeatable:
                    self._write_dead_letter(dead_letter_of(item.queued, position, ended, "exhausted"), "unsent")

    async def _next_due(self) -> datetime | None:
        """Return when the next of what is left in the lanes of this run is due."""
        if not self._report.unsent and self._dispatcher.is_drained:
            return None
        # This only reads: a queue that is full or locked must not hide how the run has ended.
        own = {lane.key for lane in self._dispatcher.lanes}
        lanes = (await self._queue.status()).lanes
        moments = [lane.next_due for lane in lanes if (lane.account, lane.action) in own and lane.next_due is not None]
        return datetime.fromtimestamp(min(moments), UTC) if moments else None

    async def _note_kept(self) -> None:
        """Report what the queue keeps, and why, also of lanes that this run sent nothing of."""
        for lane in (await self._queue.status()).lanes:
            if lane.account == self.account and lane.queued:
                self._report.kept += lane.queued
                if lane.error is not None:
                    self._report.errors.setdefault((lane.account, lane.action), lane.error)

    def _settled(self, settlement: Settlement) -> None:
        self._settled_events += len(settlement.delivered) + len(settlement.dead)
        self._report.note_settled(settlement)
        self.acceptor.look_again()
        self._planned_puts.look_again()
        for letter in settlement.dead.values():
            self._write_dead_letter(letter, None)

    def _accepted(self, receipts: Sequence[Receipt], result: PutResult) -> None:
        self._report.note_accepted(receipts, result)
        for receipt in receipts:
            if receipt.chunk.key is None:
                self._unrepeatable.add(receipt.chunk.source)
            for letter in receipt.rejected:
                self._write_dead_letter(letter, None)

    def _keep_unaccepted(self, chunk: Chunk, error: Exception) -> None:
        """Write events that could not be accepted to the dead-letter file, since they cannot be read again."""
        for letter in self.acceptor.unaccepted(chunk, str(error)):
            self._report.unaccepted += 1
            self._write_dead_letter(letter, "unsent")

    def _wake(self) -> None:
        self._dispatcher.wake()

    def _lanes_have_stopped(self) -> None:
        self._planned_puts.stop()
        self._intake.stop()

    async def _fed(self, feeding: Callable[[PlannedPuts], Awaitable[None]]) -> AnswerError | None:
        try:
            await feeding(self._planned_puts)
        except QueueFullError as error:
            return full(error)
        return None

    async def _take(self, sources: Sequence[Source]) -> AnswerError | None:
        try:
            await self._intake.run(sources)
        except QueueFullError as error:
            return full(error)
        except PlannersError as error:
            return StoppedError(str(error))
        return None

    async def _end_after_grace(self) -> None:
        await self._clock.sleep(self._rules.grace)
        self._dispatcher.abort()


def account_of(destination: Destination) -> str:
    """Return the name of a destination's account among all that one outbox may hold."""
    return f"{destination.definition.slug} {destination.account}"


def active_lanes(destination: Destination, rules: Rules, clock: Clock) -> list[ActiveLane]:
    """Return a lane for each action of a destination, with a limiter of its own."""
    lanes, account = [], account_of(destination)
    for action, definition in destination.definition.actions.items():
        limiter = Limiter(clock, most=rules.concurrency, rate=rules.rate)
        events = 1 if definition.batch is None else min(definition.batch.events, rules.batch_size or 1_000_000)
        lanes.append(ActiveLane(Lane(account, action), limiter, events, randomness=rules.policy.randomness))
    return lanes


def _longest_short_wait(rules: Rules) -> float:
    """Return how long a request may wait before it is sent again at once: a run that does not wait leaves it."""
    return SHORT_WAIT if rules.longest_wait is None else min(SHORT_WAIT, rules.longest_wait)
