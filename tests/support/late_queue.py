"""A queue and a server that answer late, each time after another while, so that things happen in every order."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import httpx

from kable_destination.definitions import RetryableError
from kable_destination.runner.queues.contract import QueueFullError

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Sequence

    from kable_destination.runner.queues.contract import Queue
    from kable_destination.runner.sources.contract import Chunk, FindCheckpoints
    from virtual_clock import VirtualClock

_WRITES = frozenset({"put", "lease", "settle", "renew", "mark"})
_OPERATIONS = _WRITES | {"checkpoints", "records", "outcomes", "status"}


class LateQueue:
    """A queue whose operations begin late, answer late, and fail now and then because it is full."""

    def __init__(self, queue: Queue, clock: VirtualClock, dice: random.Random, *, late: float = 0.5) -> None:
        self.is_durable = True
        self.full = 0.0
        self._late = late
        self._queue = queue
        self._clock = clock
        self._dice = dice

    def __getattr__(self, name: str) -> Any:
        """Return an operation of the queue, made late."""
        operation = getattr(self._queue, name)
        if name not in _OPERATIONS:
            return operation

        async def late(*arguments: Any, **named: Any) -> Any:
            await self._pass_time()
            if name in _WRITES and self._dice.random() < self.full:
                raise QueueFullError("the disk is full")
            result = await operation(*arguments, **named)
            await self._pass_time()
            return result

        return late

    async def _pass_time(self) -> None:
        if self._dice.random() < self._late:
            await self._clock.sleep(self._dice.choice([0.0, 0.001, 0.01, 0.3, 2.0]))


class LateServer:
    """A server in memory. `accepted` has the IDs of the events that it took, `said` those that it said so of."""

    def __init__(self, clock: VirtualClock, dice: random.Random, *, fails: float = 0.0) -> None:
        self.fails = fails
        self.accepted: dict[str, list[str]] = defaultdict(list)
        self.said: Counter[str] = Counter()
        self._clock = clock
        self._dice = dice

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Answer, or do not."""
        dice = self._dice
        if dice.random() < 0.8:
            await self._clock.sleep(dice.choice([0.0, 0.001, 0.05, 0.4, 5.0]))
        content = json.loads(request.content)
        events = content if isinstance(content, list) else [content]
        if dice.random() < self.fails:
            status = dice.choice([0, 500, 503, 429, 400])
            if not status:
                raise RetryableError("no answer")
            is_asking = status in {429, 503} and dice.random() < 0.5
            headers = {"Retry-After": str(dice.choice([1, 3, 30]))} if is_asking else {}
            return httpx.Response(status, headers=headers, request=request)
        for event in events:
            self.accepted[event["clientId"]].append(event["transactionId"])
        await self._clock.sleep(dice.choice([0.0, 0.001, 0.4]))
        self.said.update(event["transactionId"] for event in events)
        return httpx.Response(200, request=request)


class Stream:
    """A source that cannot be read again, with its chunks as they are given, each after a while."""

    key = None
    resumed = None

    def __init__(self, name: str, chunks: Sequence[Chunk], clock: VirtualClock, dice: random.Random) -> None:
        self.name = name
        self.yielded = 0
        self._chunks = chunks
        self._clock = clock
        self._dice = dice
        self._is_stopped = False

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - there is no checkpoint
        """Yield the chunks."""
        for chunk in self._chunks:
            if self._is_stopped:
                return
            if self._dice.random() < 0.3:
                await self._clock.sleep(self._dice.choice([0.0, 0.005, 0.1, 3.0]))
            self.yielded += chunk.count
            yield chunk

    def stop(self) -> None:
        """Yield nothing more."""
        self._is_stopped = True
