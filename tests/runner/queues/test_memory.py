"""The queue in memory keeps the contract, and stays small."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from kable_destination.definitions import RefusedError
from kable_destination.runner.queues.contract import DeadLetter, DeadLetterFilter, Settlement, dead_letter_of
from kable_destination.runner.queues.memory.dead_letters import MOST_KEPT
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.recent_ids import MOST_REMEMBERED
from kable_destination.runner.queues.suite import queue_suite
from kable_destination.runner.queues.suite.opened import Opened, batch
from kable_destination.runner.sources.contract import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from kable_destination.runner.delivery.clock import Clock
    from kable_destination.runner.queues.contract import Queue


def open_memory_queue(folder: Path, clock: Clock, /, **options: Any) -> Queue:  # noqa: ARG001 - nothing is in it
    """Open a new queue."""
    return open_queue("memory:", clock=clock, **options)


TestMemory = queue_suite(open_memory_queue, is_durable=False)


def run(work: Callable[[Opened], Coroutine[Any, Any, None]], folder: Path) -> None:
    """Open a queue and use it."""
    asyncio.run(work(Opened(open_memory_queue, folder)))


def test_the_latest_ids_are_known_and_no_more_than_twice_as_many(tmp_path: Path) -> None:
    async def put(opened: Opened) -> None:
        for number in range(300):
            await opened.put(batch(*[f"{number} {event}" for event in range(1_000)]))
            await opened.deliver(await opened.one())
        assert MOST_REMEMBERED <= (await opened.queue.status()).known_ids <= 2 * MOST_REMEMBERED
        for number in range(300 - MOST_REMEMBERED // 1_000, 300):
            assert (await opened.put(batch(f"{number} 0"))).accepted == [0]
        assert (await opened.put(batch("0 0"))).accepted == [1]

    run(put, tmp_path)


def test_all_dead_letters_are_counted_and_the_latest_are_kept(tmp_path: Path) -> None:
    async def put(opened: Opened) -> None:
        for number in range(MOST_KEPT + 20):
            await opened.put(dead_letters=[DeadLetter("rejected", "no", Origin("f", number), b"{}")])
        assert (await opened.queue.status()).dead == {"rejected": MOST_KEPT + 20}
        ids = await opened.queue.dead_letters.ids(DeadLetterFilter())
        assert ids == [*range(21, MOST_KEPT + 21)]

    run(put, tmp_path)


def test_a_dead_event_is_known_as_dead_when_its_letter_is_kept_no_more(tmp_path: Path) -> None:
    async def put(opened: Opened) -> None:
        await opened.put(batch("a"))
        lease = await opened.one()
        letter = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
        await opened.queue.settle(Settlement(lease, dead={0: letter}))
        await opened.put(
            dead_letters=[DeadLetter("rejected", "no", Origin("f", number), b"{}") for number in range(MOST_KEPT)]
        )
        assert 1 not in await opened.queue.dead_letters.ids(DeadLetterFilter())
        assert (await opened.put(batch("a"))).duplicates[0].state == "refused"

    run(put, tmp_path)


def test_it_works_without_a_thread(tmp_path: Path) -> None:
    async def use(opened: Opened) -> None:
        await opened.put(batch("a"))
        await opened.deliver(await opened.one())
        assert threading.active_count() == before

    before = threading.active_count()
    run(use, tmp_path)
