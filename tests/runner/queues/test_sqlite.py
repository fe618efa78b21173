"""The outbox in SQLite keeps the contract, and what holds for its file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.queues.contract import (
    DeadLetterFilter,
    Put,
    Queue,
    QueueFullError,
    QueueLockedError,
    QueueOpenError,
    Settlement,
    Token,
)
from kable_destination.runner.queues.engine import EngineOptions
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import file
from kable_destination.runner.queues.suite import queue_suite
from kable_destination.runner.queues.suite.opened import LANE, MovedClock, batch, keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from kable_destination.runner.delivery.clock import Clock


def open_outbox(folder: Path, clock: Clock, /, **options: Any) -> Queue:
    """Open the outbox of a folder."""
    return open_queue(folder / "outbox.sqlite", clock=clock, **options)


TestSqlite = queue_suite(open_outbox, is_durable=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an outbox may be."""
    return tmp_path / "outbox.sqlite"


def use(path: Path, work: Callable[[Queue], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Open an outbox, use it and close it."""

    async def opened() -> None:
        queue = open_queue(path, clock=MovedClock(), **options)
        try:
            await work(queue)
        finally:
            await queue.close()

    asyncio.run(opened())


async def put_one(queue: Queue) -> None:
    """Put one batch."""
    await queue.put(Put(Token(1, 1), [batch("a", "b")]))


def test_it_is_for_its_owner_alone(path: Path) -> None:
    async def look(queue: Queue) -> None:
        await put_one(queue)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == dict.fromkeys(("outbox.sqlite", "outbox.sqlite-shm", "outbox.sqlite-wal"), 0o600)

    before = os.umask(0)
    try:
        use(path, look)
    finally:
        os.umask(before)


def test_it_is_not_made_by_who_only_looks(path: Path) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(QueueOpenError, match=r"there is no outbox at .*; deliver makes one"):
            open_queue(path, clock=MovedClock(), **options)
    assert list(path.parent.iterdir()) == []


def test_a_link_is_followed_only_to_what_is_there(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere.sqlite")
    with pytest.raises(QueueOpenError, match="is a link to a file that does not exist"):
        open_queue(path, clock=MovedClock())
    assert not path.exists()
    use(path.parent / "elsewhere.sqlite", put_one)
    use(path, put_one, create=False)


@pytest.mark.parametrize("name", ["a b.sqlite", "100%.sqlite", "a?mode=memory", "a#b", "ä.sqlite", "a\udcffb"])
def test_any_name_is_that_of_a_file(tmp_path: Path, name: str) -> None:
    use(tmp_path / name, put_one)
    assert (tmp_path / name).stat().st_size > 0


def test_what_is_no_outbox_is_refused_and_stays_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bills (amount)")
    with pytest.raises(QueueOpenError, match="cannot be used: it is another program's database"):
        open_queue(path, clock=MovedClock())
    path.write_text("a report, and no outbox at all\n" * 100)
    with pytest.raises(QueueOpenError, match="cannot be used: file is not a database"):
        open_queue(path, clock=MovedClock())
    assert path.read_text().startswith("a report")
    with pytest.raises(QueueOpenError, match=r"is a folder|cannot be used"):
        open_queue(path.parent, clock=MovedClock())
    with pytest.raises(QueueOpenError, match="cannot be made: there is no folder"):
        open_queue(path.parent / "missing" / "outbox.sqlite", clock=MovedClock())


def test_what_is_being_written_can_be_looked_at(path: Path) -> None:
    """Only who wants to write too must wait, and learns why when that takes too long."""
    use(path, put_one)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        async def look(queue: Queue) -> None:
            assert [lane.queued for lane in (await queue.status()).lanes] == [2]
            assert await queue.dead_letters.groups(DeadLetterFilter()) == []
            with pytest.raises(QueueLockedError, match="another program has it to itself"):
                await queue.dead_letters.discard(DeadLetterFilter())

        use(path, look, busy_seconds=0)


def test_a_locked_file_holds_up_no_reader_that_asks_at_the_same_time(path: Path) -> None:
    use(path, put_one)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        async def ask(queue: Queue) -> None:
            answers = await asyncio.gather(
                queue.lease({LANE: 1}), queue.status(), queue.lease({LANE: 1}), return_exceptions=True
            )
            assert [type(answer).__name__ for answer in answers] == [
                "QueueLockedError",
                "QueueStatus",
                "QueueLockedError",
            ]

        use(path, ask, busy_seconds=0)


def test_what_cannot_even_be_read_says_what_to_do(path: Path) -> None:
    use(path, put_one)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        for options in ({}, {"read_only": True}):
            with pytest.raises(QueueOpenError, match="end that program, or wait for it, and run again"):
                open_queue(path, clock=MovedClock(), busy_seconds=0, **options)


def test_who_only_reads_writes_nothing(path: Path) -> None:
    use(path, put_one)
    before = path.read_bytes()

    async def look(queue: Queue) -> None:
        assert (await queue.status()).lanes[0].queued == 2
        with pytest.raises(QueueFullError, match="readonly"):
            await queue.lease({LANE: 1})

    use(path, look, read_only=True)
    assert path.read_bytes() == before


def test_a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results have room again as soon as something was delivered, and so has what comes next."""
    prepare = file._prepare

    def prepare_small(connection: sqlite3.Connection, busy_seconds: float) -> None:
        prepare(connection, busy_seconds)
        connection.execute("PRAGMA max_page_count = 66")

    monkeypatch.setattr(file, "_prepare", prepare_small)
    noise = [os.urandom(30_000).hex() for _ in range(40)]

    async def fill(queue: Queue) -> None:
        accepted = 0

        async def put_all() -> None:
            nonlocal accepted
            for number, key in enumerate(noise):
                await queue.put(Put(Token(1, number), [batch(key)]))
                accepted += 1

        with pytest.raises(QueueFullError, match="full"):
            await put_all()
        # Each for itself: what fits is not refused because of what does not.
        small, large = await asyncio.gather(
            queue.put(Put(Token(2, 1), [batch("small")])),
            queue.put(Put(Token(3, 1), [batch(*[f"{key}x" for key in noise])])),
            return_exceptions=True,
        )
        assert getattr(small, "accepted", None) == [1]
        assert isinstance(large, QueueFullError)
        for lease in (await queue.lease({LANE: 100})).leases:
            assert [*await queue.settle(Settlement(lease, delivered=(0,)))] == []
        (lane,) = (await queue.status()).lanes
        assert (lane.queued, lane.delivered) == (0, accepted + 1)
        assert (await queue.put(Put(Token(1, accepted), [batch(noise[accepted])]))).accepted == [1]

    use(path, fill)


def test_a_transaction_that_comes_to_nothing_is_forgotten_in_memory_too(path: Path) -> None:
    """IDs and lanes that were rolled back are new when they come again."""

    async def put(queue: Queue) -> None:
        limited = open_queue(path, clock=MovedClock(), limit_bytes=1)
        await limited.put(Put(Token(1, 1), [batch("a", account="first")]))
        results = await asyncio.gather(
            limited.put(Put(Token(2, 1), [batch("b"), batch("b", account="first")])),
            limited.put(Put(Token(3, 1), records={"r": b"1"})),
            return_exceptions=True,
        )
        assert isinstance(results[0], QueueFullError)
        assert await queue.records("") == {"r": b"1"}
        assert (await queue.put(Put(Token(2, 1), [batch("b")]))).accepted == [1]
        assert keys_of(await limited.lease({LANE: 5})) == ["b"]
        await limited.close()

    use(path, put)


@pytest.mark.parametrize("page_bytes", [4_096, 8_192])
def test_the_log_is_folded_into_the_file_before_it_is_long(path: Path, page_bytes: int) -> None:
    """Outboxes of earlier versions have larger pages."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page_bytes}")
        connection.execute("VACUUM")

    async def put_much(queue: Queue) -> None:
        for number in range(100):
            await queue.put(Put(Token(1, number + 1), [batch(f"{number} {os.urandom(500_000).hex()}")]))
        assert 20 * 1024 * 1024 < path.with_name("outbox.sqlite-wal").stat().st_size < 40 * 1024 * 1024

    use(path, put_much)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (page_bytes,)


def test_a_damaged_file_says_so(path: Path) -> None:
    async def read(queue: Queue) -> None:
        await queue.put(Put(Token(1, 1), [batch(*[f"{number} {os.urandom(500).hex()}" for number in range(500)])]))

    use(path, read)
    content = bytearray(path.read_bytes())
    # The description of the tables is at the beginning, and the batch after it.
    middle = len(content) // 2
    content[middle:] = b"\xff" * (len(content) - middle)
    path.write_bytes(content)

    async def lease(queue: Queue) -> None:
        with pytest.raises(QueueOpenError, match=r"the outbox .* cannot be used: .*malformed"):
            await queue.lease({LANE: 1})

    use(path, lease)


def test_leases_that_nobody_waited_for_are_released(path: Path) -> None:
    """Whoever leased was cancelled meanwhile."""

    async def lease_and_leave(queue: Queue) -> None:
        await put_one(queue)
        other = open_queue(path, clock=MovedClock())
        leasing = asyncio.ensure_future(other.lease({LANE: 1}))
        await asyncio.sleep(0)
        leasing.cancel()
        await other.close()
        assert keys_of(await queue.lease({LANE: 1})) == ["a", "b"]

    use(path, lease_and_leave)


def test_nothing_is_asked_of_a_closed_queue(path: Path) -> None:
    async def close_and_ask() -> None:
        queue = open_queue(path, clock=MovedClock())
        await put_one(queue)
        pending = asyncio.ensure_future(queue.status())
        await asyncio.sleep(0)
        await queue.close()
        assert (await pending).lanes[0].queued == 2
        with pytest.raises(RuntimeError, match="the queue is closed"):
            await queue.status()

    asyncio.run(close_and_ask())


def test_several_that_begin_a_new_outbox_at_the_same_moment_all_open_it(tmp_path: Path) -> None:
    """SQLite refuses one of two that turn a file's log on at once, and does not wait."""
    for number in range(20):
        together = threading.Barrier(4)

        def begin(path: Path, together: threading.Barrier) -> None:
            together.wait()
            file.connect(path, EngineOptions(MovedClock(), busy_seconds=10)).close()

        with ThreadPoolExecutor(4) as threads:
            path = tmp_path / f"{number}.sqlite"
            for beginning in [threads.submit(begin, path, together) for _ in range(4)]:
                beginning.result()
