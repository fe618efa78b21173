"""The server's disk is full: of its data, where a statement fails, and of its log, where the server ends itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from postgres_server import own_server, require_postgres, server_user
from postgres_work import Work, sent_once
from running_service import WRITE_KEY, running_service, until_there_are
from small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kable_destination.runner.sandbox import RunningSandbox
    from postgres_server import PostgresServer
    from small_disk import SmallDisk

_MEGABYTES = 24
_BATCHES = 1_000


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk for a part of the server."""
    require_postgres()
    with small_disk(_MEGABYTES, server_user()) as disk:
        yield disk


@pytest.fixture
def server(disk: SmallDisk) -> Iterator[PostgresServer]:
    """A server whose tables are on the disk. Its log is not."""
    with own_server() as server:
        server.execute(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
        server.execute("ALTER ROLE kable SET default_tablespace = small")
        yield server


async def fill_until(disk: SmallDisk, is_enough: Callable[[], bool]) -> None:
    """Fill a disk, also with what is given back, until something has happened; then empty it."""
    while not is_enough():
        disk.fill()
        await asyncio.sleep(0.01)
    disk.empty()


def test_without_room_for_its_tables_nothing_is_lost_or_doubled(
    server: PostgresServer, disk: SmallDisk, tmp_path: Path
) -> None:
    """Puts, leases and settlements are refused meanwhile, and repeated."""

    async def run() -> None:
        url, work = server.outbox(tmp_path), Work()
        working = asyncio.create_task(work.run([url] * 3, batches=_BATCHES))
        while len(work.put) < 500:  # noqa: ASYNC110 - it is counted elsewhere
            await asyncio.sleep(0.01)
        await fill_until(disk, lambda: work.refused >= 6)
        await working
        await sent_once(work, url)

    asyncio.run(run())


def test_a_server_that_ends_without_room_for_its_log_loses_and_doubles_nothing(disk: SmallDisk, tmp_path: Path) -> None:
    """A server cannot continue without its log. It restarts, and ends for good if that needs room as well."""

    async def run(server: PostgresServer) -> None:
        url, work = server.outbox(tmp_path), Work()
        working = asyncio.create_task(work.run([url] * 3, batches=_BATCHES))
        while len(work.put) < 500:  # noqa: ASYNC110 - it is counted elsewhere
            await asyncio.sleep(0.01)
        await fill_until(disk, lambda: not server.is_running())
        await asyncio.to_thread(server.start)
        await working
        await sent_once(work, url)

    with own_server(log_folder=disk.folder) as server:
        asyncio.run(run(server))
        assert "PANIC" in (server.folder / "log").read_text(), "it has ended by itself"


def test_serve_refuses_events_until_there_is_room(
    server: PostgresServer, disk: SmallDisk, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    def batch(number: int) -> dict[str, Any]:
        event = {"type": "track", "event": "X", "userId": "u", "timestamp": "2026-11-30T06:00:00Z"}
        return {"batch": [{**event, "messageId": f"m{number}-{at}"} for at in range(20)], "writeKey": WRITE_KEY}

    with running_service(tmp_path, sandbox, outbox=server.outbox(tmp_path)) as service:
        statuses = list[int]()
        while 429 not in statuses:
            if statuses:
                disk.fill()
            statuses.append(service.post("/v1/batch", batch(len(statuses))).status_code)
        assert {*statuses[:-1]} == {200}
        assert service.client.get("/readyz").status_code == 503
        assert service.client.get("/healthz").status_code == 200
        disk.empty()
        while service.post("/v1/batch", batch(len(statuses) - 1)).status_code != 200:
            assert len(statuses) < 10_000
        expected = Counter(f"m{number}-{at}" for number in range(len(statuses)) for at in range(20))
        until_there_are(len(expected), lambda: len(sandbox.ledger.events))
        assert Counter(event["transactionId"] for event in sandbox.ledger.events) == expected
