"""Chunks with a fence: of several readers of one source, one is accepted, and nobody else is held up."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import Destination
from kable_destination.destination import kable
from kable_destination.runner.delivery.acceptor import Acceptor
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.delivery.fullness import Fullness
from kable_destination.runner.delivery.intake import Intake
from kable_destination.runner.queues.contract import CheckpointMovedError, ExportedBatch, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.sources.contract import Chunk, Fence
from segment_events import ndjson, track
from virtual_run import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from kable_destination.runner.queues.contract import Queue
    from kable_destination.runner.sources.contract import FindCheckpoints


class Topic:
    """A source whose chunks have fences: each begins where the one before ends."""

    key = "topic"
    name = "topic"
    resumed = None

    def __init__(self, *chunks: Chunk) -> None:
        self._chunks = chunks

    async def chunks(self, _find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        for chunk in self._chunks:
            yield chunk

    def stop(self) -> None:
        """Do nothing: it ends by itself."""


def acceptor_of(queue: Queue) -> Acceptor:
    numbers = itertools.count(1)
    return Acceptor(
        Destination(kable, SETTINGS),
        queue,
        account="account",
        token=lambda: Token(id(numbers), next(numbers)),
        clock=SystemClock(),
        notify=lambda _notice: None,
        fullness=Fullness(lambda _notice: None),
    )


def fenced(settled: list[bool], number: int, expected: bytes | None, state: bytes, key: str = "topic") -> Chunk:
    text = ndjson(track(number)).strip()
    fence = Fence(expected, settled.append)
    return Chunk(key, key, texts=[text], places=[number], checkpoint=state, fence=fence, records={"read": state})


def with_queue(test: Callable[[Queue], Awaitable[None]]) -> Callable[[str, Path], None]:
    """Make a test of a coroutine, for an empty queue of each of two kinds."""

    async def with_opened(queue: Queue) -> None:
        try:
            await test(queue)
        finally:
            await queue.close()

    @pytest.mark.parametrize("place", ["memory:", "outbox.sqlite"])
    def run(place: str, tmp_path: Path) -> None:
        opened = open_queue(place if place == "memory:" else tmp_path / place, clock=SystemClock())
        asyncio.run(with_opened(opened))

    run.__name__ = getattr(test, "__name__", "")
    run.__doc__ = test.__doc__
    return run


async def queued_ids(queue: Queue) -> list[str | None]:
    """Return the IDs of all queued events."""
    queued = [item.queued async for item in queue.export() if isinstance(item, ExportedBatch)]
    return sorted([key for found in queued for key in found.batch.idempotency_keys], key=str)


def id_of(number: int) -> str:
    return f"message-{number:06}"


@with_queue
async def test_chunks_in_a_row_are_put_together_and_the_source_hears_of_each(queue: Queue) -> None:
    settled: list[bool] = []
    acceptor = acceptor_of(queue)
    intake = Intake(acceptor, clock=SystemClock(), checkpoints=queue.checkpoints)
    states = [None, b"1", b"2", b"3"]
    chunks = [fenced(settled, at, states[at], states[at + 1] or b"") for at in range(3)]
    await intake.run([Topic(*chunks)])
    await asyncio.sleep(0)
    assert settled == [True, True, True]
    (found,) = await queue.checkpoints("topic")
    assert found is not None
    assert found.state == b"3"
    assert await queue.records("read") == {"read": b"3"}
    assert await queued_ids(queue) == sorted(map(id_of, range(3)))
    await acceptor.close()


@with_queue
async def test_a_reader_that_is_too_late_holds_up_nobody_and_the_run_continues(queue: Queue) -> None:
    settled: list[bool] = []
    acceptor = acceptor_of(queue)
    await acceptor.accept(fenced([], 0, None, b"1"), patient=True)
    late, following = fenced(settled, 1, b"0", b"2"), fenced(settled, 2, b"2", b"3")
    other = fenced(settled, 3, None, b"9", key="other")
    intake = Intake(acceptor, clock=SystemClock(), checkpoints=queue.checkpoints)
    await intake.run([Topic(late, following, other)])
    await asyncio.sleep(0)
    # What follows a chunk that was not accepted is not accepted, either.
    assert sorted(settled) == [False, False, True]
    assert intake.results[0].error is None
    assert await queued_ids(queue) == sorted(map(id_of, (0, 3)))
    (found,) = await queue.checkpoints("topic")
    assert found is not None
    assert found.state == b"1"
    await acceptor.close()


@with_queue
async def test_callers_without_a_fence_are_accepted_beside_one_that_is_too_late(queue: Queue) -> None:
    acceptor = acceptor_of(queue)
    plain = Chunk("plain", texts=[ndjson(track(5)).strip()], places=[1])
    results = await asyncio.gather(
        acceptor.accept(fenced([], 1, b"unknown", b"2"), patient=True),
        acceptor.accept(plain),
        return_exceptions=True,
    )
    assert isinstance(results[0], CheckpointMovedError)
    assert not isinstance(results[1], BaseException)
    assert await queued_ids(queue) == [id_of(5)]
    await acceptor.close()


@with_queue
async def test_a_chunk_that_does_not_follow_the_one_before_is_put_by_itself(queue: Queue) -> None:
    """As after a rebalance: the source continues at a checkpoint of another reader, while an old chunk is in line."""
    acceptor = acceptor_of(queue)
    await acceptor.accept(fenced([], 0, None, b"5"), patient=True)
    old, new = await asyncio.gather(
        acceptor.accept(fenced([], 1, b"0", b"1"), patient=True),
        acceptor.accept(fenced([], 2, b"5", b"6"), patient=True),
        return_exceptions=True,
    )
    assert isinstance(old, CheckpointMovedError)
    assert not isinstance(new, BaseException)
    assert await queued_ids(queue) == sorted(map(id_of, (0, 2)))
    await acceptor.close()
