"""However many processes plan, the queue is given the same: batch by batch, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kable_destination.definitions import Destination, Subscription
from kable_destination.destination import kable
from kable_destination.runner.delivery import acceptor
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.delivery import Delivery, Rules
from kable_destination.runner.delivery.retry_policy import RetryPolicy
from kable_destination.runner.delivery.run_report import RunReport
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources import blocks
from kable_destination.runner.sources.files import FileSource
from planner_pools import SETTINGS, SharedServer, planner_server, planners
from segment_events import identify, track
from virtual_clock import BusyQueue, VirtualClock
from virtual_run import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kable_destination.runner.planners.program import Way
    from kable_destination.runner.queues.contract import Put, PutResult

EXAMPLES = int(os.environ.get("KABLE_PLANNED_FILES", "3"))
BASE_URL = "http://127.0.0.1:9"
SUBSCRIPTIONS = [
    Subscription(partner_action="track", subscribe='type = "track" and properties.region != "us"', name="usage"),
    Subscription(partner_action="identify", subscribe='type = "identify"', name="membership"),
]


def line(kind: int, number: int) -> bytes:
    """Write a line of some kind, most of them not as they should be."""
    odd: list[Callable[[], Any]] = [
        lambda: identify(number),
        lambda: track(number, userId=None),
        lambda: track(number, userId="", messageId=""),
        lambda: {**track(number), "type": "Track"},
        lambda: {**track(number), "type": "page"},
        lambda: {**track(number), "type": "delete"},
        lambda: {"batch": [track(number), identify(number), 5, {}], "context": {"a": [1]}},
        lambda: track(number, integrations={"Kable": False}),
        lambda: track(number, integrations={"kable": False}),
        lambda: track(number, integrations={"All": False, "all": True}),
        lambda: track(number, timestamp="2019-01-01T00:00:00Z"),
        lambda: track(number, timestamp="never"),
        lambda: track(number, properties={"list": [1, {"batch": []}], "text": "“batch” ümlaut 🎉"}),
        lambda: track(number, properties={"region": "us"}),
        lambda: track(number, properties={"half": "\ud800"}),
        lambda: track(number, userId="\udc00"),
        lambda: track(number, userId=number),
        lambda: track(number % 3),
        lambda: [track(number)],
    ]
    raw = [
        b"",
        b"  ",
        b"\r",
        b"{",
        b"\xff\xfe",
        b"nonsense",
        b'{"type":"track","x":1e400}',
        b" " + json.dumps(track(number)).encode(),
    ]
    if kind < len(odd):
        return json.dumps(odd[kind]()).encode()
    if kind < len(odd) + len(raw):
        return raw[kind - len(odd)]
    return json.dumps(track(number)).encode()


def content(seed: int, lines: int, oddity: float) -> bytes:
    """Write a file of events; one line in so many is odd."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    kinds = [dice.randrange(27) if dice.random() < oddity else 99 for _ in range(lines)]
    kinds[0] = 99
    text = b"\n".join([line(kind, number + seed % 1000 * 10_000) for number, kind in enumerate(kinds)])
    return text + dice.choice([b"", b"\n", b"\n\n", b"\r\n"])


class RecordingQueue(BusyQueue):
    """A queue that notes what is put."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.puts: list[Any] = []

    async def put(self, put: Put) -> PutResult:
        """Put, and note it."""
        self.puts.append(
            {
                "batches": [
                    (
                        queued.account,
                        queued.batch.action,
                        queued.batch.shard,
                        queued.batch.oldest,
                        queued.batch.payloads.text,
                        list(queued.batch.events.kept),
                        queued.batch.subscriptions,
                        queued.batch.idempotency_keys,
                        queued.origins,
                        queued.size,
                        queued.request and (queued.request.request.headers.raw, queued.request.request.content),
                    )
                    for queued in put.batches
                ],
                "dead letters": [(letter, letter.recurs, letter.occurrence) for letter in put.dead_letters],
                "checkpoints": put.checkpoints,
                "too old": {batch: positions for batch, positions in put.too_old.items() if positions},
            }
        )
        return await super().put(put)


class Welcome:
    """A transport whose server takes everything."""

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Take it."""
        return httpx.Response(200, request=request)


async def accepted(paths: list[Path], outbox: str, shared: SharedServer, way: Way, count: int) -> tuple[Any, Any]:
    """Deliver some files with so many planners; give what was put, and the report."""
    clock = VirtualClock(START)
    queue = RecordingQueue(open_queue(outbox, clock=SystemClock()), clock)
    report = RunReport()
    destination = Destination(kable, SETTINGS, SUBSCRIPTIONS, base_url=BASE_URL)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(queue.close)
        salt = await queue.salt()
        pool = await stack.enter_async_context(planners(shared, way, count, salt=salt)) if count else None
        delivery = Delivery(
            destination,
            queue,
            Welcome(),
            Rules(RetryPolicy(), batch_size=100),
            report=report,
            clock=SystemClock(),
            planners=pool,
        )
        ended = await delivery.run([FileSource(str(path)) for path in paths])
        assert ended is None
    told = report.as_json()
    del told["seconds"], told["requests"]
    return queue.puts, told


@pytest.fixture(params=["memory", "sqlite"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, SharedServer, Way]]:
    """A server of planners, for one kind of queue."""
    with planner_server(BASE_URL, request.param, SUBSCRIPTIONS, batch_size=100) as (shared, way):
        yield request.param, shared, way


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read few events at a time, so that a file of a thousand comes in several chunks.

    Each is planned by itself: which small chunks share a batch depends on when they arrive.
    """
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 128 * 1024)
    monkeypatch.setattr(acceptor, "_ENOUGH_EVENTS", 1)


def test_the_queue_is_given_the_same_with_any_number_of_planners(
    server: tuple[str, SharedServer, Way], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rejected events, blank and broken lines, batches of an SDK, shards, several files: nothing makes a difference."""
    scheme, shared, way = server

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        seed=st.integers(0, 10_000),
        sizes=st.lists(st.integers(1_100, 2_400), min_size=1, max_size=2),
        oddity=st.sampled_from([0.0, 0.002, 0.05, 0.6]),
    )
    def check(seed: int, sizes: list[int], oddity: float) -> None:
        folder = tmp_path_factory.mktemp("files")
        paths = []
        for number, lines in enumerate(sizes):
            paths.append(folder / f"{number}.ndjson")
            paths[-1].write_bytes(content(seed + number, lines, oddity))
        told = [
            asyncio.run(
                accepted(
                    paths, "memory:" if scheme == "memory" else str(folder / f"{count}.sqlite"), shared, way, count
                )
            )
            for count in (0, 1, 3)
        ]
        assert told[0][0], "something was accepted"
        for puts, report in told[1:]:
            assert report == told[0][1]
            assert len(puts) == len(told[0][0])
            for ours, theirs in zip(puts, told[0][0], strict=True):
                assert ours == theirs

    check()
