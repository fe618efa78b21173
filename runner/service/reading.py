"""A source that is read for as long as the program runs, for one account."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..delivery.account_delivery import RESUME_SECONDS
from ..delivery.intake import Intake
from ..delivery.notices import Notice
from ..delivery.waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ..delivery.acceptor import Acceptor
    from ..delivery.clock import Clock
    from ..delivery.notices import Observer
    from ..queues.contract import Queue
    from ..sources.contract import Source
    from .accounts import ServedAccount


class Reading:
    """Has an account accept what a source yields. After a failure, the source is opened and read again.

    Reading waits while the account has enough to send, and while the queue is full.
    """

    def __init__(
        self, open_source: Callable[[], Source], account: ServedAccount, queue: Queue, *, clock: Clock, notify: Observer
    ) -> None:
        self._open_source = open_source
        self._account = account
        self._queue = queue
        self._clock = clock
        self._notify = notify
        self._ending = asyncio.Event()
        self._intake: Intake | None = None
        self._acceptor: Acceptor | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read for as long as the block lasts. What was handed over by then is accepted."""
        reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            self._end()
            await asyncio.wait({reading})

    async def _read(self) -> None:
        while not self._ending.is_set():
            self._acceptor = acceptor = self._account.new_acceptor()
            self._intake = intake = Intake(
                acceptor, clock=self._clock, backpressure=self._account.delivery, checkpoints=self._queue.checkpoints
            )
            try:
                await intake.run([self._open_source()])
                failure = intake.results[0].error or "the source has ended"
            except Exception as error:  # noqa: BLE001 - what is queued is still delivered
                failure = f"{type(error).__name__}: {error}"
            await acceptor.close()
            if not self._ending.is_set():
                name = intake.results[0].name if intake.results else ""
                self._notify(Notice(kind="unreachable", file=name, error=f"{failure}; it is tried again in a minute"))
                await ends_before(self._ending, self._clock.sleep(RESUME_SECONDS))

    def _end(self) -> None:
        self._ending.set()
        if self._intake is not None and self._acceptor is not None:
            self._intake.stop(drain_seconds=0)
            # Nothing is sent any more, so a full queue stays full.
            self._acceptor.give_up()
