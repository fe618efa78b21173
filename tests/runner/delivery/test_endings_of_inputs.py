"""How inputs end: callers that go away, and an interruption while the rest of an input is kept."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.intake import SECONDS_TO_DRAIN, Intake
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources.contract import Chunk
from kable_destination.runner.transports.http import HttpTransport
from segment_events import track
from virtual_run import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kable_destination.runner.delivery.receipt import Receipt
    from kable_destination.runner.sandbox import RunningSandbox
    from kable_destination.runner.sources.contract import FindCheckpoints


@pytest.mark.parametrize("turns", [0, 1, 3, 10])
def test_what_a_caller_gave_is_delivered_though_the_caller_is_cancelled(sandbox: RunningSandbox, turns: int) -> None:
    """The run ended before it was queued; in memory that lost it."""
    report = RunReport()

    async def run() -> None:
        queue = open_queue("memory:", clock=SystemClock())
        async with HttpTransport(connections=2, timeout=10, trust_environment=False) as transport:
            delivery = Delivery(
                Destination(kable, SETTINGS, base_url=sandbox.base_url),
                queue,
                transport,
                Rules(RetryPolicy()),
                report=report,
                clock=SystemClock(),
            )
            async with delivery.running() as acceptor:
                chunk = Chunk("request 1", unit="item", texts=[json.dumps(track(1)).encode()], places=[1])
                caller = asyncio.ensure_future(acceptor.accept(chunk))
                for _ in range(turns + 1):
                    await asyncio.sleep(0)
                caller.cancel()
        await queue.close()

    asyncio.run(run())
    assert (report.read, report.delivered, len(sandbox.ledger.events)) == (1, 1, 1)


class Idle:
    """A source that nobody writes to."""

    name, key, resumed = "idle", None, None

    def __init__(self) -> None:
        self.is_stopped = asyncio.Event()

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - it has none
        """Yield a rest when it is stopped."""
        await self.is_stopped.wait()
        yield Chunk("idle", texts=[b"rest"], places=[1])

    def stop(self) -> None:
        """Read nothing more."""
        self.is_stopped.set()


def test_an_interruption_shortens_the_time_in_which_the_rest_is_read() -> None:
    """Nothing is sent any more, and what comes is kept for some seconds; then somebody presses Ctrl-C."""
    accepted: list[bytes] = []

    class Accepting:
        async def accept(self, chunk: Chunk, *, patient: bool = False) -> Receipt:  # noqa: ARG002 - as an acceptor
            accepted.extend(chunk.texts)
            return None  # type: ignore[return-value]  # nobody asks for it

    async def run() -> None:
        intake = Intake(Accepting(), clock=SystemClock())
        running = asyncio.ensure_future(intake.run([Idle(), Idle()]))
        await asyncio.sleep(0)
        intake.stop()
        await asyncio.sleep(0)
        intake.stop(drain_seconds=0)
        await asyncio.wait_for(running, timeout=SECONDS_TO_DRAIN / 2)
        assert not intake.read_to_the_end

    asyncio.run(run())
    assert accepted == [b"rest"]
