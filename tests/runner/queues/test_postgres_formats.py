"""An outbox in PostgreSQL of an earlier format is brought to this one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg

from kable_destination.runner.delivery.clock import SystemClock
from kable_destination.runner.queues.contract import Put, Token
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


def make_format_1(place: str) -> None:
    """Take from an outbox what format 2 has added."""
    with psycopg.connect(shared_server().url) as connection:
        schema = next(
            part.partition("=")[2] for part in place.partition("?")[2].split("&") if part.startswith("schema")
        )
        connection.execute(f"SET search_path = {schema}".encode())
        (version,) = connection.execute("SELECT version FROM outbox").fetchone() or (0,)
        assert version == VERSION
        connection.execute("DROP TABLE audiences, memberships")
        connection.execute("UPDATE outbox SET version = 1")
