"""The IDs of an outbox of format 4 stay known, however many there are and whenever they came."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.queues.contract import ExportedIds, Lane, Put, QueueOpenError, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import from_format_4, migrations
from kable_destination.runner.queues.sqlite.schema import VERSION
from kable_destination.runner.queues.stored.hashes import Hasher
from kable_destination.runner.queues.suite.opened import MovedClock
from outbox_samples import ACCOUNT, SAMPLES, Sample, again, made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = 86_400.0
PERIODS = {1: 100 * DAY, 20: 140 * DAY, 30: 180 * DAY}
"""The first batch of each period, and how long before the present it began."""


@pytest.fixture
def clock() -> MovedClock:
    """A clock long after the sample was made."""
    return MovedClock()


def merged(batch: int) -> list[str]:
    """Return IDs that a batch brought, long before it was merged into the table."""
    return [f"merged {batch} {number}" for number in range(150)]


@pytest.fixture(autouse=True)
def move_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few thousand IDs be many."""
    monkeypatch.setattr(from_format_4, "_MOVED_AT_ONCE", 300)


@pytest.fixture
def fourth(tmp_path: Path, clock: MovedClock) -> Sample:
    """An outbox of format 4, with IDs of three periods in its table."""
    sample = made(next(path for path in SAMPLES if path.stem == "format-4"), tmp_path / "outbox.sqlite")
    with closing(sqlite3.connect(sample.path)) as connection, connection:
        connection.execute("UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'batches'")
        connection.execute("DELETE FROM id_periods")
        started = [clock.moment - before for before in sorted(PERIODS.values(), reverse=True)]
        connection.executemany("INSERT INTO id_periods VALUES (?, ?)", zip(PERIODS, started, strict=True))
        for batch in range(1, 41):
            names = Hasher(b"").names_of(ACCOUNT, merged(batch))
            connection.executemany("INSERT INTO ids VALUES (?, ?)", [(name, batch) for name in names])
        connection.execute("UPDATE id_state SET merges = 1, merged = 6000")
    return sample


def duplicates_of(sample: Sample, clock: MovedClock, keys: Sequence[str], run: int = 1) -> dict[str, str]:
    """Put events, and return the states of those that are known, by their IDs."""

    async def put() -> dict[str, str]:
        queue = open_queue(sample.path, clock=clock)
        result = await queue.put(Put(Token(run, 1), [again(*keys)]))
        await queue.close()
        return {duplicate.key: duplicate.state for duplicate in result.duplicates}

    return asyncio.run(put())


def test_ids_of_format_4_stay_known(fourth: Sample, clock: MovedClock) -> None:
    keys = [key for batch in range(1, 41) for key in merged(batch)]
    recent = [f"message-{number:03}" for number in (0, 13, 30, 44)]
    states = duplicates_of(fourth, clock, [*keys, *recent, "new"])
    assert list(states) == [*keys, *recent]
    # A batch with the number of one that waits brought other events.
    assert {states[key] for key in keys} == {"delivered"}
    assert [states[key] for key in recent] == ["delivered", "refused", "queued", "queued"]


def test_an_id_that_waits_is_known_as_queued(fourth: Sample, clock: MovedClock) -> None:
    """The table says which batch brought it, and that one is still queued."""
    with closing(sqlite3.connect(fourth.path)) as connection, connection:
        connection.execute("DELETE FROM recent_ids")
        (name,) = Hasher(b"").names_of(ACCOUNT, ["message-044"])
        connection.execute("INSERT INTO ids VALUES (?, 8)", (name,))
    assert duplicates_of(fourth, clock, ["message-044", "message-000"]) == {"message-044": "queued"}


def test_ids_of_format_4_are_counted_and_exported(fourth: Sample, clock: MovedClock) -> None:
    async def look() -> tuple[int, list[ExportedIds]]:
        queue = open_queue(fourth.path, clock=clock, read_only=True)
        known = (await queue.status()).known_ids
        exported = [item async for item in queue.export() if isinstance(item, ExportedIds)]
        await queue.close()
        return known, exported

    known, exported = asyncio.run(look())
    assert known == 6_000 + 12
    counts: dict[float, int] = {}
    for ids in exported:
        days = (clock.moment - ids.at) / DAY
        counts[days] = counts.get(days, 0) + len(ids.names)
        assert ids.salt == b""
    assert counts == {180: 19 * 150, 140: 10 * 150, 100: 11 * 150 + 12}
    assert len({name for ids in exported for name in ids.names}) == known
    assert fourth.version == 4, "who only looks changes nothing"


def test_ids_of_format_4_expire_as_they_would_have(fourth: Sample, clock: MovedClock) -> None:
    async def prune() -> list[int]:
        known: list[int] = []
        for _ in range(4):
            queue = open_queue(fourth.path, clock=clock, keep_ids_days=120)
            await queue.put(Put(Token(len(known), 1)))
            known.append((await queue.status()).known_ids)
            await queue.close()
            clock.moment += 15 * DAY
        return known

    assert asyncio.run(prune()) == [6_012 - 19 * 150] * 1 + [6_012 - 29 * 150] * 3


def test_an_outbox_of_format_4_goes_on(fourth: Sample, clock: MovedClock) -> None:
    """What is new after the migration is known afterwards, and what waited is delivered."""
    assert duplicates_of(fourth, clock, ["new", "merged 7 7"]) == {"merged 7 7": "delivered"}
    assert duplicates_of(fourth, clock, ["newer", "new"], run=2) == {"new": "queued"}

    async def lease() -> int:
        queue = open_queue(fourth.path, clock=clock)
        leased = await queue.lease({Lane(ACCOUNT, action): 10 for action in ("track", "identify")})
        await queue.close()
        return sum(item.queued.count for item in leased.leases)

    assert asyncio.run(lease()) == 8 + 2


def test_an_interrupted_step_from_format_4_is_taken_again(
    fourth: Sample, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fourth.rows("SELECT hash, batch FROM ids ORDER BY hash")

    def fail_at_the_end(connection: sqlite3.Connection, now: float) -> None:
        from_format_4.from_4(connection, now)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migrations, "STEPS", {**migrations.STEPS, 4: fail_at_the_end})
    with pytest.raises(QueueOpenError, match="is full; it is as it was, so make room and run again"):
        open_queue(fourth.path, clock=clock)
    assert fourth.version == 4
    assert fourth.rows("SELECT hash, batch FROM ids ORDER BY hash") == before
    monkeypatch.undo()
    test_ids_of_format_4_stay_known(fourth, clock)


KILLED = """
import os, signal, sys
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import migrations
from kable_destination.runner.queues.suite.opened import MovedClock

def be_killed(connection, now):
    from_4(connection, now)
    os.kill(os.getpid(), signal.SIGKILL)

from_4 = migrations.STEPS[4]
migrations.STEPS = {**migrations.STEPS, 4: be_killed}
open_queue(sys.argv[1], clock=MovedClock())
"""


def test_a_step_from_format_4_that_was_killed_is_taken_by_the_next(fourth: Sample, clock: MovedClock) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(fourth.path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert fourth.version == 4
    test_ids_of_format_4_stay_known(fourth, clock)
    assert fourth.version == VERSION


def test_batches_that_are_far_apart_are_told_apart(fourth: Sample, clock: MovedClock) -> None:
    """An entry holds the lowest bytes of the number of its batch."""
    far = (1 << 24) + 8
    with closing(sqlite3.connect(fourth.path)) as connection, connection:
        for batch, key in ((8, "message-044"), (far, "far"), (2 * far, "farther")):
            (name,) = Hasher(b"").names_of(ACCOUNT, [key])
            connection.execute("INSERT OR REPLACE INTO ids VALUES (?, ?)", (name, batch))
        connection.execute("DELETE FROM recent_ids")
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'batches'", (3 * far,))
    expected = {"message-044": "queued", "far": "delivered", "farther": "delivered"}
    assert duplicates_of(fourth, clock, list(expected)) == expected
