"""Puts whose batches somebody else has planned, such as the sync of an audience, while a delivery sends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..queues.contract import QueueFullError
from .fullness import LONGEST_WAIT_FOR_ROOM
from .notices import Notice, dead_notice
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..queues.contract import Lane, Put, PutResult, Queue, Token
    from .backpressure import Backpressure
    from .clock import Clock
    from .fullness import Fullness
    from .notices import Observer
    from .receipt import Receipt

_FIRST_WAIT_FOR_ROOM = 1.0
_WRITER = "planned puts"


class PlannedPuts:
    """Puts what was planned, one put after the other, and waits for room.

    `put` and `accepted` are those of Acceptor.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        account: str,
        token: Callable[[], Token],
        clock: Clock,
        notify: Observer,
        fullness: Fullness,
        backpressure: Backpressure,
        put: Callable[[Lane, int], None],
        accepted: Callable[[Sequence[Receipt], PutResult], None],
    ) -> None:
        self._queue = queue
        self._account = account
        self._token = token
        self._clock = clock
        self._notify = notify
        self._fullness = fullness
        self._backpressure = backpressure
        self._put = put
        self._accepted = accepted
        self._look_again = asyncio.Event()
        self.is_stopped = False

    async def ready(self) -> bool:
        """Wait until the delivery can use more; return False once it takes nothing any more."""
        if not self.is_stopped:
            await self._backpressure.wait()
        return not self.is_stopped

    async def put(self, make: Callable[[Token], Put], receipts: Sequence[Receipt], *, divisible: bool) -> PutResult:
        """Put what `make` returns for a token.

        Raises QueueFullError at once if the put is `divisible`, since a part of it may fit. Another one waits for room
        until the delivery is stopped.
        """
        put, wait = make(self._token()), _FIRST_WAIT_FOR_ROOM
        while True:
            try:
                result = await self._queue.put(put)
            except QueueFullError as error:
                if divisible:
                    raise
                self._fullness.failed(_WRITER, error)
                if self.is_stopped:
                    raise
                self._look_again.clear()
                await ends_before(self._look_again, self._clock.sleep(wait))
                wait = min(wait * 2, LONGEST_WAIT_FOR_ROOM)
                continue
            if _WRITER in self._fullness.writers:
                self._fullness.succeeded(_WRITER)
            self._note(put, result, receipts)
            return result

    def stop(self) -> None:
        """Let nobody wait any more, for room or for the delivery."""
        self.is_stopped = True
        self._look_again.set()

    def look_again(self) -> None:
        """Try again: something was settled, so there may be room."""
        self._look_again.set()

    def _note(self, put: Put, result: PutResult, receipts: Sequence[Receipt]) -> None:
        for batch, count in zip(put.batches, result.accepted, strict=True):
            self._put(batch.lane, count)
        if put.batches:
            events, duplicates = sum(result.accepted), len(result.duplicates)
            self._notify(Notice(kind="accepted", account=self._account, events=events, duplicates=duplicates))
        for letter in put.dead_letters:
            self._notify(dead_notice(letter))
        self._accepted(receipts, result)
