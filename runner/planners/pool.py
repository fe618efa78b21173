"""The planners of a run: so many processes, started when they are worth it, replaced when they end."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import psutil

from ..delivery.notices import Notice
from ..delivery.planning import Planned, PlannersError
from ..queues.preparing import preparation_for
from ..sources.contract import Origin
from .connection import Message
from .messages import job_of, read_result
from .process import PlannerProcess
from .program import FAILED, SALTED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..delivery.notices import Observer
    from ..sources.contract import Chunk
    from .program import Way
    from .server import PlannerServer

MOST_PLANNERS = 4
"""No more are started unless somebody asks for them: by then, accepting and sending is what takes the time."""

WORTH_BYTES = 1024 * 1024
"""Planners are started after so many bytes of events: to start one takes as long as to plan as much."""

_CHUNKS_EACH = 2
"""A planner has one chunk in hand and one to go on with."""

_MOST_BYTES = 64 * 1024 * 1024
"""No more is read while they have so many bytes of events: chunks of very long events are large."""

_MOST_DEATHS = 3
_MOST_STARTS = 3
_WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When planners are started, and what one may need for a chunk before it is replaced."""

    worth_bytes: int = WORTH_BYTES
    seconds: float = 120.0
    memory_bytes: int = 512 * 1024 * 1024


DEFAULT_LIMITS = Limits()


@dataclass(slots=True, eq=False)
class _Job:
    """A chunk that is planned, and who waits for it. `deaths`: how many planners have ended while they planned it."""

    chunk: Chunk
    message: Message
    future: asyncio.Future[Planned | None]
    size: int
    deaths: int = 0

    @property
    def place(self) -> str:
        """Where its events are, for people."""
        places = self.chunk.places or [text.place for text in self.chunk.unreadable]
        lines = [Origin(self.chunk.source, place, self.chunk.unit).line for place in places]
        return f"{self.chunk.unit}s {min(lines):,} to {max(lines):,} of {self.chunk.source}"


@dataclass(slots=True, eq=False)
class _Planner:
    """A planner, and the chunks that it has, in their order; it has been planning the first since `began`."""

    process: PlannerProcess
    is_ready: bool = False
    jobs: deque[_Job] = field(default_factory=deque)
    began: float = 0.0


def spare_cores() -> int:
    """Return how many planners a run has by default: the cores that it may use, without its own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores - 1, MOST_PLANNERS)


class PlannerPool:
    """Has chunks planned by `count` other processes. Use it in an `async with`.

    `open_server` gives what starts them, and is asked once there are enough events that it is worth it; the server is
    closed with the pool. A planner that ends, takes too long or needs too much memory is replaced, and its chunks are
    planned again; `notify` is called then. `salt` is that of the queue.
    """

    def __init__(
        self,
        open_server: Callable[[], PlannerServer | None],
        way: Way,
        count: int,
        limits: Limits = DEFAULT_LIMITS,
        notify: Observer = lambda _notice: None,
        *,
        salt: bytes | None = None,
    ) -> None:
        self._open_server = open_server
        self._server: PlannerServer | None = None
        self._account = way.account
        self._preparation = preparation_for(way.scheme, salt)
        self._first_message = Message(b"" if salt is None else SALTED + salt)
        self._count = count
        self._notify = notify
        self._limits = limits
        self._seen_bytes = 0
        self._planners: list[_Planner] = []
        self._waiting: deque[_Job] = deque()
        self._failed_starts = 0
        self._watching: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all planners."""
        self._is_closed = True
        if self._watching is not None:
            self._watching.cancel()
        for planner in self._planners:
            planner.process.kill()
        if self._server is not None:
            await asyncio.to_thread(self._server.close)
        for planner in self._planners:
            await asyncio.to_thread(planner.process.join)
        self._give_up()

    @property
    def ahead(self) -> int:
        """How many chunks to give them before the first of these comes back; none while they have too many bytes."""
        held = sum([job.size for job in self._waiting])
        held += sum([job.size for planner in self._planners for job in planner.jobs])
        return 0 if held > _MOST_BYTES else _CHUNKS_EACH * sum([planner.is_ready for planner in self._planners])

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [pid for planner in self._planners if (pid := planner.process.pid) is not None]

    def plan(self, chunk: Chunk, oldest: str | None) -> Awaitable[Planned | None] | None:
        """Begin to plan a chunk. None, at once or in the end, says that it must be planned here.

        Raises PlannersError, in the end, if several planners have ended over it.
        """
        if not self._is_worth_it(chunk) or not any(planner.is_ready for planner in self._planners):
            return None
        future: asyncio.Future[Planned | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(chunk, job_of(chunk, oldest), future, chunk.size))
        self._hand_out()
        return future

    def _is_worth_it(self, chunk: Chunk) -> bool:
        """Note a chunk, and start the planners when there are enough events."""
        if self._seen_bytes < self._limits.worth_bytes:
            self._seen_bytes += chunk.size
        if self._seen_bytes < self._limits.worth_bytes:
            return False
        if self._server is None and not self._is_closed and self._failed_starts < _MOST_STARTS:
            self._server = self._open_server()
            if self._server is None:
                self._failed_starts = _MOST_STARTS
            else:
                for _ in range(self._count):
                    self._start(self._server)
        return True

    def _start(self, server: PlannerServer) -> None:
        loop = asyncio.get_running_loop()
        process = PlannerProcess(loop, server, answered=self._take, ended=self._replace)
        process.send(self._first_message)
        self._planners.append(_Planner(process, began=time.monotonic()))
        if self._watching is None:
            self._watching = loop.call_later(_WATCH_SECONDS, self._watch)

    def _hand_out(self) -> None:
        """Give chunks to planners, the one with the fewest first, in the order of the chunks."""
        ready = [planner for planner in self._planners if planner.is_ready]
        while self._waiting and ready:
            planner = min(ready, key=lambda planner: len(planner.jobs))
            if len(planner.jobs) >= _CHUNKS_EACH:
                return
            job = self._waiting.popleft()
            if not planner.jobs:
                planner.began = time.monotonic()
            planner.jobs.append(job)
            planner.process.send(job.message)

    def _take(self, process: PlannerProcess, message: bytes) -> None:
        """Take an answer of a planner."""
        planner = self._of(process)
        if planner is None:
            return
        if not planner.is_ready:
            planner.is_ready, self._failed_starts = True, 0
        else:
            job, planner.began = planner.jobs.popleft(), time.monotonic()
            self._resolve(job, message)
        self._hand_out()

    def _resolve(self, job: _Job, message: bytes) -> None:
        if job.future.done():
            return
        planned = None
        if message != FAILED:
            try:
                planned = read_result(message, job.chunk, self._account, self._preparation)
            except Exception:  # noqa: BLE001 - the caller plans it, and must not wait for ever
                planned = None
        job.future.set_result(planned)

    def _replace(self, process: PlannerProcess) -> None:
        """Have the chunks of a planner that has ended planned by others."""
        planner = self._of(process)
        if planner is None or self._is_closed:
            return
        self._planners.remove(planner)
        if not planner.is_ready:
            self._failed_starts += 1
        if planner.jobs:
            first = planner.jobs[0]
            first.deaths += 1
            self._notify(Notice(kind="replaced", account=self._account, events=first.chunk.count, error=first.place))
            if first.deaths >= _MOST_DEATHS:
                _fail(planner.jobs.popleft())
        self._waiting.extendleft(reversed(planner.jobs))
        if self._failed_starts < _MOST_STARTS and self._server is not None:
            self._start(self._server)
        if not self._planners:
            self._give_up()
        self._hand_out()

    def _give_up(self) -> None:
        """Let the callers plan everything themselves."""
        jobs = [*self._waiting, *(job for planner in self._planners for job in planner.jobs)]
        self._waiting.clear()
        for job in jobs:
            if not job.future.done():
                job.future.set_result(None)

    def _watch(self) -> None:
        """Kill planners that take too long for a chunk, or to start, or that need too much memory."""
        self._watching = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._watch)
        for planner in self._planners:
            is_busy = bool(planner.jobs) or not planner.is_ready
            is_late = is_busy and time.monotonic() - planner.began > self._limits.seconds
            if is_late or _memory_of(planner.process) > self._limits.memory_bytes:
                planner.process.kill()

    def _of(self, process: PlannerProcess) -> _Planner | None:
        return next((planner for planner in self._planners if planner.process is process), None)


def _memory_of(process: PlannerProcess) -> int:
    if process.pid is None:
        return 0
    try:
        return int(psutil.Process(process.pid).memory_info().rss)
    except psutil.Error:
        return 0


def _fail(job: _Job) -> None:
    message = (
        f"{_MOST_DEATHS} planner processes have ended, one after the other, while they planned {job.place}; "
        "--planners 0 plans in the process itself"
    )
    if not job.future.done():
        job.future.set_exception(PlannersError(message))
        # The caller may no longer wait.
        job.future.exception()
