"""An outbox of format 3 opens, and everything that it holds is there."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.queues.contract import DeadLetterFilter, ExportedBatch, Lane, Put, QueueOpenError, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import migrations
from kable_destination.runner.queues.suite.opened import MovedClock
from outbox_samples import ACCOUNT, SAMPLES, Sample, again, made

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock() -> MovedClock:
    """A clock long after the sample was made."""
    return MovedClock()


@pytest.fixture
def third(tmp_path: Path) -> Sample:
    """An outbox of format 3."""
    return made(next(path for path in SAMPLES if path.stem == "format-3"), tmp_path / "outbox.sqlite")


def test_everything_of_format_3_is_kept(third: Sample, clock: MovedClock) -> None:
    batches = third.rows("SELECT id, due, accepted_at, attempts, events FROM batches ORDER BY id")
    letters = third.rows("SELECT id, at, reason, message, source, place, event, key FROM dead_letters ORDER BY id")
    checkpoints = third.rows("SELECT key, name, state, is_end FROM checkpoints ORDER BY key")
    clock.moment = batches[0][2] + 10

    async def look() -> None:
        queue = open_queue(third.path, clock=clock)
        items = [item async for item in queue.export()]
        found = [item for item in items if isinstance(item, ExportedBatch)]
        assert [(item.due, item.accepted_at, item.attempts, item.queued.count) for item in found] == [
            row[1:] for row in batches
        ]
        kept = await queue.dead_letters.read(await queue.dead_letters.ids(DeadLetterFilter()))
        assert [
            (
                item.id, item.at, item.letter.reason, item.letter.message, item.letter.origin.source,
                item.letter.origin.place, item.letter.event, item.letter.key,
            )
            for item in kept
        ] == letters  # fmt: skip
        for key, name, state, is_end in checkpoints:
            checkpoint = (await queue.checkpoints(key))[0]
            assert checkpoint is not None
            assert (checkpoint.name, checkpoint.state, checkpoint.is_end) == (name, state, bool(is_end))
        keys = [f"message-{number:03}" for number in (0, 13, 30, 44)]
        states = [each.state for each in (await queue.put(Put(Token(1, 1), [again(*keys)]))).duplicates]
        assert states == ["delivered", "refused", "queued", "queued"]
        await queue.close()

    asyncio.run(look())
    assert (len(batches), len(letters), len(checkpoints)) == (6, 3, 3)


def test_what_waits_in_format_3_waits_as_long_as_it_was_to(third: Sample, clock: MovedClock) -> None:
    """Its lane is paused for an hour; nothing says how long the pause was to be."""
    ((accepted_at, due),) = third.rows("SELECT accepted_at, max(due) FROM batches")
    lane = Lane(ACCOUNT, "identify")

    async def lease(moment: float) -> int:
        clock.moment = moment
        queue = open_queue(third.path, clock=clock)
        leased = await queue.lease({lane: 10})
        await queue.close()
        return sum(item.queued.count for item in leased.leases)

    assert due > accepted_at + 3000
    assert asyncio.run(lease(due - 60)) == 0
    assert asyncio.run(lease(due - 400 * 86_400)) == 0, "the pause cannot be longer than a day"
    assert asyncio.run(lease(due - 399 * 86_400 + 1)) == 3


def test_an_interrupted_step_from_format_3_is_taken_again(
    third: Sample, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_the_end(connection: sqlite3.Connection, now: float) -> None:
        migrations.from_3(connection, now)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migrations, "STEPS", {**migrations.STEPS, 3: fail_at_the_end})
    with pytest.raises(QueueOpenError, match="is full; it is as it was, so make room and run again"):
        open_queue(third.path, clock=clock)
    assert third.version == 3
    monkeypatch.undo()
    test_everything_of_format_3_is_kept(third, clock)
