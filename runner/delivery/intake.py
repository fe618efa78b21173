"""The intake: reads sources one after the other, and has the acceptor accept what they yield."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ..queues.contract import CheckpointMovedError
from ..sources.contract import FoundCheckpoint, HoldsFiles, SourceError
from .source_result import SourceResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
    from typing import Any

    from ..queues.contract import Checkpoint
    from ..sources.contract import Chunk, Fence, Source
    from .clock import Clock
    from .planning import Planners
    from .receipt import Receipt

SECONDS_TO_DRAIN = 5.0
"""How long a run that must stop reads on, so what it leaves unsent is counted and kept."""

_CHUNKS_AHEAD = 2
"""How many chunks are read while the first is accepted, beyond those that planners have."""

_SMALL_CHUNKS_AHEAD = 100
_SMALL_EVENTS, _SMALL_BYTES = 1_000, 1_000_000
"""Chunks are accepted together as long as they hold no more than so many events and bytes: many files are small."""

_SECONDS_FOR_THE_REST = 5.0
"""How long a source that was stopped may take to hand over what it has read."""


class Room(Protocol):
    """What makes readers wait while there is enough to do (see Backpressure)."""

    async def wait(self) -> None:
        """Wait until more may be read."""

    def open(self) -> None:
        """Let nobody wait any more."""


class Accepts(Protocol):
    """The part of an acceptor that the intake needs."""

    def accept(self, chunk: Chunk, *, patient: bool = False) -> Coroutine[Any, Any, Receipt]:
        """Accept a chunk."""


class Intake:
    """Reads sources. What was accepted is safe; the rest of a source is read again the next time.

    `checkpoints` finds by keys how far sources were accepted before. `unaccepted` is called with chunks that could not
    be accepted and cannot be read again. `results` has one item for each source, in their order.
    """

    def __init__(
        self,
        acceptor: Accepts,
        *,
        clock: Clock,
        backpressure: Room | None = None,
        checkpoints: Callable[..., Awaitable[Sequence[Checkpoint | None]]] | None = None,
        unaccepted: Callable[[Chunk, Exception], None] = lambda _chunk, _error: None,
        planners: Planners | None = None,
    ) -> None:
        self._acceptor = acceptor
        self._clock = clock
        self._backpressure = backpressure
        self._checkpoints = checkpoints
        self._unaccepted = unaccepted
        self._planners = planners
        self._accepting: list[tuple[Chunk, asyncio.Task[Receipt]]] = []
        self._events_ahead = self._bytes_ahead = 0
        self._stopped = asyncio.Event()
        self._drain_until = 0.0
        self._interrupted = asyncio.Event()
        self.read_to_the_end = True
        self.results: list[SourceResult] = []

    async def run(self, sources: Sequence[Source]) -> None:
        """Take everything that some sources hold, and note what happened to each. Raises what accepting raises.

        One that cannot be read does not keep the others from being read.
        """
        self.results = [
            SourceResult(source.name, files=source.files if isinstance(source, HoldsFiles) else None)
            for source in sources
        ]
        try:
            for source, result in zip(sources, self.results, strict=True):
                if self._interrupted.is_set():
                    self.read_to_the_end = False
                    break
                result.is_begun = True
                try:
                    await self._take(source, result)
                except SourceError as error:
                    result.error = str(error)
        finally:
            for source, result in zip(sources, self.results, strict=True):
                result.resumed = source.resumed
            await self._finish(0)

    def stop(self, *, drain_seconds: float = SECONDS_TO_DRAIN) -> None:
        """Read on for a while only: nothing is sent, but what is left is counted and kept."""
        until = self._clock.monotonic() + drain_seconds
        self._drain_until = min(self._drain_until, until) if self._stopped.is_set() else until
        if drain_seconds == 0:
            self._interrupted.set()
        if self._backpressure is not None:
            self._backpressure.open()
        self._stopped.set()

    async def _take(self, source: Source, result: SourceResult) -> None:
        chunks = source.chunks(None if self._checkpoints is None or source.key is None else self._find)
        while (chunk := await self._next(source, chunks)) is not None:
            # A folder does not end with one of its files.
            result.is_read = chunk.is_end and result.files is None
            result.events += chunk.count
            task = asyncio.ensure_future(self._acceptor.accept(chunk, patient=True))
            if chunk.fence is not None:
                # At once: the next chunk, which this one would be looked at with, may be long in coming.
                task.add_done_callback(partial(_settle, chunk.fence))
            self._accepting.append((chunk, task))
            self._count_ahead(chunk, 1)
            try:
                await self._finish(self._most_ahead())
            except Exception as error:
                await self._keep_rest(source, chunks, error)
                raise
        result.is_read = result.is_read or not self._stopped.is_set()
        self.read_to_the_end &= result.is_read

    def _most_ahead(self) -> int:
        """Return how many of the chunks that are being accepted need not be waited for."""
        is_little = self._events_ahead <= _SMALL_EVENTS and self._bytes_ahead <= _SMALL_BYTES
        planned = self._planners.ahead if self._planners is not None else 0
        return _SMALL_CHUNKS_AHEAD if is_little else _CHUNKS_AHEAD + planned

    def _count_ahead(self, chunk: Chunk, sign: int) -> None:
        self._events_ahead += sign * chunk.count
        if chunk.count <= _SMALL_EVENTS:
            size = chunk.size + sum([len(text.text) for text in chunk.unreadable])
            self._bytes_ahead += sign * size

    async def _keep_rest(self, source: Source, chunks: AsyncIterator[Chunk], error: Exception) -> None:
        """Read nothing more, and keep what was read already if it cannot be read again."""
        if source.key is None:
            self.stop(drain_seconds=0)
            while (chunk := await self._next(source, chunks)) is not None:
                self._unaccepted(chunk, error)

    async def _find(self, *keys: str) -> list[FoundCheckpoint | None]:
        """Return the checkpoint of each key, once nothing is being accepted that may change one."""
        sought = set(keys)
        pending = [task for chunk, task in self._accepting if not sought.isdisjoint((chunk.key, *chunk.other_keys))]
        if pending:
            await asyncio.wait(pending)
        all_found = [None for _ in keys] if self._checkpoints is None else await self._checkpoints(*keys)
        return [None if found is None else FoundCheckpoint(found.name, found.state) for found in all_found]

    async def _next(self, source: Source, chunks: AsyncIterator[Chunk]) -> Chunk | None:
        """Return the next chunk; None at the end, or after a stop when its time is over."""
        if not self._stopped.is_set() and self._backpressure is not None:
            await self._backpressure.wait()
        getting = asyncio.ensure_future(anext(chunks, None))
        try:
            await _either(getting, self._stopped)
            await _either(getting, self._interrupted, self._drain_until - self._clock.monotonic())
            if self._stopped.is_set() and self._drain_until <= self._clock.monotonic():
                source.stop()
                await asyncio.wait({getting}, timeout=_SECONDS_FOR_THE_REST)
            return getting.result() if getting.done() else None
        finally:
            if not getting.done():
                getting.cancel()

    async def _finish(self, left: int) -> None:
        """Wait until no more than so many chunks are being accepted. Raises what accepting them raised."""
        failed: Exception | None = None
        while len(self._accepting) > left or (failed is not None and self._accepting):
            chunk, task = self._accepting.pop(0)
            self._count_ahead(chunk, -1)
            try:
                await task
            except CheckpointMovedError:
                # The source knows: it reads on from where the other reader is.
                continue
            except Exception as error:  # noqa: BLE001 - it is raised when all of them have ended
                failed = failed or error
                if chunk.key is None:
                    self._unaccepted(chunk, error)
        if failed is not None:
            self.read_to_the_end = False
            raise failed


def _settle(fence: Fence, task: asyncio.Task[Receipt]) -> None:
    """Report to a source whether a chunk was accepted; nothing if accepting it failed, which ends the run."""
    if task.cancelled():
        return
    error = task.exception()
    if error is None or isinstance(error, CheckpointMovedError):
        fence.settled(error is None)


async def _either(getting: asyncio.Future[Any], event: asyncio.Event, seconds: float | None = None) -> None:
    """Wait for a result or for an event, whichever comes first, or for so many seconds."""
    is_set = asyncio.ensure_future(event.wait())
    try:
        timeout = None if seconds is None else max(0.0, seconds)
        await asyncio.wait({getting, is_set}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_set.cancel()
