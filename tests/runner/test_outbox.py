"""The outbox by itself: what it takes for one event and what for two, how much it takes, and what it counts."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from kable_destination.definitions import EventBatch, EventList, PayloadList
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Acceptance, Letter, Places, QueuedBatch, QueueFullError, Settlement
from kable_destination.runner.queues.sqlite import Choice, Inspection, Outbox, OutboxError

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.queues.contract import Fate

LANE = "account track"


def keyless(*lines: int, orders: frozenset[str] = frozenset()) -> QueuedBatch:
    """Make a batch of events without ids, from these lines of a file."""
    payloads = PayloadList(b"[" + b",".join(b"{}" for _ in lines) + b"]", len(lines))
    events = EventList([b'{"line":%d}' % line for line in lines])
    batch = EventBatch("track", payloads, events, lines, ("all",) * len(lines), (None,) * len(lines), orders)
    return QueuedBatch("account", batch, Places(("events.ndjson",), lines))


def test_events_without_an_id_are_as_many_as_they_are(tmp_path: Path) -> None:
    """Two that look alike are two: nothing tells that they are one."""

    async def put_twice() -> Fate:
        async with Outbox(tmp_path / "outbox.sqlite", SystemClock()) as outbox:
            await outbox.put(Acceptance([keyless(1, 1)]))
            await outbox.put(Acceptance([keyless(1)]))
            return await outbox.fate()

    fate = asyncio.run(put_twice())
    assert (fate.queued, fate.duplicates) == (3, {})


def test_a_letter_belongs_to_its_account(tmp_path: Path) -> None:
    """What is wrong with an event for one account is told for another too."""

    async def put(*accounts: str) -> None:
        async with Outbox(tmp_path / "outbox.sqlite", SystemClock()) as outbox:
            for account in accounts:
                letter = Letter("rejected", "no customer", "events.ndjson", 1, b"{}", account=account)
                await outbox.put(Acceptance(letters=[letter]))

    asyncio.run(put("test", "live", "live"))
    with Inspection(tmp_path / "outbox.sqlite") as opened:
        assert len(opened.numbers(Choice())) == 2


def test_what_is_delivered_makes_room_whatever_is_remembered_of_it(tmp_path: Path) -> None:
    """The limit is of what is queued: ids are kept for ever, and count for nothing."""

    async def fill_and_drain() -> int:
        rounds = 0
        async with Outbox(tmp_path / "outbox.sqlite", SystemClock(), limit_bytes=50) as outbox:
            for _ in range(200):
                await outbox.put(Acceptance([keyless(1, 2)]))
                with pytest.raises(QueueFullError, match="bytes are queued"):
                    await outbox.put(Acceptance([keyless(1, 2)]))
                (lease,) = (await outbox.lease({LANE: 1})).batches
                await outbox.settle(Settlement(lease, delivered=(0, 1)))
                rounds += 1
        return rounds

    assert asyncio.run(fill_and_drain()) == 200


def test_what_is_delivered_of_a_batch_makes_room_too(tmp_path: Path) -> None:
    async def deliver_half() -> int:
        async with Outbox(tmp_path / "outbox.sqlite", SystemClock(), limit_bytes=60) as outbox:
            await outbox.put(Acceptance([keyless(1, 2, 3, 4)]))
            with pytest.raises(QueueFullError, match="bytes are queued"):
                await outbox.put(Acceptance([keyless(5, 6)]))
            (lease,) = (await outbox.lease({LANE: 1})).batches
            await outbox.settle(Settlement(lease, delivered=(0, 1), retry=(2, 3)))
            await outbox.put(Acceptance([keyless(5, 6)]))
            return (await outbox.fate()).queued

    assert asyncio.run(deliver_half()) == 4


def test_discarding_a_letter_during_a_run_makes_no_delivery_of_it(tmp_path: Path) -> None:
    async def bury_and_discard() -> Fate:
        async with Outbox(tmp_path / "outbox.sqlite", SystemClock()) as outbox:
            await outbox.put(Acceptance([keyless(1, 2)]))
            (lease,) = (await outbox.lease({LANE: 1})).batches
            letter = Letter("refused", "no", "events.ndjson", 1, b"{}", account="account", payload=b"{}")
            await outbox.settle(Settlement(lease, delivered=(0,), dead={1: letter}))
            with Inspection(tmp_path / "outbox.sqlite") as opened:
                opened.discard(opened.numbers(Choice()))
            return await outbox.fate()

    fate = asyncio.run(bury_and_discard())
    assert (fate.delivered, fate.dead, fate.queued) == (1, {"refused": 1}, 0)


def fill(path: Path, *batches: QueuedBatch) -> None:
    """Put batches into an outbox."""

    async def put() -> None:
        async with Outbox(path, SystemClock()) as outbox:
            await outbox.put(Acceptance(batches))

    asyncio.run(put())


def test_an_outbox_that_is_being_written_can_be_looked_at(tmp_path: Path) -> None:
    """Only who wants to write too must wait, and is told what to do when that takes too long."""
    path = tmp_path / "outbox.sqlite"
    fill(path, keyless(1, 2))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with Inspection(path, busy_seconds=0) as opened:
        assert [lane.queued for lane in opened.lanes(0)] == [2]
        assert opened.groups(Choice()) == []
    advice = "another program has it to itself; end that program, or wait for it, and run again"
    with pytest.raises(OutboxError, match=advice), Inspection(path, busy_seconds=0) as opened:
        opened.discard([1])
    other.close()


def test_an_outbox_that_cannot_even_be_read_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    fill(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxError, match="end that program, or wait for it, and run again"):
        Inspection(path, busy_seconds=0)
    other.close()


@pytest.mark.parametrize("leased", [64, 200])
def test_what_one_process_has_leased_hides_nothing_from_another(tmp_path: Path, leased: int) -> None:
    """However much that is; what shares an order key with it waits all the same."""
    customers = frozenset({"c"})

    async def lease() -> tuple[list[int], list[int]]:
        path = tmp_path / "outbox.sqlite"
        async with Outbox(path, SystemClock()) as one, Outbox(path, SystemClock()) as other:
            ordered = [keyless(leased + line, orders=customers) for line in range(2)]
            await one.put(Acceptance([*(keyless(line) for line in range(leased - 1)), ordered[0]]))
            mine = 0
            while mine < leased:
                mine += len((await one.lease({LANE: leased - mine})).batches)
            await one.put(Acceptance([ordered[1], keyless(1_000), keyless(1_001)]))
            theirs = [lease.queued.places.lines[0] for lease in (await other.lease({LANE: 10})).batches]
            rest = [lease.queued.places.lines[0] for lease in (await one.lease({LANE: 10})).batches]
            return theirs, rest

    assert asyncio.run(lease()) == ([1_000, 1_001], [leased + 1])
