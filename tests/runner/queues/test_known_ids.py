"""The outbox knows each ID, whatever becomes of the generations, and takes no two for one."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.queues.contract import ExportedIds, Put, QueueOpenError, Settlement, Token
from kable_destination.runner.queues.engine import EngineOptions
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import generations, known_ids, merging, tables
from kable_destination.runner.queues.sqlite.export import everything
from kable_destination.runner.queues.sqlite.file import connect
from kable_destination.runner.queues.sqlite.known_ids import KnownIds
from kable_destination.runner.queues.stored import hashes
from kable_destination.runner.queues.suite.opened import LANE, MovedClock, batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DAY = 86_400.0
SEEDS = range(int(os.environ.get("KABLE_ID_SEEDS", "6")))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few hundred IDs be many, so that generations are made and merged."""
    monkeypatch.setattr(known_ids, "_MOST_RECENT", 64)
    monkeypatch.setattr(known_ids, "_MERGE_EVERY", 8)
    monkeypatch.setattr(merging, "_BUCKETS_AT_ONCE", 8)
    monkeypatch.setattr(merging, "_MANY_LARGE", 8)
    monkeypatch.setattr(generations, "_LEAST_IN_BUCKET", 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the outbox is."""
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """An outbox that is open."""
    with opened(path) as connection:
        yield connection


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an outbox."""
    with closing(connect(path, EngineOptions(MovedClock()))) as connection:
        # No machine is switched off in these tests.
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


class Known:
    """The known IDs as one process sees them, each step in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.ids = KnownIds(connection)

    @contextmanager
    def transaction(self) -> Iterator[KnownIds]:
        """Let others wait."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.ids.begin()
        yield self.ids
        self.connection.execute("COMMIT")

    def add(self, number: int, names: Sequence[bytes], now: float = 0.0) -> None:
        """Add the IDs of a batch."""
        with self.transaction() as ids:
            ids.add(number, names, now)

    def roll_back(self, number: int, names: Sequence[bytes], now: float = 0.0) -> None:
        """Add the IDs of a batch in a transaction that comes to nothing."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.ids.begin()
        self.ids.add(number, names, now)
        self.connection.execute("ROLLBACK")
        self.ids.reset()

    def known(self, names: Sequence[bytes]) -> dict[bytes, int]:
        """Return which are known."""
        with self.transaction() as ids:
            return dict(ids.known(set(names)))

    def forget(self, names: Sequence[bytes]) -> None:
        """Forget some."""
        with self.transaction() as ids:
            ids.forget(names)

    def prune(self, before: float, most: int = 5_000) -> None:
        """Delete what is old."""
        with self.transaction() as ids:
            ids.prune(before, most)

    def levels(self) -> list[int]:
        """Return the levels of the generations that are complete."""
        query = "SELECT level FROM id_generations WHERE end_word = 1 << 32 ORDER BY level"
        return [level for (level,) in self.connection.execute(query)]


def names_of(count: int, seed: int = 0) -> list[bytes]:
    """Return hashes as those of any IDs are."""
    chance = random.Random(seed)  # noqa: S311 - not secret
    return [chance.randbytes(16) for _ in range(count)]


def test_all_ids_are_known_with_their_batches(connection: sqlite3.Connection) -> None:
    known, names = Known(connection), names_of(12_000)
    for number in range(600):
        known.add(number + 1, names[number * 20 : number * 20 + 20])
    assert max(known.levels()) > 1
    expected = {name: at // 20 + 1 for at, name in enumerate(names)}
    assert known.known([*names, *names_of(5_000, seed=1)]) == expected
    assert Known(connection).known(names) == expected
    assert known.ids.count() == 12_000


@pytest.mark.parametrize("seed", SEEDS)
def test_processes_agree_whatever_they_do(path: Path, seed: int) -> None:
    """Each step is taken by any of three processes, and some steps come to nothing."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    with opened(path) as one, opened(path) as two, opened(path) as three:
        processes, expected, names = (
            [Known(one), Known(two), Known(three)],
            dict[bytes, int](),
            iter(names_of(9_999, seed)),
        )
        now, periods = 0.0, dict[bytes, float]()
        for number in range(1, 200):
            process = chance.choice(processes)
            step = chance.random()
            if step < 0.03 and expected:
                gone = [*chance.sample([*expected], min(len(expected), 40)), *names_of(3, seed=999)]
                process.forget(gone)
                expected = {name: found for name, found in expected.items() if name not in gone}
            elif step < 0.07:
                process.roll_back(number, [next(names) for _ in range(chance.randrange(60))], now)
            elif step < 0.09:
                now += 31 * DAY
            else:
                added = [next(names) for _ in range(chance.choice((1, 5, 20, 70)))]
                process.add(number, added, now)
                expected.update(dict.fromkeys(added, number))
                periods.update(dict.fromkeys(added, now))
            asked = chance.sample([*expected], min(len(expected), 50))
            found = chance.choice(processes).known([*asked, *names_of(20, seed=1_000 + number)])
            assert found == {name: expected[name] for name in asked}
        for process in processes:
            assert process.known([*expected]) == expected
            assert process.ids.count() == len(expected)
        exported = [name for item in everything(one, 0.0, bool) if isinstance(item, ExportedIds) for name in item.names]
        assert sorted(exported) == sorted(name[:12] for name in expected)
        processes[0].prune(now)
        left = {name: found for name, found in expected.items() if periods[name] > now - 30 * DAY}
        assert processes[1].known([*expected]) == left
        assert processes[2].ids.count() == len(left)


@pytest.mark.parametrize("common", [4, 8, 11])
def test_ids_that_are_alike_at_the_beginning_are_told_apart(connection: sqlite3.Connection, common: int) -> None:
    """The first word and everything that a filter looks at may be the same: only the rest is different."""
    known = Known(connection)
    names = [b"\x07" * common + number.to_bytes(12 - common, "big") + bytes(4) for number in range(250)]
    for at in range(0, 200, 10):
        assert known.known(names[at : at + 10]) == {}, "none is lost as though it were another"
        known.add(at + 1, names[at : at + 10])
    assert known.known(names) == {name: at // 10 * 10 + 1 for at, name in enumerate(names[:200])}
    assert Known(connection).known(names[200:]) == {}


class Colliding(hashes.Hasher):
    """Makes hashes that are all alike in their first word, and in what a filter looks at."""

    def names_of(self, account: str, keys: Sequence[str | None]) -> list[bytes | None]:
        """Return hashes that differ in their last bytes only."""
        names = super().names_of(account, keys)
        return [None if name is None else b"\x11" * 8 + name[:8] for name in names]


def test_a_collision_of_the_first_word_loses_no_event(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "Hasher", Colliding)

    async def put() -> None:
        queue = open_queue(path, clock=MovedClock())
        for run in range(2):
            for number in range(40):
                keys = [f"{number} {each}" for each in range(20)]
                result = await queue.put(Put(Token(run, number), [batch(*keys)]))
                assert result.accepted == [0 if run else 20]
                if run:
                    assert {each.state for each in result.duplicates} == {"delivered"}
                else:
                    (lease,) = (await queue.lease({LANE: 1})).leases
                    await queue.settle(Settlement(lease, delivered=range(20)))
        assert (await queue.status()).known_ids == 800
        await queue.close()

    asyncio.run(put())
    with opened(path) as connection:
        assert Known(connection).levels()


def test_a_hash_is_not_found_across_two_others(connection: sqlite3.Connection) -> None:
    known = Known(connection)
    first, second = b"\x01" * 16, b"\x01" * 4 + b"\x02" * 12
    # The entry of the first, and behind it that of the second.
    joined = first[:12] + (5).to_bytes(3, "big") + second[:12]
    across = joined[3:15] + bytes(4)
    others = [b"\x01" * 4 + name[4:] for name in names_of(70)]
    known.add(5, [first])
    known.add(6, [second])
    known.add(7, [across])
    known.add(8, others)
    assert known.levels() == [0]
    assert known.known([first, second, across]) == {first: 5, second: 6, across: 7}


def test_a_generation_is_deleted_when_its_last_id_has_expired(connection: sqlite3.Connection) -> None:
    """An older ID of a generation is known as long as the others."""
    known, names = Known(connection), names_of(400)
    known.add(1, names[:100], now=0.0)
    known.add(2, names[100:200], now=29 * DAY)
    known.add(3, names[200:300], now=40 * DAY)
    known.add(4, names[300:], now=75 * DAY)
    known.prune(before=29 * DAY)
    assert len(known.known(names)) == 400
    known.prune(before=30 * DAY)
    assert set(known.known(names)) == set(names[200:])
    known.prune(before=80 * DAY)
    assert set(known.known(names)) == set(names[300:])
    known.prune(before=105 * DAY)
    assert (known.known(names), known.ids.count()) == ({}, 0)
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a constant
        for table in ("id_generations", "id_parts", "id_buckets", "recent_ids")
    ]
    assert counts == [(0,)] * 4


def test_a_generation_that_has_expired_is_deleted_bit_by_bit(connection: sqlite3.Connection) -> None:
    """One that is being made, and those that it is made of, too."""
    known, names = Known(connection), names_of(700)
    for number in range(66):
        known.add(number + 1, names[number * 8 : number * 8 + 8])
    other, left = Known(connection), [528]
    while left[-1]:
        known.prune(before=31 * DAY, most=20)
        found = other.known(names)
        assert len(found) == len(known.known(names)) == known.ids.count()
        left.append(len(found))
        known.add(1_000 + len(left), [])
    assert len(left) > 5
    assert left == sorted(set(left), reverse=True)


def test_generations_of_a_period_that_is_over_become_one(connection: sqlite3.Connection) -> None:
    """So an outbox with few events has few generations."""
    known, names = Known(connection), names_of(3_000)
    for number in range(300):
        known.add(number + 1, names[number * 10 : number * 10 + 10], now=number * DAY)
    periods = connection.execute("SELECT since, count(*) FROM id_generations GROUP BY since ORDER BY since").fetchall()
    assert len(periods) >= 9
    assert {count for _, count in periods[:-2]} == {1}
    assert len(known.known(names)) == 3_000


@pytest.mark.parametrize("change", [-400 * DAY, 400 * DAY])
def test_a_clock_that_was_wrong_makes_no_id_expire_early(connection: sqlite3.Connection, change: float) -> None:
    known, names = Known(connection), names_of(300)
    known.add(1, names[:100], now=1_000 * DAY + change)
    known.add(2, names[100:200], now=1_000 * DAY)
    known.add(3, names[200:], now=1_001 * DAY)
    known.prune(before=999 * DAY)
    assert set(known.known(names)) >= set(names[100:])


def test_a_generation_whose_merge_was_interrupted_expires_whole(connection: sqlite3.Connection) -> None:
    known, names = Known(connection), names_of(700)
    for number in range(66):
        known.add(number + 1, names[number * 8 : number * 8 + 8])
    moving = connection.execute("SELECT count(*) FROM id_generations WHERE end_word < 1 << 32").fetchone()
    assert moving == (1,)
    assert len(known.known(names)) == 66 * 8
    known.prune(before=31 * DAY)
    known.prune(before=31 * DAY)
    assert (known.known(names), known.ids.count()) == ({}, 0)
    known.add(100, names, now=40 * DAY)
    assert len(known.known(names)) == 700


def test_each_outbox_has_a_salt_of_its_own(tmp_path: Path) -> None:
    async def names(path: Path) -> tuple[set[bytes], set[bytes]]:
        queue = open_queue(path, clock=MovedClock())
        await queue.put(Put(Token(1, 1), [batch("a", "b")]))
        await queue.close()
        queue = open_queue(path, clock=MovedClock())
        assert len((await queue.put(Put(Token(2, 1), [batch("b")]))).duplicates) == 1
        exported = [item async for item in queue.export() if isinstance(item, ExportedIds)]
        await queue.close()
        return {name for item in exported for name in item.names}, {item.salt for item in exported}

    (one, salt), (other, other_salt) = (asyncio.run(names(tmp_path / f"{number}.sqlite")) for number in range(2))
    assert len(one) == len(other) == 2
    assert one.isdisjoint(other)
    assert salt != other_salt
    assert {len(each) for each in salt | other_salt} == {16}
    (exported_as,) = hashes.Hasher(*salt).names_of(LANE.account, ["a"])
    assert exported_as is not None
    assert exported_as[:12] in one


def test_ids_that_are_damaged_stop_the_outbox(path: Path) -> None:
    """Nobody can say any more what was sent."""

    async def put() -> None:
        queue = open_queue(path, clock=MovedClock())
        for number in range(20):
            await queue.put(Put(Token(1, number), [batch(*[f"{number} {each}" for each in range(10)])]))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM id_buckets")
        with pytest.raises(QueueOpenError, match=r"cannot be used: row .* of the table id_buckets is missing"):
            await queue.put(Put(Token(1, 20), [batch(*[f"0 {each}" for each in range(10)])]))
        await queue.close()

    asyncio.run(put())
