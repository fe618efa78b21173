"""The delivery of one account for as long as a process runs, however its server fares."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from .backpressure import Backpressure
from .delivery import InterruptionError, account_of, active_lanes
from .dispatcher import Dispatcher
from .fullness import Fullness
from .notices import Notice
from .sending import Sender
from .waiting import ends_before

if TYPE_CHECKING:
    from ...definitions import Destination, StoppedError
    from ..queues.contract import Lane, Queue, Settlement
    from ..transports.contract import Transport
    from .clock import Clock
    from .delivery import Rules
    from .notices import Observer

RESUME_SECONDS = 60.0
"""How long after a lane has stopped it is tried again: what stopped it may have been put right at the server."""


class AccountDelivery:
    """Sends what a queue holds for one account, until `end`.

    A lane that stops, for wrong credentials or a wrong address, is tried again after RESUME_SECONDS, and at once when
    there are other credentials (`use`). Nothing that goes wrong in it affects another account.
    """

    def __init__(
        self,
        destination: Destination,
        queue: Queue,
        transport: Transport,
        rules: Rules,
        *,
        clock: Clock,
        notify: Observer,
    ) -> None:
        self.account = account_of(destination)
        self._queue = queue
        self._rules = rules
        self._clock = clock
        self._notify = notify
        self._ending = asyncio.Event()
        self._sender = Sender(destination, transport, rules.policy, clock, notify, self._ending)
        self._backpressure = Backpressure([])
        self._dispatcher = self._new_dispatcher()

    async def wait(self) -> None:
        """Wait until more may be read from a source."""
        await self._backpressure.wait()

    def open(self) -> None:
        """Let no reader of a source wait any more."""
        self._backpressure.open()

    @property
    def stopped(self) -> StoppedError | None:
        """Why nothing is sent at the moment; None if it is."""
        return self._dispatcher.stopped

    def put(self, lane: Lane, events: int) -> None:
        """Wake up: so many events were put into a lane."""
        self._dispatcher.put(lane, events)

    def look_again(self) -> None:
        """Wake up: another process may have put events."""
        self._dispatcher.look_again()

    def use(self, destination: Destination) -> None:
        """Send with other credentials of the same account from now on."""
        self._sender.destination = destination
        self._dispatcher.resume()

    def resume(self) -> None:
        """Try again what has stopped."""
        self._dispatcher.resume()

    async def run(self) -> None:
        """Send until `end`, then wait for requests in flight."""
        resuming = asyncio.create_task(self._resume_now_and_then())
        try:
            while not self._ending.is_set():
                try:
                    await self._dispatcher.run()
                except Exception as error:  # noqa: BLE001 - other accounts, and what is accepted, must not suffer
                    message = f"{type(error).__name__}: {error}; it is tried again in {RESUME_SECONDS:.0f} s"
                    self._notify(Notice(kind="stopped", account=self.account, error=message))
                    await ends_before(self._ending, self._clock.sleep(RESUME_SECONDS))
                    if not self._ending.is_set():
                        self._dispatcher = self._new_dispatcher()
        finally:
            resuming.cancel()

    async def end(self) -> None:
        """Lease nothing more. Requests in flight have `grace` seconds; what is not sent stays queued."""
        self._ending.set()
        self._dispatcher.stop(InterruptionError("interrupted"))
        self._dispatcher.finish()
        await self._clock.sleep(self._rules.grace)
        self._dispatcher.abort()

    async def _resume_now_and_then(self) -> None:
        while True:
            await self._clock.sleep(RESUME_SECONDS)
            if self._dispatcher.stopped is not None:
                self._dispatcher.resume()

    def _wake(self) -> None:
        """Have the dispatcher look how much is queued, since a reader waits: another process may send it."""
        self._dispatcher.wake()

    def _new_dispatcher(self) -> Dispatcher:
        lanes = active_lanes(self._sender.destination, self._rules, self._clock)
        # Nobody waits at lanes that are gone.
        self._backpressure.open()
        self._backpressure = Backpressure(lanes, self._wake)
        return Dispatcher(
            self._queue,
            self._sender,
            lanes,
            clock=self._clock,
            notify=self._notify,
            backpressure=self._backpressure,
            fullness=Fullness(self._notify),
            settled=_ignore,
            is_endless=True,
        )


async def end_all(deliveries: list[tuple[AccountDelivery, asyncio.Task[None]]]) -> None:
    """End some deliveries at the same time, and wait until each has settled what it sent."""
    ending = [asyncio.create_task(delivery.end()) for delivery, _ in deliveries]
    running = [task for _, task in deliveries]
    if running:
        await asyncio.wait(running)
    for task in ending:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _ignore(_settlement: Settlement) -> None:
    """Do nothing about a settlement: the queue and the observers have it."""
