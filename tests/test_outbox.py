"""The outbox by itself: what it knows of usage events that have no id."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kable_destination.definitions import EventBatch, EventList, PayloadList
from kable_destination.runner.clock import SystemClock
from kable_destination.runner.outbox import Outbox
from kable_destination.runner.queue import Acceptance, Places, QueuedBatch, Settlement

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.queue import Fate

LANE = "account track"


def keyless(*lines: int) -> QueuedBatch:
    """Make a batch of events without ids, from these lines of a file."""
    payloads = PayloadList(b"[" + b",".join(b"{}" for _ in lines) + b"]", len(lines))
    events = EventList([b'{"line":%d}' % line for line in lines])
    batch = EventBatch("track", payloads, events, lines, ("all",) * len(lines), (None,) * len(lines))
    return QueuedBatch("account", batch, Places(("events.ndjson",), lines))


def test_an_event_without_an_id_is_known_by_its_place(tmp_path: Path) -> None:
    """What is put again is queued once, and counted as what it is by then: queued or delivered."""

    async def put_twice(*, settle: bool) -> Fate:
        async with Outbox(tmp_path / f"{settle}.sqlite", SystemClock()) as outbox:
            await outbox.put(Acceptance([keyless(1, 2)]))
            if settle:
                (lease,) = await outbox.lease({LANE: 1})
                await outbox.settle(Settlement(lease, delivered=(0, 1)))
            await outbox.put(Acceptance([keyless(1, 2, 3)]))
            return await outbox.fate()

    waiting, settled = (asyncio.run(put_twice(settle=settle)) for settle in (False, True))
    assert (waiting.queued, waiting.duplicates) == (3, {"queued": 2})
    assert (settled.queued, settled.delivered, settled.duplicates) == (1, 2, {"delivered": 2})
