"""The outbox in PostgreSQL keeps the contract, and what holds for its database."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Put, QueueOpenError, Settlement, Token
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.suite import queue_suite
from kable_destination.runner.queues.suite.opened import LANE, MovedClock, batch
from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from kable_destination.runner.delivery.clock import Clock
    from kable_destination.runner.queues.contract import Queue


DAY = 86_400.0


@pytest.fixture(autouse=True)
def _server() -> None:
    """Skip all tests here if PostgreSQL is not installed."""
    require_postgres()


def open_outbox(folder: Path, clock: Clock, /, **options: Any) -> Queue:
    """Open the outbox of a folder."""
    return open_queue(shared_server().outbox(folder), clock=clock, **options)


TestPostgres = queue_suite(open_outbox, is_durable=True)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The outbox of a test."""
    return shared_server().outbox(tmp_path)


def schema_of(url: str) -> str:
    """Return the schema of an outbox."""
    return url.partition("schema=")[2].partition("&")[0]


def use(url: str, work: Callable[[Queue], Coroutine[Any, Any, Any]], clock: Clock | None = None, **options: Any) -> Any:
    """Open an outbox, use it and close it."""

    async def opened() -> Any:
        queue = open_queue(url, clock=clock or SystemClock(), **options)
        try:
            return await work(queue)
        finally:
            await queue.close()

    return asyncio.run(opened())


async def put_one(queue: Queue) -> None:
    """Put one batch."""
    assert (await queue.put(Put(Token(1, 1), [batch("a", "b")]))).accepted == [2]


async def until_somebody_waits(lock: str) -> None:
    """Wait until a transaction waits for a lock of some type."""
    query = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = %s"
    while not shared_server().execute(query, (lock,)):  # noqa: ASYNC110 - only the server knows
        await asyncio.sleep(0.01)


def test_it_is_not_made_by_who_only_looks(url: str) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(QueueOpenError, match=r"there is no outbox in the schema .*; deliver makes one"):
            open_queue(url, clock=SystemClock(), **options)
    assert shared_server().execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema_of(url),)) == []


def test_an_outbox_of_a_later_format_is_refused(url: str) -> None:
    use(url, put_one)
    shared_server().execute(f"UPDATE {schema_of(url)}.outbox SET version = 99")  # noqa: S608 - of this test
    with pytest.raises(QueueOpenError, match=r"later version \(format 99\)"):
        open_queue(url, clock=SystemClock())


def test_a_role_needs_no_more_than_a_schema_of_its_own(url: str) -> None:
    schema = schema_of(url)
    server = shared_server()
    server.execute(f"CREATE ROLE owner_{schema} LOGIN")
    server.execute(f"CREATE SCHEMA {schema} AUTHORIZATION owner_{schema}")
    server.execute(f"CREATE ROLE reader_{schema} LOGIN")
    use(url.replace("kable@", f"owner_{schema}@"), put_one)
    server.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader_{schema}")
    server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}")
    reader = url.replace("kable@", f"reader_{schema}@")

    async def look(queue: Queue) -> None:
        assert [lane.queued for lane in (await queue.status()).lanes] == [2]
        assert [item async for item in queue.export()]

    use(reader, look, read_only=True)
    with pytest.raises(QueueOpenError, match="permission denied"):
        use(reader, lambda queue: queue.put(Put(Token(2, 1), [batch("c")])))


def test_nothing_says_the_password(url: str) -> None:
    secret = "S3cr3t%25"  # noqa: S105 - of nobody
    for place in (
        url.replace("kable@", f"nobody:{secret}@"),
        url.replace("kable@", f"kable:{secret}@").replace("127.0.0.1:", "127.0.0.1:1"),
        f"postgresql://kable:{secret}@127.0.0.1:1/name?schema=%41",
        f"postgresql://kable:{secret}@127.0.0.1:1/name?sslmode=%zz",
        f"postgresql://kable:{secret}@127.0.0.1:1/name?uniqueFor=0",
        f"postgresql:host=127.0.0.1 password={secret}",
    ):
        with pytest.raises(QueueOpenError) as raised:
            open_queue(place, clock=SystemClock(), busy_seconds=0.1)
        assert "S3cr3t" not in str(raised.value)


def test_a_missing_psycopg_is_named_with_what_to_install(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(QueueOpenError, match=r"needs psycopg; install it: pip install 'kable-destination\[postgres\]'"):
        open_queue(url, clock=SystemClock())


def test_days_are_made_a_week_ahead_and_dropped_when_their_ids_have_expired(url: str) -> None:
    clock = MovedClock()
    url = url.replace("uniqueFor=400", "uniqueFor=7")
    today = int(clock.moment // DAY)
    query = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname ~ '^known_ids_d[0-9]+$'"

    def days() -> set[int]:
        rows = shared_server().execute(query, (schema_of(url),))
        return {int(name.removeprefix("known_ids_d")) - today for (name,) in rows}

    async def live(queue: Queue) -> None:
        for day in range(12):
            await queue.put(Put(Token(1, day + 1), [batch(f"{day}")]))
            assert days() >= {*range(day, day + 4)}
            known = batch(*[str(each) for each in range(max(0, day - 6), day + 1)])
            assert (await queue.put(Put(Token(2, day + 1), [known]))).accepted == [0]
            clock.moment += DAY
        assert min(days()) == 11 - 7
        assert (await queue.put(Put(Token(3, 1), [batch("0")]))).accepted == [1], "its day is gone"

    use(url, live, clock)


def test_an_id_is_unique_across_midnight(url: str) -> None:
    """A put of the old day is not committed yet when another process puts the same event on the new day."""
    import psycopg  # noqa: PLC0415 - an extra

    clock = MovedClock()
    clock.moment = (clock.moment // DAY + 1) * DAY - 1

    async def run() -> None:
        queues = [open_queue(url, clock=clock) for _ in range(2)]
        await queues[0].put(Put(Token(1, 1), [batch("other")]))
        with psycopg.connect(shared_server().url) as holder:
            # The first put must write this row before it commits.
            holder.execute(f"SELECT 1 FROM {schema_of(url)}.puts FOR UPDATE".encode())  # noqa: S608 - of this test
            first = asyncio.create_task(queues[0].put(Put(Token(1, 2), [batch("a")])))
            await until_somebody_waits("transactionid")
            clock.moment += 2
            second = asyncio.create_task(queues[1].put(Put(Token(2, 1), [batch("a")])))
            await until_somebody_waits("advisory")
        assert ((await first).accepted, (await second).accepted) == ([1], [0])
        for queue in queues:
            await queue.close()

    asyncio.run(run())


def test_an_id_is_kept_with_the_batch_that_brought_it(url: str) -> None:
    async def deliver(queue: Queue) -> None:
        await put_one(queue)
        (lease,) = (await queue.lease({LANE: 1})).leases
        await queue.settle(Settlement(lease, (0, 1)))

    use(url, deliver)
    query = f"SELECT run, length(names) FROM {schema_of(url)}.batch_ids"  # noqa: S608 - of this test
    assert shared_server().execute(query) == [(1, 32)]
