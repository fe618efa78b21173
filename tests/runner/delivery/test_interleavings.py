"""Interleavings: whatever answers first, each event is counted once, delivered or kept, and the run ends."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources.contract import Chunk
from late_queue import LateQueue, LateServer, Stream
from segment_events import identify, track
from virtual_clock import VirtualClock
from virtual_run import SETTINGS, START

if TYPE_CHECKING:
    from kable_destination.runner.queues.contract import DeadLetter


@dataclass
class Round:
    """One outbox that some runs with their own interleavings share."""

    seed: int

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - no secret
        self.clock = VirtualClock(START)
        self.queue = LateQueue(open_queue("memory:", clock=self.clock), self.clock, self.dice)
        self.server = LateServer(self.clock, self.dice)
        self.written: list[tuple[DeadLetter, str | None]] = []
        self.next_event = 0

    def chunks(self, name: str) -> list[Chunk]:
        """Make chunks of new events and of some that were there before, some of them empty."""
        chunks, place = [], 0
        for _ in range(self.dice.randrange(1, 15)):
            texts = []
            for _ in range(self.dice.choice([0, 1, 3, 30])):
                number = self.next_event
                if number and self.dice.random() < 0.05:
                    number = self.dice.randrange(number)
                else:
                    self.next_event += 1
                texts.append(json.dumps((identify if number % 3 else track)(number)).encode())
            chunks.append(Chunk(name, texts=texts, places=list(range(place + 1, place + 1 + len(texts)))))
            place += len(texts)
        return chunks

    async def run(self, sources: list[Stream], *, interrupt_after: float | None = None, **rules: Any) -> RunReport:
        """Make one run."""
        report = RunReport()
        delivery = Delivery(
            Destination(kable, SETTINGS),
            self.queue,
            self.server,
            Rules(RetryPolicy(randomness=self.dice), **rules),
            report=report,
            clock=self.clock,
            write_dead_letter=lambda letter, reason: self.written.append((letter, reason)),
        )

        async def interrupt() -> None:
            assert interrupt_after is not None
            await self.clock.sleep(interrupt_after)
            delivery.interrupt()

        interrupting = None if interrupt_after is None else asyncio.ensure_future(interrupt())
        await delivery.run(sources)
        # As a process does at its end: it releases what it holds.
        await self.queue.close()
        if interrupting is not None:
            interrupting.cancel()
        return report

    async def runs(self) -> None:
        """Make a run with faults and perhaps an interruption, and then one that finishes."""
        dice = self.dice
        self.server.fails = dice.choice([0.0, 0.1, 0.5])
        self.queue.full = dice.choice([0.0, 0.0, 0.05])
        sources = [Stream(f"stream {number}", self.chunks(f"stream {number}"), self.clock, dice) for number in range(2)]
        # Only a grace lets a run write down what was sent although the queue is full.
        grace = 60.0 if self.queue.full else dice.choice([0.0, 10.0])
        first = await self.run(
            sources,
            interrupt_after=(interrupt_after := dice.choice([None, 0.0, 0.01, 0.5, 8.0])),
            concurrency=dice.choice([1, 2, 16]),
            batch_size=dice.choice([None, 1, 30]),
            rate=dice.choice([None, None, 20.0]),
            longest_wait=dice.choice([None, 0.0, 60.0]),
            grace=grace,
        )
        if not self.server.fails and not self.queue.full and interrupt_after is None:
            assert first.unsent == 0, "the run ended while work was due"
        unsent = [letter for letter, reason in self.written if reason == "unsent"]
        read = sum(source.yielded for source in sources)
        assert read - len(unsent) <= first.read <= read
        assert first.read == first.wanted + first.skipped.total() or unsent
        assert first.read + len(unsent) >= read
        self.server.fails = self.queue.full = 0.0
        last = await self.run([], longest_wait=None)
        assert last.unsent == 0
        lanes = (await self.queue.status()).lanes
        assert sum(lane.queued for lane in lanes) == 0
        assert sum(lane.delivered for lane in lanes) == len(self.server.said)
        assert set(self.server.said.values()) <= {1}
        for ids in self.server.accepted.values():
            # A batch whose response did not come in time is sent again as a whole, and the server knows its IDs.
            ordered = [number for number in dict.fromkeys(ids) if int(number[-6:]) % 3]
            assert ordered == sorted(ordered)


@pytest.mark.parametrize("seed", range(80))
def test_whatever_answers_first_each_event_is_counted_once(seed: int) -> None:
    async def run() -> None:
        here = Round(seed)
        await asyncio.wait_for(here.clock.run(here.runs()), timeout=20)

    asyncio.run(run())
