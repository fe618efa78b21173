"""Workers on a real cluster while processes, brokers and partitions go: each event arrives, and each once."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Checkpoint, QueueOpenError
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources.kafka.checkpoints import OUTBOX_KEY, read_position
from kafka_workers import EVENTS, WORKERS, event, membership, running_workers
from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from kafka_cluster import Cluster

STORM = 3 * (WORKERS - 1)
"""How many workers join the group and leave it while others read."""

_PARTS = 6


@contextmanager
def publishing(cluster: Cluster, topic: str, numbers: Sequence[int]) -> Iterator[threading.Thread]:
    """Publish events bit by bit while the block runs, and all of them by its end."""

    def publish() -> None:
        for part in range(_PARTS):
            cluster.publish(topic, [event(number) for number in numbers[part::_PARTS]])

    thread = threading.Thread(target=publish)
    thread.start()
    yield thread
    thread.join()


def test_each_event_arrives_once_while_workers_and_brokers_are_killed(
    own_cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with running_workers(own_cluster, sandbox, tmp_path) as workers:
        killed, *_ = [workers.start() for _ in range(WORKERS)]
        own_cluster.publish(workers.topic, [event(0)])
        workers.until_delivered([0])

        @contextmanager
        def meanwhile(part: int) -> Iterator[None]:
            """Publish a part of the events, and see that some arrive, whatever happens in the block."""
            before = len(sandbox.ledger.events)
            with publishing(own_cluster, workers.topic, range(1 + part, EVENTS, 4)):
                yield
                workers.until(lambda: len(sandbox.ledger.events) > before)

        with meanwhile(0):
            workers.until(lambda: len(sandbox.ledger.events) > 1)
            workers.kill(killed)
            workers.start()
        leader = own_cluster.leader(workers.topic)
        with meanwhile(1):
            leader.kill()
        own_cluster.restore()
        other = next(node for node in own_cluster.nodes.values() if node is not leader)
        with meanwhile(2):
            other.kill()
        own_cluster.restore()
        with meanwhile(3), leader.paused():
            time.sleep(1.5)
        workers.until_delivered(range(EVENTS))
        assert workers.end()[1:] == [0] * WORKERS, workers.log()


@pytest.fixture(params=["sqlite", "postgresql"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The option for an outbox that workers share."""
    if request.param == "sqlite":
        return ("--outbox", str(tmp_path / "outbox.sqlite"))
    require_postgres()
    return ("--outbox", shared_server().outbox(tmp_path))


def test_each_event_arrives_once_while_workers_come_and_go(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path, outbox: tuple[str, str]
) -> None:
    with running_workers(cluster, sandbox, tmp_path) as workers:
        workers.start(outbox)
        with publishing(cluster, workers.topic, range(EVENTS)):
            for number in range(STORM):
                joining = workers.start(outbox)
                # Long enough to be given partitions, now and then.
                time.sleep(number / 2 % 2.5)
                joining.terminate()
                assert joining.wait(30) == 0, (number, workers.log())
        workers.until_delivered(range(EVENTS))
        workers.end()
    # They share an outbox, so nothing was even sent twice.
    assert sandbox.ledger.duplicates == 0


def test_of_two_owners_of_a_partition_one_continues(
    cluster: Cluster, sandbox: RunningSandbox, command_line: CommandLine, outbox: tuple[str, str]
) -> None:
    with running_workers(cluster, sandbox, command_line.folder, partitions=1) as workers:
        workers.start(outbox)
        with publishing(cluster, workers.topic, range(EVENTS)) as thread:
            runs = 0
            while thread.is_alive() and runs < 3:
                # It reads all partitions, whomever the group has given them to.
                run = command_line("deliver", "--from", workers.url, "--base-url", sandbox.base_url, *outbox)
                assert run.code == 0, run.err + run.out
                runs += 1
        workers.until_delivered(range(EVENTS))
        workers.end()
    assert sandbox.ledger.duplicates == 0


def test_memberships_of_a_customer_arrive_in_their_order_while_workers_are_killed(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path, outbox: tuple[str, str]
) -> None:
    with running_workers(cluster, sandbox, tmp_path) as workers:
        killed = workers.start(outbox)
        workers.start(outbox)
        for part in range(_PARTS):
            for partition in range(4):
                # The customers of a partition: 0 and 4, 1 and 5, and so on.
                numbers = [number for number in range(part, EVENTS, _PARTS) if number % 8 % 4 == partition]
                cluster.publish(
                    workers.topic, [membership(number, number % 8) for number in numbers], partition=partition
                )
            if part == _PARTS // 2:
                workers.kill(killed)
        workers.until_delivered(range(EVENTS))
        workers.end()
    of_customer: dict[str, list[int]] = {}
    for found in sandbox.ledger.events:
        of_customer.setdefault(found["clientId"], []).append(found["data"]["number"])
    published = {
        f"customer {customer}": [
            number for part in range(_PARTS) for number in range(part, EVENTS, _PARTS) if number % 8 == customer
        ]
        for customer in range(8)
    }
    assert of_customer == published


def test_a_checkpoint_never_passes_an_event_that_is_not_in_the_outbox(
    cluster: Cluster, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    count = 4 * EVENTS
    with running_workers(cluster, sandbox, tmp_path) as workers:
        for partition in range(4):
            cluster.publish(
                workers.topic, [event(number) for number in range(partition, count, 4)], partition=partition
            )
        # Killed at some moment while it accepts, and again.
        for moment in (0.0, 0.05):
            before = _accepted(tmp_path)[0]
            worker = workers.start()
            workers.until(partial(_has_more, tmp_path, before, count))
            time.sleep(moment)
            workers.kill(worker)
            passed, known = _accepted(tmp_path)
            assert before <= passed <= known
        workers.start()
        workers.until_delivered(range(count))
        workers.end()


def _has_more(folder: Path, than: int, most: int) -> bool:
    passed, _ = _accepted(folder)
    return passed > than or passed == most


def _accepted(folder: Path) -> tuple[int, int]:
    """Return how many events the checkpoints have passed, and how many IDs the outbox has taken."""

    async def read() -> tuple[int, int]:
        queue = open_queue(folder / "outbox.sqlite", clock=SystemClock(), read_only=True)
        try:
            states = [
                item.state async for item in queue.export() if isinstance(item, Checkpoint) and item.name != OUTBOX_KEY
            ]
            return sum(read_position(state).offset for state in states), (await queue.status()).known_ids
        finally:
            await queue.close()

    try:
        return asyncio.run(read())
    except QueueOpenError:
        return 0, 0
