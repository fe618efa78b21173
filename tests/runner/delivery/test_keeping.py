"""What was sent is settled, and what was read is kept, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery import dispatcher
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.contract import LEASE_SECONDS, Lane, QueueFullError, QueueLockedError
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.queue import EngineQueue
from kable_destination.runner.sources.contract import Chunk
from late_queue import LateQueue, Stream
from segment_events import identify, track
from virtual_clock import VirtualClock
from virtual_run import SETTINGS, START

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kable_destination.runner.queues.contract import DeadLetter


class Slow:
    """A server that takes its time for each request, and says how to go on."""

    def __init__(self, clock: VirtualClock, seconds: Callable[[int], float], status: Callable[[int], int]) -> None:
        self.moments: list[tuple[float, bytes]] = []
        self._clock = clock
        self._seconds = seconds
        self._status = status

    async def send(self, request: httpx.Request) -> httpx.Response:
        number = len(self.moments)
        self.moments.append((self._clock.monotonic(), request.content))
        await self._clock.sleep(self._seconds(number))
        return httpx.Response(self._status(number), request=request)


class FaultyQueue(LateQueue):
    """A queue in memory on which the test replaces operations."""

    def __init__(self, clock: VirtualClock, **operations: Callable[..., Awaitable[Any]]) -> None:
        dice = random.Random(0)  # noqa: S311 - no secret
        self.inner = open_queue("memory:", clock=clock)
        super().__init__(self.inner, clock, dice, late=0.0)
        for name, operation in operations.items():
            setattr(self, name, operation)


class Run:
    """One delivery from a stream, in virtual time."""

    def __init__(
        self, seconds: Callable[[int], float] = lambda _: 0.01, status: Callable[[int], int] = lambda _: 200
    ) -> None:
        self.clock = VirtualClock(START)
        self.queue = FaultyQueue(self.clock)
        self.server = Slow(self.clock, seconds, status)
        self.report = RunReport()
        self.written: list[tuple[DeadLetter, str | None]] = []

    def go(self, events: list[dict[str, Any]], *, chunk: int = 1, **rules: Any) -> Any:
        """Deliver some events, so many in a chunk."""
        texts = [json.dumps(event).encode() for event in events]
        places = list(range(1, len(texts) + 1))
        chunks = [
            Chunk("stream", texts=texts[at : at + chunk], places=places[at : at + chunk])
            for at in range(0, len(texts), chunk)
        ]

        async def run() -> Any:
            self.delivery = Delivery(
                Destination(kable, SETTINGS),
                self.queue,
                self.server,
                Rules(RetryPolicy(), **rules),
                report=self.report,
                clock=self.clock,
                write_dead_letter=lambda letter, reason: self.written.append((letter, reason)),
            )
            source = Stream("stream", chunks, self.clock, random.Random(1))  # noqa: S311 - no secret
            return await asyncio.wait_for(self.clock.run(self.delivery.run([source])), timeout=20)

        return asyncio.run(run())

    def failing(self, name: str, error: Callable[[int], Exception | None]) -> None:
        """Let some calls of an operation of the queue fail, by their number."""
        operation, calls = getattr(self.queue.inner, name), 0

        async def perhaps(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if (failure := error(calls)) is not None:
                raise failure
            return await operation(*arguments, **named)

        setattr(self.queue, name, perhaps)


def test_every_event_that_was_read_from_a_pipe_is_queued_or_written_down() -> None:
    """The queue is full from the third put on, and reading goes on ahead of it."""
    run = Run()
    run.failing("put", lambda call: QueueFullError("the disk is full") if call > 2 else None)
    run.go([track(number) for number in range(2_000)], chunk=100, longest_wait=1.0)
    unsent = {letter.origin.place for letter, reason in run.written if reason == "unsent"}
    assert unsent
    assert unsent == set(range(run.report.read + 1, run.report.read + len(unsent) + 1))


def test_without_an_outbox_no_more_than_so_many_events_wait_for_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server refuses every second batch for long, and takes the others: memory would fill."""
    monkeypatch.setattr(dispatcher, "MOST_POSTPONED_IN_MEMORY", 100)
    given_up: list[int] = []

    def status(number: int) -> int:
        given_up.append(len(run.written))
        (first, *_) = json.loads(run.server.moments[number][1])
        return 500 if int(first["transactionId"][-6:]) // 10 % 2 else 200

    run = Run(status=status)
    run.queue.is_durable = False
    run.go([track(number) for number in range(1_000)], chunk=10, batch_size=10, longest_wait=5.0, concurrency=1)
    assert (run.report.delivered, run.report.dead, len(run.written)) == (500, 500, 500)
    assert given_up[-1] >= 380


def test_a_lease_is_renewed_until_its_last_request_has_ended() -> None:
    """One request takes three minutes, and the response to another stops everything."""
    run = Run(seconds=lambda number: 1.0 if number else 180.0, status=lambda number: 401 if number else 200)
    renewed: list[float] = []
    renew = run.queue.inner.renew

    async def noting() -> None:
        renewed.append(run.clock.monotonic())
        await renew()

    setattr(run.queue, "renew", noting)  # noqa: B010 - its type does not name the operations
    run.go([track(number) for number in range(2)], batch_size=1)
    assert run.report.delivered == 1
    gaps = [after - before for before, after in zip([0.0, *renewed], [*renewed, 180.0], strict=True)]
    assert max(gaps) < 60


@pytest.mark.parametrize(("name", "calls"), [("lease", 4), ("put", 1), ("renew", 0)])
def test_what_is_in_flight_when_something_fails_is_settled(name: str, calls: int) -> None:
    """An error that nobody foresaw ends the run; a request that was sent is not sent again by the next."""
    run = Run(seconds=lambda _: 30.0)
    run.failing(name, lambda call: RuntimeError("unforeseen") if call > calls else None)
    with pytest.raises(RuntimeError, match="unforeseen"):
        run.go([track(number) for number in range(50)], batch_size=1, concurrency=2, grace=60.0)
    lanes = asyncio.run(run.queue.inner.status()).lanes
    assert sum(lane.delivered for lane in lanes) == len(run.server.moments) > 0


def test_an_outbox_that_stays_locked_ends_the_run_with_a_reason() -> None:
    run = Run(seconds=lambda _: 0.5)
    run.failing("lease", lambda call: QueueLockedError("locked") if call > 1 else None)
    ended = run.go([track(number) for number in range(50)], longest_wait=5.0)
    assert "locked" in str(ended)


def test_a_busy_lane_does_not_keep_another_from_what_is_free() -> None:
    """Another process leased the only batch of the quiet lane, and never settles it. The other lane is never idle."""
    run = Run(seconds=lambda _: 0.3)
    engine = run.queue.inner._engine
    other = EngineQueue(engine, clock=run.clock)
    other._owner = "another process"
    lease, taken = run.queue.inner.lease, list[Any]()

    async def second(most: dict[Lane, int]) -> Any:
        if not taken:
            account = next(iter(most)).account
            taken.extend((await other.lease({Lane(account, "identify"): 1})).leases)
        return await lease(most)

    setattr(run.queue, "lease", second)  # noqa: B010 - its type does not name the operations
    run.go([identify(0), *(track(number) for number in range(1, 1_000))], batch_size=1, concurrency=2)
    assert len(taken) == 1
    (sent,) = [moment for moment, content in run.server.moments if b'"message-000000"' in content]
    assert LEASE_SECONDS <= sent < LEASE_SECONDS + 2 < run.server.moments[-1][0]
