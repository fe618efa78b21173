"""The dispatcher: leases what is due, lane by lane, has it sent, and settles the results."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from functools import partial
from typing import TYPE_CHECKING

from ...definitions import CredentialsError, StoppedError
from ..queues.contract import Leased, QueueFullError, QueueLockedError
from .fullness import full
from .lane import MOST_POSTPONED_IN_MEMORY, Doubt, was_stopped, why_stopped
from .limits_record import LimitsRecord
from .notices import Notice
from .patience import Patience
from .renewal import Renewal
from .sending import Progress
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from ..queues.contract import Lane, Lease, Queue, Settlement
    from .backpressure import Backpressure
    from .clock import Clock
    from .fullness import Fullness
    from .lane import ActiveLane
    from .notices import Observer
    from .sending import Sender

_FULL_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_WRITER = "dispatcher"


class Dispatcher:
    """Sends what the queue holds in some lanes, until no more comes (`finish`) and everything is settled.

    It also ends when everything that is left is due later than `longest_wait` seconds from now (None: it waits for
    ever), and when all lanes have stopped; `on_stop` is called when no lane that had work continues. `is_endless`: it
    ends only after `finish`, since a lane that has stopped may be resumed.
    """

    def __init__(
        self,
        queue: Queue,
        sender: Sender,
        lanes: Sequence[ActiveLane],
        *,
        clock: Clock,
        notify: Observer,
        backpressure: Backpressure,
        fullness: Fullness,
        settled: Callable[[Settlement], None],
        longest_wait: float | None = None,
        on_stop: Callable[[], None] = lambda: None,
        is_endless: bool = False,
    ) -> None:
        self.lanes = lanes
        self._is_endless = is_endless
        self._by_key = {lane.key: lane for lane in lanes}
        self._queue = queue
        self._is_durable = queue.is_durable
        self._sender = sender
        self._clock = clock
        self._notify = notify
        self._backpressure = backpressure
        self._fullness = fullness
        self._settled = settled
        self._patience = Patience(clock, longest_wait)
        self._on_stop = on_stop
        self._woken = asyncio.Event()
        self._aborted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._pausing: dict[Lane, asyncio.Task[None]] = {}
        self._fault: BaseException | None = None
        # What happens to requests is numbered, to show what came first.
        self._steps = itertools.count(1)
        self._no_more = False
        self._renewal = Renewal(queue, clock, lambda: any(lane.has_leases for lane in lanes))
        self._limits = LimitsRecord(queue, clock)
        for lane in lanes:
            lane.limiter.watch(partial(self._note_pause, lane.key), partial(self._note_limits, lane.key))

    @property
    def stopped(self) -> StoppedError | None:
        """Why a lane has stopped: the credentials first, since they stop all lanes."""
        return why_stopped(self.lanes)

    @property
    def all_stopped(self) -> bool:
        """Whether nothing is sent any more."""
        return all(lane.stopped is not None for lane in self.lanes)

    @property
    def _continues(self) -> bool:
        return not self.all_stopped or (self._is_endless and not self._no_more)

    @property
    def is_drained(self) -> bool:
        """Whether every lane was empty when it was last looked at."""
        return not any(lane.batches or lane.may_have_work for lane in self.lanes)

    def put(self, key: Lane, events: int) -> None:
        """Wake up: so many events were put into a lane."""
        lane = self._by_key[key]
        lane.may_have_work = True
        self._backpressure.put(lane, events)
        self._woken.set()

    def finish(self) -> None:
        """Wake up: no more is put."""
        self._no_more = True
        self._woken.set()

    def wake(self) -> None:
        """Wake up: a reader waits, so the run may be over."""
        self._woken.set()

    def stop(self, error: StoppedError, lanes: Sequence[ActiveLane] | None = None) -> None:
        """Lease nothing more in some lanes, or in all."""
        for lane in self.lanes if lanes is None else lanes:
            if lane.stopped is None:
                lane.stopped = error
        if all(lane.stopped is not None or not lane.has_had_work for lane in self.lanes):
            self._on_stop()
        self._backpressure.look_again()
        self._woken.set()

    def resume(self) -> None:
        """Let lanes that have stopped try again: what stopped them may have been put right."""
        for lane in self.lanes:
            lane.stopped = lane.was_stopped = None
        self._backpressure.look_again()
        self.look_again()

    def look_again(self) -> None:
        """Ask the queue about all lanes: another process may have put something into it."""
        for lane in self.lanes:
            lane.may_have_work = True
        self._woken.set()

    def abort(self) -> None:
        """End requests in flight at once. Events that are not known to have arrived stay queued."""
        self._aborted.set()
        for task in self._requests:
            task.cancel()

    def _note_pause(self, key: Lane, seconds: float) -> None:
        """Store a pause that the server asked for, so other processes keep to it."""
        until = self._clock.now().timestamp() + seconds

        async def note() -> None:
            # If there is no room for it, this run keeps to it anyway.
            with contextlib.suppress(QueueFullError):
                await self._queue.mark(key, paused_until=until)

        self._pausing[key] = self._begin(note())

    def _note_limits(self, key: Lane, in_flight: int, per_second: float | None) -> None:
        """Notify of the limits of a lane, and store them now and then for `status`."""
        account, action = key
        self._notify(Notice(kind="limits", account=account, action=action, in_flight=in_flight, per_second=per_second))
        self._limits.changed.add(key)

    async def run(self) -> None:
        """Send until there is nothing to do any more, then wait for requests in flight. Raises what nobody foresaw."""
        renewing = asyncio.create_task(self._renewal.run())
        renewing.add_done_callback(self._ended)
        try:
            while self._continues and self._fault is None:
                self._woken.clear()
                await self._lease()
                await self._resolve_doubts()
                for lane in self.lanes:
                    if lane.held:
                        self._start(lane)
                if self._woken.is_set():
                    continue
                waits = self._waits()
                is_idle = not self._tasks and not any(lane.held for lane in self.lanes)
                if is_idle != self._patience.is_idle:
                    self._patience.look(is_idle=is_idle)
                if self._is_finished(waits):
                    break
                await self._wait(min(waits, default=None))
            await self._resolve_doubts()
        except BaseException as error:
            # A request that ends now must not begin the next one.
            self._fault = self._fault or error
            raise
        finally:
            # What ends may begin something else, a pause to be noted for instance.
            while self._tasks:
                await asyncio.wait(self._tasks)
            # Only now: what is sent must stay leased.
            renewing.cancel()
        if self._fault is not None:
            raise self._fault

    def _waits(self) -> list[float]:
        """Return in how many seconds there may be something to do, for each lane that is neither empty nor stopped."""
        waits = [lane.wait(self._clock) for lane in self.lanes if lane.stopped is None and (lane.held or lane.batches)]
        return [wait for wait in waits if wait is not None]

    async def _lease(self) -> None:
        """Lease what may be leased, with one question for all lanes in which there may be something."""
        asks = {lane.key: lane.ask(self._clock) for lane in self.lanes if lane.stopped is None}
        most = {key: count for key, count in asks.items() if count is not None}
        if not most:
            return
        for key in most:
            # Whatever is put while this question is under way sets it again.
            self._by_key[key].may_have_work = False
        try:
            leased = await self._queue.lease(most)
        except QueueFullError as error:
            # A lease must be written too. Requests in flight make room when they are settled.
            self._fullness.failed(_WRITER, error)
            if self._patience.ends_with_failed_lease() and not self._tasks:
                self.stop(full(error))
            for key in most:
                self._by_key[key].may_have_work = True
            return
        self._has_room()
        if self._patience.cannot_lease:
            self._patience.leased()
        self._hold(most, leased)

    def _hold(self, most: dict[Lane, int], leased: Leased) -> None:
        by_lane: dict[Lane, list[Lease]] = {key: [] for key in most}
        for lease in leased.leases:
            by_lane[lease.queued.lane].append(lease)
        if leased.leases:
            self._renewal.begin()
        for key, wanted in most.items():
            lane, depth = self._by_key[key], leased.depths[key]
            lane.hold(by_lane[key], depth, wanted, self._clock)
            self._backpressure.correct(lane, depth.events)

    def _start(self, lane: ActiveLane) -> None:
        while self._fault is None and lane.held and (lease := lane.next()) is not None:
            self._requests.add(self._begin(self._work(lane, lease)))

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._requests.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = self._fault or fault
        # Only now: code that looked for something to do before this still saw the task.
        self._woken.set()

    def _is_finished(self, waits: Sequence[float]) -> bool:
        """Return whether nothing is left to do, or nothing that is due soon."""
        if self._tasks or any(lane.may_have_work and lane.stopped is None for lane in self.lanes):
            return False
        if not (is_over := self._patience.is_over) and not all(map(self._patience.ends_with, waits)):
            return False
        return self._no_more or (self._makes_wait and (bool(waits) or is_over))

    @property
    def _makes_wait(self) -> bool:
        """Whether a reader waits, for the lanes or for a full queue."""
        return self._backpressure.waiting > 0 or bool(self._fullness.writers)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until something happens, or for so many seconds."""
        if self._patience.cannot_lease:
            seconds = _FULL_SECONDS
        elif self._makes_wait:
            # Another process may send what holds up the reader here.
            seconds = _LOOK_SECONDS if seconds is None else min(seconds, _LOOK_SECONDS)
        if seconds is None:
            await self._woken.wait()
        elif not await ends_before(self._woken, self._clock.sleep(seconds)):
            return
        for lane in self.lanes:
            if lane.batches:
                lane.may_have_work = True
        self._store_limits()

    async def _work(self, lane: ActiveLane, lease: Lease) -> None:
        """Send a batch, and settle it."""
        began, progress = next(self._steps), lane.continued.pop(id(lease), None) or Progress(lease)
        delivered = len(progress.delivered)
        progress.may_wait = self._is_durable or lane.postponed < MOST_POSTPONED_IN_MEMORY
        try:
            await self._sender.send(progress, lane.limiter, patiently=not lane.is_in_trouble)
            # From here on an abort would lose results.
            self._end_request()
            if len(progress.delivered) > delivered:
                lane.success, lane.has_probed = (began, next(self._steps)), False
            if progress.is_doubtful:
                # It is kept as it is, until another batch shows what it means.
                lane.doubts.append(Doubt(progress, began, next(self._steps)))
            elif progress.stopped is not None and lane.stopped is None:
                # Before another process can lease the rest of the batch.
                await self._stop_for(lane, progress.stopped)
            if (noting := self._pausing.get(lane.key)) is not None and lane.limiter.pause:
                await asyncio.wait({noting})
        finally:
            lane.sending -= 1
        self._woken.set()
        if not progress.is_doubtful:
            await self._settle_batch(lane, progress)

    async def _settle_batch(self, lane: ActiveLane, progress: Progress) -> None:
        """Settle a batch while the next ones are sent."""
        lane.is_in_trouble = bool(progress.retry)
        lane.postponed += len(progress.retry)
        # The next request goes out now. This result is written meanwhile, together with the next lease.
        if lane.held:
            self._start(lane)
        self._woken.set()
        lane.settling += 1
        settlement = progress.settlement()
        try:
            await self._settle(lane, settlement)
        finally:
            lane.settling -= 1
            queued = progress.lease.queued
            # A settled batch may free the next one of its shard.
            if queued.batch.shard is not None or len(settlement.delivered) + len(settlement.dead) < queued.count:
                lane.may_have_work = True

    def _end_request(self) -> None:
        """Note that the present task has its response."""
        if (task := asyncio.current_task()) is not None:
            self._requests.discard(task)

    async def _resolve_doubts(self) -> None:
        """Stop lanes where nothing gets through; send again what other batches have shown to be at fault."""
        for lane in self.lanes:
            if not lane.doubts:
                continue
            if lane.was_stopped is None:
                lane.was_stopped = await was_stopped(lane.key, self._queue)
            stopping = lane.settle_doubts()
            if stopping and lane.stopped is None and (error := stopping[0].stopped) is not None:
                await self._stop_for(lane, error)
            for progress in stopping:
                self._begin(self._settle_batch(lane, progress))

    async def _stop_for(self, lane: ActiveLane, error: StoppedError) -> None:
        """Stop a lane because of a response. Wrong credentials stop all lanes, with one notice."""
        lanes = self.lanes if isinstance(error, CredentialsError) else [lane]
        account, action = lane.key
        self._notify(Notice(kind="stopped", account=account, action=action, error=error.message))
        self.stop(error, lanes)
        for item in lanes:
            with contextlib.suppress(QueueFullError):
                await self._queue.mark(item.key, stopped=error.message)

    async def _settle(self, lane: ActiveLane, settlement: Settlement) -> None:
        """Settle, as often as it takes: what was sent must not be sent again because the disk is full."""
        while True:
            try:
                lost = await self._queue.settle(settlement)
            except QueueFullError as error:
                has_results = settlement.delivered or settlement.dead
                if not has_results and not isinstance(error, QueueLockedError) and not self._is_endless:
                    # There is nothing to keep but the next attempt, and nobody can say when there is room.
                    self.stop(full(error))
                    return
                self._fullness.failed(_WRITER, error)
                if not await ends_before(self._aborted, self._clock.sleep(_FULL_SECONDS)):
                    # It was sent and cannot be settled: it is sent again later, and discarded there.
                    return
            else:
                self._has_room()
                self._note_settled(lane, settlement, len(lost))
                return

    def _has_room(self) -> None:
        if _WRITER in self._fullness.writers:
            self._fullness.succeeded(_WRITER)

    def _note_settled(self, lane: ActiveLane, settlement: Settlement, lost: int) -> None:
        if lost:
            account, action = lane.key
            self._notify(Notice(kind="lost", account=account, action=action, events=lost))
            return
        settled = len(settlement.delivered) + len(settlement.dead)
        if settled == settlement.lease.queued.count:
            lane.batches = max(0, lane.batches - 1)
        self._backpressure.settled(lane, settled)
        self._settled(settlement)

    def _store_limits(self) -> None:
        if self._limits.changed and (storing := self._limits.store(self._by_key.values())) is not None:
            self._limits.storing = self._begin(storing)
