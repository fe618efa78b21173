"""A primary and its synchronous standby: one fails at any moment, and the other continues with everything."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.queues.contract import Put, Token
from kable_destination.runner.queues.suite.opened import LANE, batch, keys_of
from postgres_server import own_server, require_postgres, schema_of
from postgres_work import Work, opened
from running_service import until, until_there_are
from segment_events import ndjson, track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import CommandLine
    from kable_destination.runner.sandbox import RunningSandbox
    from postgres_server import PostgresServer

EVENTS = 5_000
_WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Pair:
    """Two servers. What the primary confirms, the standby has on disk."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer) -> None:
        self.primary = primary
        self.standby = standby
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        self.follows()

    def outbox(self, folder: Path) -> str:
        """Return a URL with both servers."""
        ports = self.primary.port, self.standby.port
        return self.primary.outbox(folder).replace(f":{ports[0]}/", f":{ports[0]},127.0.0.1:{ports[1]}/")

    def follows(self) -> None:
        """Wait until the primary waits for the standby."""
        query = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
        until(lambda: self.primary.execute(query), bool)

    def fail_over(self) -> None:
        """Kill the primary, and let the standby take its place."""
        self.primary.kill()
        self.standby.execute("SELECT pg_promote()")

    async def waiting(self, *, but: int = 0) -> int:
        """Wait until a commit waits for the standby, and return its process."""
        return (await asyncio.to_thread(until, lambda: self._waiting() - {but}, bool)).pop()

    async def has_batches(self, folder: Path, count: int) -> None:
        """Wait until everybody sees so many batches at the primary."""
        query = f"SELECT count(*) FROM {schema_of(folder)}.batches"  # noqa: S608 - of this test
        await asyncio.to_thread(until, lambda: self.primary.execute(query), lambda found: found == [(count,)])

    def _waiting(self) -> set[int]:
        return {pid for (pid,) in self.primary.execute(_WAITS)}


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two servers that a test may kill."""
    require_postgres()
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(own_server())
        yield Pair(primary, stack.enter_context(own_server(copy_of=primary)))


def test_a_delivery_continues_at_the_standby(pair: Pair, command_line: CommandLine, sandbox: RunningSandbox) -> None:
    """Its batches may be sent twice, since nobody knows which of them arrived; the ledger has every event once."""
    command_line.environment["KABLE_OUTBOX"] = pair.outbox(command_line.folder)
    (command_line.folder / "events.ndjson").write_bytes(ndjson(*(track(number) for number in range(EVENTS))))
    options = ("--base-url", sandbox.base_url, "--batch-size", "20")
    with command_line.start("deliver", "events.ndjson", *options) as process:
        until_there_are(EVENTS // 10, lambda: len(sandbox.ledger.events))
        assert process.poll() is None
        pair.fail_over()
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert Counter(event["transactionId"] for event in sandbox.ledger.events) == Counter(
        f"message-{number:06}" for number in range(EVENTS)
    )
    status = json.loads(command_line("status", "--json").out)
    assert (status["dead"], [lane["queued"] for lane in status["lanes"]]) == ({}, [0])


def test_puts_leases_and_settlements_continue_at_the_standby(pair: Pair, tmp_path: Path) -> None:
    """Each event is leased and settled once: what the primary has confirmed, the standby knows."""

    async def run() -> None:
        url, work = pair.outbox(tmp_path), Work()
        working = asyncio.create_task(work.run([url] * 3, batches=200))
        while len(work.put) < 500:  # noqa: ASYNC110 - it is counted elsewhere
            await asyncio.sleep(0.01)
        await asyncio.to_thread(pair.fail_over)
        await working
        assert list(work.missing_or_doubled()) == []
        async with opened(url) as queue:
            assert sum((await queue.queued()).values()) == 0
            assert (await queue.status()).known_ids == len(work.put)

    asyncio.run(run())


@pytest.mark.parametrize("setting", ["", "client_min_messages = error", "statement_timeout = 300", "end"])
def test_a_commit_that_the_standby_may_not_have_is_not_confirmed(pair: Pair, tmp_path: Path, setting: str) -> None:
    """Somebody cancels its wait for the standby, or ends its connection, whatever the role has set."""
    if " = " in setting:
        pair.primary.execute(f"ALTER ROLE kable SET {setting}")

    async def run() -> None:
        async with opened(pair.outbox(tmp_path)) as queue:
            await queue.put(Put(Token(1, 1), [batch("a")]))
            pair.standby.kill()
            putting = asyncio.create_task(queue.put(Put(Token(1, 2), [batch("b", None)])))
            first = await pair.waiting()
            function = "pg_terminate_backend" if setting == "end" else "pg_cancel_backend"
            pair.primary.execute(f"SELECT {function}(%s)", (first,))
            # It is there for all to see, and asks again.
            await pair.has_batches(tmp_path, 2)
            await pair.waiting(but=first if setting == "end" else 0)
            assert not putting.done()
            await asyncio.to_thread(pair.standby.start)
            assert (await putting).accepted == [2]
            assert sorted(keys_of(await queue.lease({LANE: 5}))) == ["", "a", "b"]

    asyncio.run(run())


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_commit_that_the_standby_does_not_have_is_repeated_there(pair: Pair, tmp_path: Path, function: str) -> None:
    """It was warned about, and lost with the primary. Its events have no IDs, so only its mark shows this."""

    async def run() -> None:
        async with opened(pair.outbox(tmp_path)) as queue:
            await queue.put(Put(Token(1, 1), [batch(None)]))
            pair.standby.kill()
            putting = asyncio.create_task(queue.put(Put(Token(1, 2), [batch(None, None)])))
            pair.primary.execute(f"SELECT {function}(%s)", (await pair.waiting(),))
            await pair.has_batches(tmp_path, 2)
            pair.primary.kill()
            await asyncio.to_thread(pair.standby.start)
            assert not putting.done()
            pair.standby.execute("SELECT pg_promote()")
            assert (await putting).accepted == [2]
            leases = (await queue.lease({LANE: 5})).leases
            assert [lease.queued.count for lease in leases] == [1, 2]

    asyncio.run(run())
