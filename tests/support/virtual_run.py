"""A delivery in virtual time: a real outbox, real HTTP to a real sandbox, and a clock that jumps."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from command_line import API_KEY, CLIENT_ID
from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import Patience
from kable_destination.runner.delivery.run_report import Tally
from kable_destination.runner.queues.memory import MemoryQueue
from kable_destination.runner.queues.sqlite import Outbox
from kable_destination.runner.queues.sqlite.schema import BUSY_SECONDS
from kable_destination.runner.sources.files import Source
from kable_destination.runner.transports.http import HttpTransport
from virtual_clock import BusyQueue, BusyTransport, StillClock, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kable_destination.definitions import AnswerError, Subscription
    from kable_destination.runner.delivery.notices import Occurrence
    from kable_destination.runner.transports.http import Transport

SETTINGS = {"apiKey": API_KEY, "kableClientId": CLIENT_ID}
HOUR = 3600.0
START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass
class VirtualRun:
    """What one delivery gave."""

    tally: Tally
    ended: AnswerError | None
    seconds: float
    occurrences: list[Occurrence]

    def happened(self, kind: str) -> list[Occurrence]:
        """Give the occurrences of a kind."""
        return [occurrence for occurrence in self.occurrences if occurrence.kind == kind]


@dataclass
class Setting:
    """Where a delivery runs, and how; one outbox for all of its runs."""

    folder: Path
    base_url: str
    seed: int = 0
    durable: bool = True
    patience: Patience | None = None
    rules: dict[str, Any] = field(default_factory=dict)
    subscriptions: Sequence[Subscription] | None = None
    timeout: float = 30
    started_hours: float = 0
    limit_bytes: int | None = None
    busy_seconds: float = BUSY_SECONDS
    wrap: Callable[[Transport, VirtualClock], Transport] = lambda transport, _: transport

    @property
    def outbox(self) -> Path:
        """The file of the outbox."""
        return self.folder / "outbox.sqlite"

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
        return asyncio.run(self._deliver([Source(str(path)) for path in paths]))

    async def _deliver(self, sources: list[Source]) -> VirtualRun:
        clock = VirtualClock(START + timedelta(hours=self.started_hours))
        patience = self.patience or Patience(dice=random.Random(self.seed))  # noqa: S311 - no secret
        tally, occurrences = Tally(), list[Any]()
        still = StillClock(clock)
        queue: Any = MemoryQueue(still)
        if self.durable:
            queue = Outbox(self.outbox, still, limit_bytes=self.limit_bytes, busy_seconds=self.busy_seconds)
        async with queue, HttpTransport(connections=8, timeout=self.timeout, trust_environment=False) as http:
            delivery = Delivery(
                self.destination,
                BusyQueue(queue, clock),
                BusyTransport(self.wrap(http, clock), clock),
                Rules(patience, **self.rules),
                tally=tally,
                clock=clock,
                hooks=[occurrences.append],
            )
            ended = await clock.run(delivery.run(sources))
            seconds = clock.monotonic()
        return VirtualRun(tally, ended, seconds, occurrences)

    def letters(self) -> list[dict[str, Any]]:
        """Read the dead letters of the outbox."""
        with sqlite3.connect(self.outbox) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM letters ORDER BY id").fetchall()
        connection.close()
        return [dict(row) for row in rows]

    def queued(self) -> int:
        """Count the usage events that are queued."""
        with sqlite3.connect(self.outbox) as connection:
            count: int = connection.execute("SELECT coalesce(sum(events), 0) FROM batches").fetchone()[0]
        connection.close()
        return count
