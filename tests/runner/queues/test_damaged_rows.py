"""One damaged row of an outbox is named and set aside, and blocks nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import RefusedError
from kable_destination.runner.queues.contract import (
    DeadLetterFilter,
    ExportedBatch,
    KeptDeadLetter,
    Put,
    QueueOpenError,
    Settlement,
    Token,
    dead_letter_of,
)
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite.backup import back_up
from kable_destination.runner.queues.suite.erasing import MINE, of
from kable_destination.runner.queues.suite.opened import LANE, MovedClock, batch, keys_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "damage",
    [
        "about = x'00ff'",
        "payloads = x'00'",
        "events = x'28b52ffd'",
        "about = replace(about, '[1,2]', '[1]')",
        "about = '{}'",
        "events = payloads",
    ],
)
def test_a_damaged_batch_is_set_aside(tmp_path: Path, damage: str) -> None:
    path, clock = tmp_path / "outbox.sqlite", MovedClock()

    async def use() -> None:
        queue = open_queue(path, clock=clock)
        await queue.put(Put(Token(1, 1), [batch("a"), batch("b", "c"), batch("d", shard=1)]))
        await queue.close()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE bodies SET {damage} WHERE batch = 2")  # noqa: S608 - a constant
        queue = open_queue(path, clock=clock)
        exported = [item async for item in queue.export()]
        assert [item.queued.batch.idempotency_keys for item in exported if isinstance(item, ExportedBatch)] == [
            ("a",),
            ("d",),
        ]
        (told,) = [item.letter for item in exported if isinstance(item, KeptDeadLetter)]
        assert keys_of(await queue.lease({LANE: 10})) == ["a", "d"]
        (kept,) = await queue.dead_letters.read(await queue.dead_letters.ids(DeadLetterFilter()))
        assert kept.letter == told
        assert "batch 2 of the outbox is damaged" in kept.letter.message
        assert "its 2 events cannot be read" in kept.letter.message
        assert (kept.letter.account, kept.letter.action, kept.letter.event) == (*LANE, None)
        (lane,) = (await queue.status()).lanes
        assert (lane.queued, lane.batches) == (2, 2)
        outcomes, _ = await queue.outcomes(1)
        assert (outcomes.dead, outcomes.queued) == ({"unreadable": 2}, 2)
        assert keys_of(await queue.lease({LANE: 10})) == []
        await queue.close()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM bodies WHERE batch = 2").fetchone() == (1,)

    asyncio.run(use())


@pytest.mark.parametrize(
    ("damage", "is_named"),
    [
        ("problems = '[['", False),
        ("event = 'text'", True),
        ("event = 17", True),
        ("message = cast(x'ff' AS TEXT)", True),
        ("place = 'nowhere'", True),
        ("key = x'00'", True),
    ],
)
def test_a_damaged_dead_letter_hides_no_other(tmp_path: Path, damage: str, *, is_named: bool) -> None:
    path = tmp_path / "outbox.sqlite"

    async def use() -> None:
        queue = open_queue(path, clock=MovedClock())
        await queue.put(Put(Token(1, 1), [batch("a", "b")]))
        (lease,) = (await queue.lease({LANE: 1})).leases
        dead = {at: dead_letter_of(lease.queued, at, RefusedError("no"), "refused") for at in range(2)}
        await queue.settle(Settlement(lease, dead=dead))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE dead_letters SET {damage} WHERE id = 1")  # noqa: S608 - a constant
        for kept in (
            await queue.dead_letters.read([1, 2]),
            [item async for item in queue.export() if isinstance(item, KeptDeadLetter)],
        ):
            assert [letter.id for letter in kept] == [1, 2]
            assert ("dead letter 1 of the outbox is damaged" in kept[0].letter.message) is is_named
            assert kept[1].letter.message == "no"
        assert sum(group.count for group in await queue.dead_letters.groups(DeadLetterFilter())) == 2
        await queue.close()

    asyncio.run(use())


def test_an_erasure_names_a_damaged_batch_and_looks_into_the_others(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"

    async def use() -> None:
        queue = open_queue(path, clock=MovedClock())
        await queue.put(Put(Token(1, 1), [of("c1"), of("c1", "c2", begin=2), of("c1", begin=4)]))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE bodies SET payloads = x'00' WHERE batch = 2")
        erased = await queue.erase(MINE)
        assert (erased.queued, erased.damaged) == (2, [2])
        await queue.close()

    asyncio.run(use())


def test_a_backup_of_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    path, target = tmp_path / "outbox.sqlite", tmp_path / "copy.sqlite"

    async def fill() -> None:
        queue = open_queue(path, clock=MovedClock())
        await queue.put(Put(Token(1, 1), [batch(str(number)) for number in range(200)]))
        await queue.close()

    asyncio.run(fill())
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 8_192)
    with pytest.raises(QueueOpenError, match=r"damaged|malformed"):
        back_up(path, target)
    assert [found.name for found in tmp_path.iterdir() if "outbox" not in found.name] == []
