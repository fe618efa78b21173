"""Whatever is done to a queue, all engines show the same."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from examples import EXAMPLES
from kable_destination.definitions import RefusedError, RetryableError
from kable_destination.runner.queues.contract import (
    LEASE_SECONDS,
    DeadLetter,
    DeadLetterFilter,
    Lane,
    Put,
    ReplayBatch,
    Settlement,
    Token,
    dead_letter_of,
)
from kable_destination.runner.queues.engine import EVERY_SHARD
from kable_destination.runner.queues.memory import MemoryEngine
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.queue import EngineQueue
from kable_destination.runner.queues.suite.opened import MovedClock, batch
from kable_destination.runner.sources.contract import Origin
from postgres_server import require_postgres, shared_server
from toy_engine import ToyEngine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kable_destination.runner.queues.contract import Lease, Queue, QueuedBatch

ACTIONS = ("track", "identify")
KEYS = st.lists(st.none() | st.sampled_from("abcdefgh"), min_size=1, max_size=4)
SHARDS = st.none() | st.sampled_from((0, 1, EVERY_SHARD))
BATCHES = st.lists(st.tuples(KEYS, st.sampled_from(ACTIONS), SHARDS), max_size=3)
SECONDS = st.sampled_from((-31_536_000.0, -200_000.0, -5_000.0, -100.0, 1.0, 30.0, LEASE_SECONDS + 1, 4_000.0))


class Engines(RuleBasedStateMachine):
    """Each step is done to every queue, and each must answer the same."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = MovedClock()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.queues = self.opened()
        self.number = 0
        self.leases: list[list[Lease]] = [[] for _ in self.queues]
        self.last: Put | None = None

    def opened(self) -> list[Queue]:
        """Return an empty queue of each engine."""
        return [
            EngineQueue(MemoryEngine(), clock=self.clock),
            EngineQueue(ToyEngine(), clock=self.clock),
            open_queue(self.folder / "outbox.sqlite", clock=self.clock),
        ]

    def teardown(self) -> None:
        """Close all."""
        for queue in self.queues:
            self.loop.run_until_complete(queue.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    def ask(self, question: Callable[[Queue], Awaitable[Any]]) -> Any:
        """Ask each queue the same; return the answer."""
        answers = [self.loop.run_until_complete(_awaited(question(queue))) for queue in self.queues]
        for answer in answers[1:]:
            assert answer == answers[0]
        return answers[0]

    def token(self) -> Token:
        """Return the next token."""
        self.number += 1
        return Token(1, self.number)

    @rule(batches=BATCHES)
    def put(self, batches: list[tuple[list[str | None], str, int | None]]) -> None:
        """Put batches, and one dead letter."""
        made: list[QueuedBatch] = [batch(*keys, action=action, shard=shard) for keys, action, shard in batches]
        letter = DeadLetter("rejected", "no", Origin("f", self.number), b"{}")
        self.last = Put(self.token(), made, [letter])
        self.put_again()

    @rule()
    def put_again(self) -> None:
        """Repeat the last put, unless a replay came after it."""
        put = self.last
        if put is not None and put.token.number == self.number:
            self.ask(lambda queue: _plain_result(queue, put))

    @rule(action=st.sampled_from(ACTIONS), most=st.integers(0, 3))
    def lease(self, action: str, most: int) -> None:
        """Lease some batches."""
        lane = Lane("account", action)
        answers = [self.loop.run_until_complete(queue.lease({lane: most})) for queue in self.queues]
        for held, answer in zip(self.leases, answers, strict=True):
            held.extend(answer.leases)
        shown = [([_shown(lease) for lease in answer.leases], answer.depths) for answer in answers]
        assert shown[1:] == shown[:1] * (len(shown) - 1)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Settle a leased batch, each event with a result of its own."""
        if not self.leases[0]:
            return
        position = data.draw(st.integers(0, len(self.leases[0]) - 1))
        count = self.leases[0][position].queued.count
        results = data.draw(st.lists(st.sampled_from("dxra"), min_size=count, max_size=count))
        seconds = data.draw(st.sampled_from((0.0, 20.0, 3_000.0)))
        lost = []
        for queue, held in zip(self.queues, self.leases, strict=True):
            lease = held.pop(position)
            settlement = Settlement(
                lease,
                [at for at, result in enumerate(results) if result == "d"],
                {
                    at: dead_letter_of(lease.queued, at, RefusedError("no"), "refused")
                    for at, result in enumerate(results)
                    if result == "x"
                },
                [at for at, result in enumerate(results) if result == "r"],
                self.clock.moment + seconds,
                results.count("r") and 1,
                RetryableError("busy") if "r" in results else None,
            )
            lost.append([*self.loop.run_until_complete(queue.settle(settlement))])
        assert lost[1:] == lost[:1] * (len(lost) - 1)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        """Let time pass, or set the clock back."""
        self.clock.moment += seconds

    @rule()
    def renew(self) -> None:
        """Renew all leases."""
        self.ask(lambda queue: queue.renew())

    @rule(action=st.sampled_from(ACTIONS), stops=st.booleans(), pause=st.none() | st.sampled_from((5.0, 500.0)))
    def mark(self, action: str, stops: bool, pause: float | None) -> None:
        """Mark a lane."""
        stopped = "stopped" if stops else None
        until = None if pause is None else self.clock.moment + pause
        self.ask(lambda queue: queue.mark(Lane("account", action), stopped=stopped, paused_until=until))

    @rule(action=st.sampled_from(ACTIONS))
    def make_due(self, action: str) -> None:
        """Let all batches of a lane be due."""
        self.ask(lambda queue: queue.make_due([Lane("account", action)]))

    @rule(number=st.integers(1, 6), keys=KEYS)
    def replay(self, number: int, keys: list[str | None]) -> None:
        """Replay a dead letter as any events."""
        token = self.token()
        again = [ReplayBatch((number,) * len(keys), batch(*keys))]
        self.ask(lambda queue: queue.dead_letters.replay(again, token))

    @rule(ids=st.none() | st.lists(st.integers(1, 8), max_size=2))
    def discard(self, ids: list[int] | None) -> None:
        """Discard dead letters."""
        self.ask(lambda queue: queue.dead_letters.discard(DeadLetterFilter(ids=ids, reason="refused")))

    @invariant()
    def all_show_the_same(self) -> None:
        """Compare what people see."""

        async def status(queue: Queue) -> Any:
            shown = await queue.status()
            letters = await queue.dead_letters.read(await queue.dead_letters.ids(DeadLetterFilter()))
            return replace(shown, bytes=0, dead=dict(shown.dead)), letters, await queue.outcomes(1)

        self.ask(status)


async def _awaited(question: Awaitable[Any]) -> Any:
    return await question


async def _plain_result(queue: Queue, put: Put) -> Any:
    result = await queue.put(put)
    # An engine may forget which batch brought an event once that has left the queue.
    duplicates = [each if each.state == "queued" else each._replace(batch=0) for each in result.duplicates]
    return [*result.accepted], duplicates, result.too_old


def _shown(lease: Lease) -> Any:
    batch = lease.queued.batch
    columns = (batch.payloads.text, [*batch.events.kept], batch.subscriptions, batch.idempotency_keys, batch.shard)
    return lease.id, lease.attempts, lease.accepted_at, lease.run, lease.queued.lane, lease.queued.origins, columns


class DurableEngines(Engines):
    """The same for SQLite and PostgreSQL."""

    def opened(self) -> list[Queue]:
        """Return an empty queue of each engine."""
        places = (self.folder / "outbox.sqlite", shared_server().outbox(self.folder))
        return [open_queue(place, clock=self.clock) for place in places]


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        # A shorter history would be easier to read, but to find it takes minutes: each step writes to the disk.
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
    )


def test_postgres_agrees() -> None:
    require_postgres()
    run_state_machine_as_test(DurableEngines, settings=_settings(max(1, EXAMPLES // 20)))


TestEngines = Engines.TestCase
TestEngines.settings = _settings(EXAMPLES // 4)
