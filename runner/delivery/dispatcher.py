"""The dispatcher: leases what is due, lane by lane, has it sent, and settles what became of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ...definitions import CredentialsError, StoppedError
from ..queues.contract import Leases, QueueFullError, QueueLockedError, lane_name
from .lane import Lane
from .limiter import Limiter
from .notices import Occurrence
from .sending import Interrupted
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..queues.contract import Lease, Queue, Settlement
    from .backpressure import Backlog
    from .clock import Clock
    from .notices import Hook
    from .room import Room
    from .sending import Sender

_POLL_SECONDS = 0.5
_ROOM_SECONDS = 1.0
_WRITER = "dispatcher"


class Dispatcher:
    """Sends what is in the queue for one account, until it is told that no more comes and all is settled.

    It ends too when all that is left is due later than `longest_wait` seconds from now (None: it waits for ever), and
    when all lanes have stopped, of which `stopped` is told.
    """

    def __init__(
        self,
        queue: Queue,
        sender: Sender,
        lanes: Iterable[tuple[str, str]],
        *,
        clock: Clock,
        tell: Hook,
        backlog: Backlog,
        room: Room,
        concurrency: int,
        rate: float | None = None,
        longest_wait: float | None = None,
        stopped: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._clock = clock
        self._tell = tell
        self.lanes = [self._lane(account, action, concurrency, rate) for account, action in lanes]
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._noting: dict[str, asyncio.Task[None]] = {}
        self._room = room
        self._fault: BaseException | None = None
        self._backlog = backlog
        backlog.is_hungry = self._is_hungry
        self._no_more = False
        self._longest_wait = longest_wait
        self._has_stopped = stopped

    @property
    def stopped(self) -> StoppedError | None:
        """Why a lane has stopped: the credentials first, since they stop all."""
        errors = [lane.stopped for lane in self.lanes if lane.stopped is not None]
        return next((error for error in errors if isinstance(error, CredentialsError)), errors[0] if errors else None)

    @property
    def all_stopped(self) -> bool:
        """Whether nothing is sent any more."""
        return all(lane.stopped is not None for lane in self.lanes)

    def wake(self) -> None:
        """Look again: something was put."""
        self._changed.set()

    def finish(self) -> None:
        """Know that no more is put."""
        self._no_more = True
        self._changed.set()

    def stop(self, error: StoppedError, lanes: Sequence[Lane] | None = None) -> None:
        """Take nothing more from some lanes, or from all."""
        for lane in self.lanes if lanes is None else lanes:
            if lane.stopped is None:
                lane.stopped = error
        if all(lane.stopped is not None or not lane.has_had_work for lane in self.lanes):
            self._has_stopped()
        self._backlog.look_again()
        self._changed.set()

    def abort(self) -> None:
        """End what is in flight at once; what is not known to have arrived stays queued."""
        for task in self._under_way:
            task.cancel()

    async def run(self) -> None:
        """Send until told to end, or until all lanes have stopped; what is in flight then comes to its end.

        Raises what nobody has foreseen.
        """
        try:
            while not self.all_stopped and self._fault is None:
                self._changed.clear()
                if not await self._take() and await self._is_finished():
                    break
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks)
        if self._fault is not None:
            raise self._fault

    def _lane(self, account: str, action: str, concurrency: int, rate: float | None) -> Lane:
        def paused(seconds: float) -> None:
            self._note_pause(account, action, seconds)

        return Lane(account, action, Limiter(self._clock, most=concurrency, rate=rate, paused=paused))

    def _note_pause(self, account: str, action: str, seconds: float) -> None:
        """Have a pause written down, so that other runs keep to it."""
        until = self._clock.now().timestamp() + seconds

        async def note() -> None:
            # Where there is no room for it, this run keeps to it all the same.
            with contextlib.suppress(QueueFullError):
                await self._queue.note_pause(account, action, until)

        self._noting[lane_name(account, action)] = task = asyncio.create_task(note())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _is_hungry(self) -> bool:
        """Tell whether a lane could send more than it has, so that more should be read for it."""
        return any(lane.is_well and self._backlog.is_small(lane.name, lane.postponed) for lane in self.lanes)

    async def _take(self) -> bool:
        """Lease what there is room for, and send what may be sent; tell whether there was anything."""
        room = {lane.name: lane.room for lane in self.lanes if lane.room}
        lanes = {lane.name: lane for lane in self.lanes}
        leases = await self._lease(room) if room else Leases()
        for name, seconds in leases.pauses.items():
            lanes[name].limiter.keep_pause(seconds)
        for lease in leases.batches:
            lanes[lease.queued.lane].hold(lease)
        started = [self._start(lane) for lane in self.lanes]
        return any(started)

    def _start(self, lane: Lane) -> bool:
        started = False
        while self._fault is None and (lease := lane.next()) is not None:
            started = True
            task = asyncio.create_task(self._work(lane, lease))
            self._tasks.add(task)
            self._under_way.add(task)
            task.add_done_callback(self._ended)
        return started

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = self._fault or fault
        # Only now: who looks for something to do before this still sees the task.
        self._changed.set()

    async def _lease(self, room: Mapping[str, int]) -> Leases:
        try:
            leases = await self._queue.lease(room)
        except QueueFullError as error:
            # A lease must be written down too. What is in flight makes room when it is settled.
            self._room.note(_WRITER, error)
            return Leases()
        self._room.note(_WRITER, None)
        return leases

    async def _is_finished(self) -> bool:
        """Wait until there may be something to do; tell when there will not."""
        if self._changed.is_set():
            return False
        if self._tasks:
            # Something may become due meanwhile, or be left by another process.
            await self._sleep(_POLL_SECONDS)
            return False
        waits = [await self._wait_of(lane) for lane in self.lanes if lane.stopped is None]
        some = [wait for wait in waits if wait is not None]
        is_late = [self._longest_wait is not None and wait > self._longest_wait for wait in some]
        if all(is_late) and (self._no_more or (some and self._backlog.makes_wait)):
            return True
        await self._sleep(min(some, default=None))
        return False

    async def _wait_of(self, lane: Lane) -> float | None:
        """Tell in how many seconds a lane may have something to do; None when nothing waits in it."""
        waiting = await self._queue.waiting([lane.name])
        if waiting.leased > lane.held:
            return _POLL_SECONDS
        if lane.held:
            return lane.limiter.pause or _POLL_SECONDS
        if waiting.next_due is None:
            return None
        return max(waiting.next_due - self._clock.now().timestamp(), lane.limiter.pause) or _POLL_SECONDS

    async def _sleep(self, seconds: float | None) -> None:
        """Wait until something changes, or for so long."""
        if seconds is None:
            await self._changed.wait()
        else:
            await ends_before(self._changed, self._clock.sleep(seconds))

    async def _work(self, lane: Lane, lease: Lease) -> None:
        try:
            progress = await self._sender.send(lease, lane.limiter, patiently=not lane.is_in_trouble)
            if progress.stopped is not None and lane.stopped is None:
                # Before what is left of the batch is free for whoever leases next.
                await self._stop_for(lane, progress.stopped)
            if lane.limiter.pause and (noting := self._noting.get(lane.name)) is not None:
                await asyncio.wait({noting})
        finally:
            lane.sent(lease)
            if (task := asyncio.current_task()) is not None:
                self._under_way.discard(task)
        lane.is_in_trouble = bool(progress.retry)
        lane.postponed += len(progress.retry)
        # The next goes now; what became of this one is written meanwhile, and together with the next lease.
        self._start(lane)
        self._changed.set()
        lane.settling += 1
        try:
            await self._settle(progress.settlement())
            self._backlog.settled(lane.name, len(progress.delivered) + len(progress.dead))
        except Interrupted:
            # It was sent, and cannot be settled for want of room: it is sent again later, and discarded there.
            return
        finally:
            lane.settling -= 1

    async def _stop_for(self, lane: Lane, error: StoppedError) -> None:
        """Stop a lane for what an answer said; wrong credentials stop all lanes, and are told once."""
        lanes = self.lanes if isinstance(error, CredentialsError) else [lane]
        self._tell(Occurrence(kind="stopped", account=lane.account, action=lane.action, error=error.message))
        self.stop(error, lanes)
        for item in lanes:
            with contextlib.suppress(QueueFullError):
                await self._queue.note_stop(item.account, item.action, error.message)

    async def _settle(self, settlement: Settlement) -> None:
        """Settle, as often as it takes: what was sent must not be sent again because the disk is full."""
        while True:
            try:
                await self._queue.settle(settlement)
            except QueueFullError as error:
                has_results = settlement.delivered or settlement.dead
                if not has_results and not isinstance(error, QueueLockedError):
                    # There is nothing to keep but the next attempt, and nobody can say when there is room.
                    self.stop(full(error))
                    return
                self._room.note(_WRITER, error)
                await self._sender.unless_stopped(self._clock.sleep(_ROOM_SECONDS))
            else:
                self._room.note(_WRITER, None)
                return


def full(error: QueueFullError) -> StoppedError:
    """Say that the queue takes nothing more, and what to do."""
    return StoppedError(f"the outbox takes nothing more: {error}; what it has is kept, so {error.advice} and run again")
