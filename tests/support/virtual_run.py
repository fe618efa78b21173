"""A delivery in virtual time: a real outbox, real HTTP to a real sandbox, and a clock that jumps."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.contract import DeadLetterFilter
from kable_destination.runner.queues.opening import open_queue, split_place
from kable_destination.runner.sources.files import FileSource
from kable_destination.runner.transports.http import HttpTransport
from planner_pools import BusyPlanners, planner_server, planners
from virtual_clock import BusyQueue, BusySource, BusyTransport, StillClock, VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from kable_destination.definitions import AnswerError, Subscription
    from kable_destination.runner.delivery.notices import Notice
    from kable_destination.runner.queues.contract import DeadLetter, Queue
    from kable_destination.runner.sources.contract import Source
    from kable_destination.runner.transports.contract import Transport

SETTINGS = {"apiKey": API_KEY, "kableClientId": CLIENT_ID}
HOUR = 3600.0
START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass
class VirtualRun:
    """What one delivery gave."""

    report: RunReport
    ended: AnswerError | None
    seconds: float
    notices: list[Notice]

    def happened(self, kind: str) -> list[Notice]:
        """Give the notices of a kind."""
        return [notice for notice in self.notices if notice.kind == kind]


@dataclass
class Setting:
    """Where a delivery runs, and how; one outbox for all of its runs."""

    folder: Path
    base_url: str
    seed: int = 0
    durable: bool = True
    policy: RetryPolicy | None = None
    rules: dict[str, Any] = field(default_factory=dict)
    subscriptions: Sequence[Subscription] | None = None
    timeout: float = 30
    started_hours: float = 0
    limit_bytes: int | None = None
    busy_seconds: float = 60.0
    planners: int = 0
    wrap: Callable[[Transport, VirtualClock], Transport] = lambda transport, _: transport
    url: str | None = None

    @property
    def outbox(self) -> Path:
        """The file of the outbox."""
        return self.folder / "outbox.sqlite"

    @property
    def _place(self) -> str:
        return self.url or str(self.outbox)

    @property
    def destination(self) -> Destination:
        """What is delivered to."""
        return Destination(kable, SETTINGS, self.subscriptions, base_url=self.base_url)

    def deliver(self, *data: bytes) -> VirtualRun:
        """Deliver what files of the folder are to hold, each with its own data, to the end."""
        paths = []
        for number, content in enumerate(data):
            path = self.folder / f"events-{number}.ndjson"
            path.write_bytes(content)
            paths.append(path)
        return asyncio.run(self._deliver([FileSource(str(path)) for path in paths]))

    async def _deliver(self, sources: list[Source]) -> VirtualRun:
        clock = VirtualClock(START + timedelta(hours=self.started_hours))
        policy = self.policy or RetryPolicy(randomness=random.Random(self.seed))  # noqa: S311 - no secret
        report, notices = RunReport(), list[Any]()
        still = StillClock(clock)
        queue = open_queue(
            self._place if self.durable else "memory:",
            clock=still,
            limit_bytes=self.limit_bytes,
            busy_seconds=self.busy_seconds,
        )
        http = HttpTransport(connections=8, timeout=self.timeout, trust_environment=False)
        try:
            async with http, self._planners(clock, await queue.salt()) as planners:
                delivery = Delivery(
                    self.destination,
                    BusyQueue(queue, clock),
                    BusyTransport(self.wrap(http, clock), clock),
                    Rules(policy, **self.rules),
                    report=report,
                    clock=clock,
                    observers=[notices.append],
                    planners=planners,
                )
                ended = await clock.run(delivery.run([BusySource(source, clock) for source in sources]))
                seconds = clock.monotonic()
        finally:
            await queue.close()
        return VirtualRun(report, ended, seconds, notices)

    @contextlib.asynccontextmanager
    async def _planners(self, clock: VirtualClock, salt: bytes | None) -> AsyncIterator[BusyPlanners | None]:
        """Run planners, during whose work no time passes."""
        if not self.planners:
            yield None
            return
        scheme = split_place(self._place)[0] if self.durable else "memory"
        with planner_server(self.base_url, scheme, self.subscriptions, self.rules.get("batch_size")) as (server, way):
            async with planners(server, way, self.planners, salt=salt) as pool:
                yield BusyPlanners(pool, clock)

    def letters(self) -> list[DeadLetter]:
        """Read the dead letters of the outbox."""

        async def read() -> list[DeadLetter]:
            queue = self._opened()
            try:
                ids = await queue.dead_letters.ids(DeadLetterFilter())
                return [kept.letter for kept in await queue.dead_letters.read(ids)]
            finally:
                await queue.close()

        return asyncio.run(read())

    def queued(self) -> int:
        """Count the usage events that are queued."""

        async def count() -> int:
            queue = self._opened()
            try:
                return sum(lane.queued for lane in (await queue.status()).lanes)
            finally:
                await queue.close()

        return asyncio.run(count())

    def _opened(self) -> Queue:
        return open_queue(self._place, clock=SystemClock(), create=False, read_only=True)
