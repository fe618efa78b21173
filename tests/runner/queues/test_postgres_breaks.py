"""Whatever breaks between an outbox and its PostgreSQL, nothing is lost, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from cutting_proxy import cutting_proxy
from kable_destination.runner.queues.contract import Put, Settlement, Token
from kable_destination.runner.queues.suite.opened import LANE, batch, keys_of
from pooler import pooler
from postgres_server import own_server, require_postgres, shared_server
from postgres_work import Work, opened, sent_once, work_while

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from cutting_proxy import CuttingProxy

TERMINATIONS = int(os.environ.get("KABLE_POSTGRES_TERMINATIONS", "20"))
SNAPSHOT_BATCHES = int(os.environ.get("KABLE_POSTGRES_SNAPSHOT_BATCHES", "200"))
RESTARTS = int(os.environ.get("KABLE_POSTGRES_RESTARTS", "2"))
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture(autouse=True)
def _server() -> None:
    """Skip all tests here if PostgreSQL is not installed."""
    require_postgres()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The outbox of a test."""
    return shared_server().outbox(tmp_path)


@pytest.fixture
def proxy() -> Iterator[CuttingProxy]:
    """A proxy in front of the server."""
    with cutting_proxy(shared_server().port) as proxy:
        yield proxy


def through(proxy: CuttingProxy, url: str) -> str:
    """Return the URL of an outbox behind a proxy."""
    return url.replace(f":{shared_server().port}/", f":{proxy.port}/")


def test_connections_that_are_terminated_at_random_lose_nothing_and_double_nothing(url: str) -> None:
    """During puts, leases, settlements and commits, as they come."""
    dice = random.Random(1)  # noqa: S311 - no secret
    name = f"cut{os.getpid()}"

    def terminate(is_over: threading.Event, _work: Work) -> None:
        for _ in range(TERMINATIONS):
            if is_over.wait(dice.uniform(0.005, 0.15)):
                return
            shared_server().execute(_OTHERS, (name,))

    asyncio.run(work_while(terminate, f"{url}&application_name={name}", url))


def test_a_server_that_is_killed_and_started_again_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    dice = random.Random(2)  # noqa: S311 - no secret

    def restart(is_over: threading.Event, _work: Work) -> None:
        for _ in range(RESTARTS):
            if is_over.wait(dice.uniform(0.3, 1.5)):
                return
            server.kill()
            server.start()

    with own_server() as server:
        url = server.outbox(tmp_path)
        asyncio.run(work_while(restart, url, url))


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("then", ["before", "after"])
def test_a_commit_without_an_answer_took_place_once(url: str, proxy: CuttingProxy, cut: str, then: str) -> None:
    """Of a put, a lease and a settlement: the connection ends before the server has the commit, or after that.

    Then the same happens to the question whether it took place.
    """

    async def use() -> None:
        async with opened(through(proxy, url)) as queue:
            put = Put(Token(1, 1), [batch("a", "b", None)])
            proxy.cut = [cut]
            result = await queue.put(put)
            assert (proxy.cut, result.accepted, result.duplicates) == ([], [3], [])
            assert (await queue.put(put)).accepted == [3]
            proxy.cut = [cut]
            leased = await queue.lease({LANE: 5})
            assert (proxy.cut, keys_of(leased)) == ([], ["a", "b", ""])
            (lease,) = leased.leases
            proxy.cut = [cut]
            assert [*await queue.settle(Settlement(lease, delivered=(0,), retry=(1, 2)))] == []
            (lease,) = (await queue.lease({LANE: 5})).leases
            assert keys_of([lease]) == ["b", ""]
            proxy.cut = [cut, then]
            assert [*await queue.settle(Settlement(lease, delivered=(0, 1)))] == []
            assert proxy.cut == []
            status = await queue.status()
            assert [(lane.queued, lane.delivered) for lane in status.lanes] == [(0, 3)]
            assert status.known_ids == 2

    asyncio.run(use())


def test_a_put_whose_outcome_nobody_knows_is_found_when_it_is_repeated(url: str, proxy: CuttingProxy) -> None:
    """The server cannot be asked any more, so the caller repeats the put under its token, maybe in another process."""

    async def use() -> None:
        put = Put(Token(1, 1), [batch("a", None)])
        async with opened(through(proxy, url), busy_seconds=0.2) as queue:
            proxy.cut = ["after"]
            proxy.accept_no_more()
            with pytest.raises(Exception, match=r"cannot be reached|does not say"):
                await queue.put(put)
        async with opened(url) as queue:
            assert (await queue.put(put)).accepted == [2]
            assert len((await queue.lease({LANE: 5})).leases) == 1

    asyncio.run(use())


def test_what_a_frozen_process_had_leased_is_sent_by_another_and_settled_once(url: str) -> None:
    """It wakes up after its lease has ended, finds that it is lost, and writes nothing."""

    async def put() -> None:
        async with opened(url) as queue:
            await queue.put(Put(Token(1, 1), [batch("a", "b")]))

    async def deliver() -> list[str]:
        async with opened(url) as queue:
            leases = (await queue.lease({LANE: 5})).leases
            for lease in leases:
                assert [*await queue.settle(Settlement(lease, delivered=range(lease.queued.count)))] == []
            return keys_of(leases)

    asyncio.run(put())
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, url], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as frozen:
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == b"leased\n"
        frozen.send_signal(signal.SIGSTOP)
        assert asyncio.run(deliver()) == [], "its lease holds"
        schema = url.partition("schema=")[2].partition("&")[0]
        shared_server().execute(f"UPDATE {schema}.batches SET leased_until = leased_until - 3600")  # noqa: S608
        assert asyncio.run(deliver()) == ["a", "b"]
        frozen.send_signal(signal.SIGCONT)
        output, _ = frozen.communicate(b"\n", timeout=60)
    assert output == b"lost 2\n"


_HOLDER = f"""
import asyncio, sys
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Lane, Settlement
from kable_destination.runner.queues.opening import open_queue

async def hold():
    queue = open_queue(sys.argv[1], clock=SystemClock())
    (lease,) = (await queue.lease({{Lane{tuple(LANE)!r}: 5}})).leases
    print("leased", flush=True)
    sys.stdin.readline()
    lost = await queue.settle(Settlement(lease, delivered=(0, 1)))
    print("lost", len(lost), flush=True)
    await queue.close()

asyncio.run(hold())
"""


def test_a_pooler_in_transaction_mode_may_be_between(url: str) -> None:
    """Five processes share two connections, so each transaction may have another one."""
    work = Work()

    async def run(pooled: str) -> None:
        await work.run([pooled] * 5, batches=50)
        await sent_once(work, pooled)
        async with opened(pooled) as queue:
            assert [item async for item in queue.export()]

    with pooler(shared_server().port, connections=2) as port:
        asyncio.run(run(url.replace(f":{shared_server().port}/", f":{port}/")))


def test_a_snapshot_that_somebody_holds_hides_nothing(url: str) -> None:
    """Deleted rows cannot be cleaned up meanwhile, and leases pass over them."""
    import psycopg  # noqa: PLC0415 - an extra

    async def run() -> None:
        work = Work()
        async with opened(url) as queue:
            await queue.status()
        with psycopg.connect(shared_server().url) as holder:
            holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            holder.execute("SELECT count(*) FROM pg_class")
            await work.run([url] * 2, batches=SNAPSHOT_BATCHES)
        await sent_once(work, url)

    asyncio.run(run())


def test_a_lease_changes_no_index(url: str) -> None:
    """PostgreSQL counts the updates that needed no new entry in any index."""
    schema = url.partition("schema=")[2].partition("&")[0]

    async def run() -> None:
        async with opened(url) as queue:
            for number in range(40):
                await queue.put(Put(Token(1, number + 1), [batch(str(number))]))
                (lease,) = (await queue.lease({LANE: 1})).leases
                await queue.renew()
                await queue.settle(Settlement(lease, delivered=(0,)))

    asyncio.run(run())
    query = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE schemaname = %s AND relname = 'batches'"
    deadline = time.monotonic() + 30
    while (rows := shared_server().execute(query, (schema,))) != [(80, 80)]:
        assert time.monotonic() < deadline, rows
        time.sleep(0.05)
