"""An outbox of every earlier format opens, and everything that it holds is delivered."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fork_server import Program
from kable_destination.runner.queues.contract import (
    DeadLetterFilter,
    ExportedBatch,
    Lane,
    Put,
    QueueOpenError,
    Settlement,
    Token,
)
from kable_destination.runner.queues.engine import EVERY_SHARD
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import migrations
from kable_destination.runner.queues.sqlite.schema import VERSION
from kable_destination.runner.queues.suite.opened import MovedClock, batch
from kable_destination.runner.sources.stored import StoredCheckpoint
from outbox_samples import ACCOUNT, SAMPLES, Sample, again, made

if TYPE_CHECKING:
    from pathlib import Path

    from fork_server import ForkServer

_read_checkpoint = msgspec.json.Decoder(StoredCheckpoint).decode


# The tables of formats 1 and 2 are much alike, so the same queries find out what is expected.
@pytest.fixture(params=[path for path in SAMPLES if path.stem < "format-3"], ids=lambda path: path.stem)
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Sample:
    """An outbox as an earlier version left it."""
    return made(request.param, tmp_path / "outbox.sqlite")


@pytest.fixture
def clock() -> MovedClock:
    """A clock long after the samples were made."""
    return MovedClock()


def test_there_are_samples_of_all_formats(tmp_path: Path) -> None:
    versions = {made(path, tmp_path / path.stem).version for path in SAMPLES}
    assert versions == {*range(1, VERSION)}


def test_every_event_that_was_queued_is_delivered(sample: Sample, clock: MovedClock) -> None:
    expected = sample.batches()

    async def deliver() -> list[tuple[Any, ...]]:
        queue = open_queue(sample.path, clock=clock)
        delivered = {}
        while leases := (await queue.lease(dict.fromkeys({row[0] for row in expected}, 10))).leases:
            for lease in leases:
                queued = lease.queued
                delivered[lease.id] = (
                    queued.lane,
                    queued.batch.payloads.text,
                    [*queued.batch.events.kept],
                    [*queued.batch.idempotency_keys],
                    [*queued.origins.places],
                    lease.attempts,
                )
                assert {queued.origins.at(at)[0] for at in range(queued.count)} <= {"second.ndjson", "third.ndjson"}
                assert queued.origins.units == ("line",)
                await queue.settle(Settlement(lease, delivered=range(queued.count)))
        (identify, track) = (await queue.status()).lanes
        assert (identify.queued, track.queued) == (0, 0)
        assert (identify.delivered, track.delivered) == (3, 3 + 5)
        await queue.close()
        return [delivered[number] for number in sorted(delivered)]

    assert asyncio.run(deliver()) == expected
    assert sum(len(row[2]) for row in expected) == 8


def test_dead_letters_are_what_they_were(sample: Sample, clock: MovedClock) -> None:
    columns = (
        "reason, message, source, line, event, account, action, subscription, key, payload, status_code, request_id"
    )
    expected = sample.rows(f"SELECT id, at, {columns} FROM letters ORDER BY id")  # noqa: S608 - a constant

    async def read() -> list[tuple[Any, ...]]:
        queue = open_queue(sample.path, clock=clock)
        kept = await queue.dead_letters.read(await queue.dead_letters.ids(DeadLetterFilter()))
        await queue.close()
        return [
            (
                item.id, item.at, letter.reason, letter.message, letter.origin.source, letter.origin.place,
                letter.event, letter.account, letter.action, letter.subscription, letter.key, letter.payload,
                letter.status_code, letter.request_id,
            )
            for item in kept
            for letter in [item.letter]
        ]  # fmt: skip

    assert sorted(row[2] for row in expected) == ["refused", "rejected", "unreadable"]
    assert asyncio.run(read()) == expected


def test_sources_go_on_where_they_were(sample: Sample, clock: MovedClock) -> None:
    positions = sample.rows("SELECT key, name, line, size, digest, is_end FROM positions")

    async def read() -> list[Any]:
        queue = open_queue(sample.path, clock=clock)
        found = [(await queue.checkpoints(row[0]))[0] for row in positions]
        await queue.close()
        return [(item.key, item.name, item.is_end, _read_checkpoint(item.state)) for item in found if item is not None]

    assert asyncio.run(read()) == [
        (key, name, bool(is_end), StoredCheckpoint(line, size, digest.hex(), is_end=bool(is_end)))
        for key, name, line, size, digest, is_end in positions
    ]
    assert len(positions) == 3


def test_ids_stay_known(sample: Sample, clock: MovedClock) -> None:
    """Nothing that was delivered, refused or queued is sent again because its file is read again."""

    async def put() -> dict[str, str]:
        queue = open_queue(sample.path, clock=clock)
        keys = [f"message-{number:03}" for number in (0, 1, 2, 13, 30, 31, 32, 40, 41, 42, 43, 44)]
        result = await queue.put(Put(Token(1, 1), [again(*keys, "new")]))
        assert result.accepted == [1]
        assert (await queue.status()).known_ids == len(keys) + 1
        await queue.close()
        return {duplicate.key.removeprefix("message-"): duplicate.state for duplicate in result.duplicates}

    queued = dict.fromkeys(("030", "031", "032", "040", "041", "042", "043", "044"), "queued")
    assert asyncio.run(put()) == {**dict.fromkeys(("000", "001", "002"), "delivered"), "013": "refused", **queued}


def test_ordered_batches_stay_in_order_with_those_of_all_shards(sample: Sample, clock: MovedClock) -> None:
    ordered = dict(sample.rows("SELECT batch, length(orders) > 0 FROM bodies ORDER BY batch"))

    async def shards() -> list[int | None]:
        queue = open_queue(sample.path, clock=clock)
        await queue.put(Put(Token(1, 1), [batch("new", account=ACCOUNT, shard=3)]))
        lane = Lane(ACCOUNT, "track")
        (first,) = (await queue.lease({lane: 10})).leases
        assert first.queued.batch.idempotency_keys == ("message-040", "message-041")
        shards = [item.queued.batch.shard async for item in queue.export() if isinstance(item, ExportedBatch)]
        await queue.close()
        return shards

    assert asyncio.run(shards()) == [EVERY_SHARD if is_ordered else None for is_ordered in ordered.values()] + [3]
    assert sum(ordered.values()) >= 3


def test_ids_of_new_batches_and_letters_are_new(sample: Sample, clock: MovedClock) -> None:
    """A batch of an ID that another had would be taken for the one that brought its events."""
    (last,) = sample.rows("SELECT seq FROM sqlite_sequence WHERE name = 'batches'")[0]

    async def put() -> int:
        queue = open_queue(sample.path, clock=clock)
        await queue.put(Put(Token(1, 1), [batch("new", account="other")]))
        (lease,) = (await queue.lease({Lane("other", "track"): 1})).leases
        await queue.close()
        return lease.id

    assert asyncio.run(put()) == last + 1


def schema_of(path: Path) -> set[tuple[str, str]]:
    """Return the names and columns of all tables, and the texts of all indexes."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        columns = {(name, str(connection.execute(f"PRAGMA table_xinfo({name})").fetchall())) for (name,) in tables}
        return columns | {*connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")}


def open_and_close(path: Path, clock: MovedClock, **options: Any) -> None:
    """Open an outbox, which migrates it."""

    async def close() -> None:
        await open_queue(path, clock=clock, **options).close()

    asyncio.run(close())


@pytest.mark.parametrize("script", SAMPLES, ids=lambda path: path.stem)
def test_a_migrated_outbox_has_the_tables_of_a_new_one(script: Path, clock: MovedClock, tmp_path: Path) -> None:
    sample = made(script, tmp_path / "outbox.sqlite")
    open_and_close(sample.path, clock)
    open_and_close(tmp_path / "new.sqlite", clock)
    assert schema_of(sample.path) == schema_of(tmp_path / "new.sqlite")
    assert sample.version == VERSION


def test_the_first_step_makes_format_2_of_all_variants_of_format_1(
    sample: Sample, tmp_path: Path, clock: MovedClock
) -> None:
    if sample.version == 1:
        with closing(sqlite3.connect(sample.path)) as connection, connection:
            migrations.migrate(connection, 1, clock.moment)
    second = made(next(path for path in SAMPLES if path.stem == "format-2"), tmp_path / "second.sqlite")
    for table, columns in {name: text for name, text in schema_of(second.path) if name != "batches_by_lane"}.items():
        names = {column[1] for column in sample.rows(f"PRAGMA table_info({table})")}
        assert {name for name in names if repr(name) in columns} == names, table
    assert len(schema_of(sample.path)) == len(schema_of(second.path))
    for packed, size, text_size in sample.rows(
        "SELECT payloads, bytes, length(bodies.events) FROM batches JOIN bodies ON batch = id"
    ):
        assert packed.startswith(b"\x28\xb5\x2f\xfd")
        assert size > text_size
    sizes = [len(payloads) + sum(map(len, events)) for _, payloads, events, *_ in sample.batches()]
    assert [row[0] for row in sample.rows("SELECT bytes FROM batches ORDER BY id")] == sizes


def test_an_interrupted_migration_leaves_a_usable_outbox(
    sample: Sample, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = sample.batches()

    def fail_at_the_end(connection: sqlite3.Connection, now: float) -> None:
        migrations.from_2(connection, now)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migrations, "STEPS", {**migrations.STEPS, 2: fail_at_the_end})
    with pytest.raises(QueueOpenError, match="is full; it is as it was, so make room and run again"):
        open_queue(sample.path, clock=clock)
    assert sample.version == 2
    assert sample.batches() == expected
    monkeypatch.undo()
    test_every_event_that_was_queued_is_delivered(sample, clock)


KILLED = """
import os, signal, sys
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite import migrations
from kable_destination.runner.queues.suite.opened import MovedClock

def be_killed(connection, now):
    migrations.from_2(connection, now)
    os.kill(os.getpid(), signal.SIGKILL)

migrations.STEPS = {**migrations.STEPS, 2: be_killed}
open_queue(sys.argv[1], clock=MovedClock())
"""


def test_a_migration_that_was_killed_is_done_by_the_next(
    sample: Sample, clock: MovedClock, fork_server: ForkServer, tmp_path: Path
) -> None:
    killed = Program(("-c", KILLED, str(sample.path)), str(tmp_path), fork_server.environment)
    assert fork_server.run(killed).returncode == -signal.SIGKILL
    assert sample.version == 2
    test_every_event_that_was_queued_is_delivered(sample, clock)


def test_an_earlier_version_that_is_running_writes_nothing_into_new_tables(sample: Sample, clock: MovedClock) -> None:
    with closing(sqlite3.connect(sample.path, isolation_level=None)) as earlier:
        lane = f"{ACCOUNT} track"
        insert = (
            "INSERT INTO batches (lane, account, action, run, events, accepted_at, due) VALUES (?, ?, ?, 1, 1, 1, 1)"
        )
        values = (lane, ACCOUNT, "track")
        if "bytes" in {row[1] for row in earlier.execute("PRAGMA table_info(batches)")}:
            insert = insert.replace("events,", "events, bytes,").replace("1, 1, 1, 1)", "1, 1, 1, 1, 1)")
        earlier.execute("BEGIN IMMEDIATE")
        earlier.execute(insert, values)
        earlier.execute("ROLLBACK")
        open_and_close(sample.path, clock)
        for statement, given in (
            (insert, values),
            ("INSERT INTO lanes (lane, account, action) VALUES (?, ?, ?)", values),
            ("SELECT key FROM positions", ()),
            ("UPDATE letters SET reason = 'rejected'", ()),
        ):
            with pytest.raises(sqlite3.OperationalError, match=r"no such table|no column"):
                earlier.execute(statement, given)


def test_a_migration_waits_for_who_writes(sample: Sample, clock: MovedClock) -> None:
    with closing(sqlite3.connect(sample.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(QueueOpenError, match="end that program, or wait for it, and run again"):
            open_queue(sample.path, clock=clock, busy_seconds=0)
        other.execute("ROLLBACK")
    open_and_close(sample.path, clock)


def test_an_earlier_outbox_can_be_looked_at_without_a_change(sample: Sample, clock: MovedClock) -> None:
    with closing(sqlite3.connect(sample.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = sample.path.read_bytes()

    async def look() -> None:
        queue = open_queue(sample.path, clock=clock, read_only=True)
        assert sum(lane.queued for lane in (await queue.status()).lanes) == 8
        assert len(await queue.dead_letters.groups(DeadLetterFilter())) == 3
        assert len([item async for item in queue.export() if isinstance(item, ExportedBatch)]) == 5
        await queue.close()

    asyncio.run(look())
    assert sample.path.read_bytes() == before
    assert sample.version < VERSION


def test_an_outbox_of_a_later_format_is_refused(tmp_path: Path, clock: MovedClock) -> None:
    path = tmp_path / "outbox.sqlite"
    open_and_close(path, clock)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    for read_only in (False, True):
        with pytest.raises(
            QueueOpenError,
            match=rf"it has format {VERSION + 1}, and this version of the program reads formats 1 to {VERSION}",
        ):
            open_queue(path, clock=clock, read_only=read_only)
