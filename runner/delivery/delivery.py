"""A delivery: what sources hold is put into a queue, and what is in the queue is sent, at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...definitions import AnswerError, ConfigurationError, StoppedError
from ..queues.contract import QueueFullError, lane_name
from .backpressure import Backlog
from .dispatcher import Dispatcher, full
from .intake import Intake, SourceError
from .notices import to_all
from .room import Room
from .sending import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...definitions import Destination
    from ..queues.contract import Queue
    from ..sources.files import Source
    from ..transports.http import Transport
    from .clock import Clock
    from .notices import Hook
    from .retry_policy import Patience
    from .run_report import Tally


class InterruptionError(StoppedError):
    """Somebody asked the run to stop."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a delivery sends.

    - `batch_size`: the most events in one request; None means all that it may carry.
    - `concurrency`: the most requests at once, for each lane.
    - `rate`: the most requests a second, for each lane; None means any number.
    - `longest_wait`: the run ends when what is left is due later than so many seconds; None means never.
    - `grace`: how many seconds what is in flight may take when the run is interrupted.
    """

    patience: Patience
    batch_size: int | None = None
    concurrency: int = 4
    rate: float | None = None
    longest_wait: float | None = None
    grace: float = 10.0


class Delivery:
    """One run for one destination. What it accepts ends there or as a dead letter, or stays in the queue."""

    def __init__(
        self,
        destination: Destination,
        queue: Queue,
        transport: Transport,
        rules: Rules,
        *,
        tally: Tally,
        clock: Clock,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self.account = self.account_of(destination)
        self._queue = queue
        self._rules = rules
        self._tally = tally
        self._clock = clock
        tell = to_all((tally.hear, *hooks))
        self._stopping = asyncio.Event()
        sender = Sender(destination, transport, rules.patience, clock, tell, self._stopping)
        lanes = [(self.account, action) for action in destination.definition.actions]
        self.lanes = [lane_name(*lane) for lane in lanes]
        backlog, room = Backlog(queue, self.lanes, clock), Room(tell)
        self._dispatcher = Dispatcher(
            queue,
            sender,
            lanes,
            clock=clock,
            tell=tell,
            backlog=backlog,
            room=room,
            concurrency=rules.concurrency,
            rate=rules.rate,
            longest_wait=rules.longest_wait,
            stopped=self._lanes_have_stopped,
        )
        self._intake = Intake(
            destination,
            queue,
            account=self.account,
            tally=tally,
            clock=clock,
            tell=tell,
            backlog=backlog,
            room=room,
            batch_size=rules.batch_size,
            put=self._dispatcher.wake,
        )
        self._ending: asyncio.Task[None] | None = None

    @staticmethod
    def account_of(destination: Destination) -> str:
        """Name the account of a destination among all that one outbox may hold."""
        return f"{destination.definition.slug} {destination.account}"

    async def run(self, sources: Sequence[Source]) -> AnswerError | None:
        """Deliver what some sources hold, and what the queue holds already; give the reason when that ended early."""
        began = self._clock.monotonic()
        dispatching = asyncio.create_task(self._dispatcher.run())
        taking = asyncio.create_task(self._take(sources))
        try:
            await asyncio.wait({dispatching, taking}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                # What is left is due much later, or nothing is sent any more.
                self._intake.give_up_waiting_for_room()
                if self._dispatcher.stopped is None:
                    self._intake.stop(drain_seconds=0)
            error = await taking
            self._dispatcher.finish()
            await dispatching
        finally:
            dispatching.cancel()
            taking.cancel()
        if self._ending is not None:
            self._ending.cancel()
        ended = self._dispatcher.stopped or error
        await self._queue.leave(ended)
        self._tally.settle(await self._queue.fate())
        self._tally.seconds += self._clock.monotonic() - began
        self._tally.read_to_the_end = self._intake.read_to_the_end
        return ended

    def interrupt(self) -> None:
        """Take nothing more; what is in flight may end, what is not sent stays queued."""
        self._stopping.set()
        self._intake.stop(drain_seconds=0)
        self._intake.give_up_waiting_for_room()
        self._dispatcher.stop(InterruptionError("interrupted"))
        self._ending = asyncio.ensure_future(self._end_after_grace())

    def _lanes_have_stopped(self) -> None:
        self._intake.stop()

    async def _take(self, sources: Sequence[Source]) -> AnswerError | None:
        try:
            await self._intake.run(sources)
        except SourceError as error:
            return ConfigurationError(str(error))
        except QueueFullError as error:
            return full(error)
        return None

    async def _end_after_grace(self) -> None:
        await self._clock.sleep(self._rules.grace)
        self._dispatcher.abort()
