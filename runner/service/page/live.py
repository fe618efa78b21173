"""Live figures of a delivery, as server-sent events: one message a second, for a few who watch at once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from ....definitions import visible
from ...delivery.waiting import ends_before
from .figures import Latency, Outcome, Totals
from .messages import Message, PageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import Receive, Scope, Send

    from ....definitions import Redactor
    from ...delivery.clock import Clock
    from ...queues.contract import LaneStatus
    from .figures import Figures
    from .queue_status import QueueReadings, Reading

MOST_STREAMS = 8
"""How many may watch at once: each costs a connection."""

_SEND_SECONDS = 30.0
"""A client that reads nothing for that long is gone, or would fill the memory."""

_MOST_OUTCOMES = 50


class Rates(Message, frozen=True, kw_only=True):
    """Events a second since the message before."""

    accepted: float
    delivered: float
    dead: float


class LiveFigures(Message, frozen=True, kw_only=True):
    """One message: what is queued and dead at a moment, and what has happened since the message before.

    `latency` is null if no request was made lately, or if another process makes them. `retries` counts requests that
    were not the first attempt, and is null there too. `recent` has the latest outcomes, the newest first.
    """

    at: float
    queued: int
    leased: int
    dead: int
    stopped: int
    per_second: Rates
    latency: Latency | None
    retries: int | None
    recent: list[Outcome]


class Live:
    """Makes the messages of all who watch, for as long as the process runs.

    `figures` counts what deliveries of this process do. Without it, another process delivers, and what it does is read
    from the differences in the queue.
    """

    def __init__(self, readings: QueueReadings, figures: Figures | None, *, clock: Clock) -> None:
        self._readings = readings
        self._figures = figures
        self._clock = clock
        self._ending = asyncio.Event()
        self._watching = 0

    def end(self) -> None:
        """End all streams: the process is about to end."""
        self._ending.set()

    def stream(self, first: Reading, redactor: Redactor) -> Response:
        """Return the answer that is a stream of messages. Raises PageError if too many watch already."""
        if self._watching >= MOST_STREAMS:
            told = f"There are {MOST_STREAMS} live views already. Close one of them."
            raise PageError(429, "too_many_streams", told, retry_after=5)
        return EventStream(self, first, redactor)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count one more who watches."""
        self._watching += 1
        try:
            yield
        finally:
            self._watching -= 1

    async def messages(self, first: Reading) -> AsyncIterator[LiveFigures]:
        """Yield a message now, and one a second until the process ends. Raises PageError if the queue is gone."""
        seen = _Seen(first, self._figures)
        reading = first
        while True:
            yield seen.message(reading)
            if not await ends_before(self._ending, self._clock.sleep(self._readings.seconds)):
                return
            reading = await self._readings.latest()


class EventStream(Response):
    """An answer that never ends by itself: messages as server-sent events, until the client goes."""

    def __init__(self, live: Live, first: Reading, redactor: Redactor) -> None:
        super().__init__(media_type="text/event-stream")
        # Its length is not known, and a proxy must not collect it.
        del self.headers["content-length"]
        self.headers["X-Accel-Buffering"] = "no"
        self._live = live
        self._first = first
        self._redactor = redactor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - what Starlette calls
        """Send messages until the client has gone, or the process ends."""
        with self._live.counted():
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            sending = asyncio.create_task(self._send_all(send))
            gone = asyncio.create_task(_until_gone(receive))
            try:
                await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, gone):
                    task.cancel()
                await asyncio.gather(sending, gone, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        # The outbox may go away meanwhile: the stream ends, and the page asks again.
        with contextlib.suppress(PageError):
            async for message in self._live.messages(self._first):
                text = self._redactor.text(msgspec.json.encode(message).decode())
                async with asyncio.timeout(_SEND_SECONDS):
                    await send({"type": "http.response.body", "body": f"data: {text}\n\n".encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Seen:
    """What one who watches has seen, to say what is new."""

    def __init__(self, first: Reading, figures: Figures | None) -> None:
        self._figures = figures
        self._before = first
        self._totals = self._count(first)
        self._outcomes: list[Outcome] = []

    def message(self, reading: Reading) -> LiveFigures:
        """Return what is new in a reading."""
        totals, seconds = self._count(reading), reading.monotonic - self._before.monotonic
        before, lanes = self._totals, reading.status.lanes
        if self._figures is None:
            self._outcomes = [*_outcomes_between(self._before, reading), *self._outcomes][:_MOST_OUTCOMES]
        message = LiveFigures(
            at=reading.at,
            queued=sum(lane.queued for lane in lanes),
            leased=sum(lane.leased for lane in lanes),
            dead=sum(reading.status.dead.values()),
            stopped=sum(lane.stopped for lane in lanes),
            per_second=Rates(
                accepted=_rate(totals.accepted - before.accepted, seconds),
                delivered=_rate(totals.delivered - before.delivered, seconds),
                dead=_rate(totals.dead - before.dead, seconds),
            ),
            latency=None if self._figures is None else self._figures.latency(),
            retries=None if self._figures is None else totals.retries - before.retries,
            recent=self._outcomes if self._figures is None else [*self._figures.outcomes],
        )
        self._before, self._totals = reading, totals
        return message

    def _count(self, reading: Reading) -> Totals:
        if self._figures is not None:
            return self._figures.totals
        delivered = sum(lane.delivered for lane in reading.status.lanes)
        dead = sum(reading.status.dead.values())
        queued = sum(lane.queued for lane in reading.status.lanes)
        return Totals(accepted=queued + delivered + dead, delivered=delivered, dead=dead)


def _rate(events: int, seconds: float) -> float:
    """Return events a second. What a person has discarded or replayed is not counted as new."""
    return round(max(0, events) / seconds, 3) if seconds > 0 else 0.0


def _outcomes_between(before: Reading, now: Reading) -> Iterator[Outcome]:
    """Yield what has happened in each lane between two readings."""
    earlier = {(lane.account, lane.action): lane for lane in before.status.lanes}
    for lane in now.status.lanes:
        yield from _outcomes_of(lane, earlier.get((lane.account, lane.action)), now.at)


def _outcomes_of(lane: LaneStatus, before: LaneStatus | None, at: float) -> Iterator[Outcome]:
    if lane.error is not None and lane.error_at is not None and (before is None or lane.error_at != before.error_at):
        outcome: Outcome = Outcome(
            at=lane.error_at,
            outcome="stopped" if lane.stopped else "failed",
            account=lane.account,
            action=lane.action,
            error=visible(lane.error),
        )
        yield outcome
    if (delivered := lane.delivered - (0 if before is None else before.delivered)) > 0:
        yield Outcome(at=at, outcome="delivered", account=lane.account, action=lane.action, events=delivered)
