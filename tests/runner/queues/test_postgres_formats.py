"""An outbox in PostgreSQL of an earlier format is brought to this one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg

from kable_destination.definitions import RefusedError
from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import DeadLetterFilter, Put, Settlement, Token, dead_letter_of
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.postgres.schema import VERSION
from kable_destination.runner.queues.suite.audiences import audience, entering
from kable_destination.runner.queues.suite.opened import LANE, batch
from postgres_server import require_postgres, shared_server

if TYPE_CHECKING:
    from pathlib import Path


def test_an_outbox_of_format_1_keeps_its_events_and_has_room_for_audiences(tmp_path: Path) -> None:
    require_postgres()
    place = shared_server().outbox(tmp_path / "one")

    async def use() -> None:
        queue = open_queue(place, clock=SystemClock())
        await queue.put(Put(Token(1, 1), [batch("a")]))
        await queue.close()
        make_format_1(place)
        queue = open_queue(place, clock=SystemClock())
        _, hold = await queue.audiences.hold(audience(), create=True)
        await queue.put(Put(Token(1, 2), [batch("b")], memberships=entering(hold, b"m")))
        assert len((await queue.lease({LANE: 9})).leases) == 2
        assert [each.members for each in await queue.audiences.all()] == [1]
        await queue.close()

    asyncio.run(use())


def test_an_outbox_of_format_2_counts_the_dead_letters_that_it_has(tmp_path: Path) -> None:
    require_postgres()
    place = shared_server().outbox(tmp_path / "two")

    async def use() -> None:
        queue = open_queue(place, clock=SystemClock())
        await queue.put(Put(Token(1, 1), [batch(*"abcde")]))
        (lease,) = (await queue.lease({LANE: 1})).leases
        error = RefusedError("no", status_code=400)
        letters = {at: dead_letter_of(lease.queued, at, error, "refused" if at else "rejected") for at in range(5)}
        await queue.settle(Settlement(lease, dead=letters))
        assert (await queue.status()).dead == {"refused": 4, "rejected": 1}
        await queue.close()
        make_format_2(place)
        queue = open_queue(place, clock=SystemClock())
        assert (await queue.status()).dead == {"refused": 4, "rejected": 1}
        assert await queue.dead_letters.discard(DeadLetterFilter(reason="refused")) == 4
        assert (await queue.status()).dead == {"rejected": 1}
        await queue.close()
        # What is counted decides what is too much.
        queue = open_queue(place, clock=SystemClock(), letter_bytes=1)
        await queue.delete_old()
        assert (await queue.status()).dead == {}
        await queue.close()

    asyncio.run(use())


def make_format_1(place: str) -> None:
    """Take from an outbox what formats 2 and 3 have added."""
    _take(place, "letter_counts, audiences, memberships", 1)


def make_format_2(place: str) -> None:
    """Take from an outbox what format 3 has added."""
    _take(place, "letter_counts", 2)


def _take(place: str, tables: str, version: int) -> None:
    with psycopg.connect(shared_server().url) as connection:
        schema = next(
            part.partition("=")[2] for part in place.partition("?")[2].split("&") if part.startswith("schema")
        )
        connection.execute(f"SET search_path = {schema}".encode())
        assert connection.execute("SELECT version FROM outbox").fetchone() == (VERSION,)
        connection.execute(f"DROP TABLE {tables}".encode())
        connection.execute("UPDATE outbox SET version = %s", (version,))
