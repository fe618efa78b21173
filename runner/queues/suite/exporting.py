"""Tests of `export`: a copy that was made of it lacks nothing."""

from __future__ import annotations

from ....definitions import RetryableError
from ...sources.contract import Origin
from ..contract import (
    Checkpoint,
    DeadLetter,
    ExportedBatch,
    ExportedIds,
    ExportedRecord,
    KeptDeadLetter,
    LaneStatus,
    Settlement,
)
from .opened import LANE, RUN, Opened, Tested, batch, with_queue


class ExportTests(Tested):
    """What an export yields."""

    @with_queue
    async def test_an_export_yields_everything(self, opened: Opened) -> None:
        letter = DeadLetter("rejected", "no", Origin("f", 3), b"{}", account="account")
        await opened.put(
            batch("a", "b"),
            batch("c", None, shard=1, action="identify"),
            dead_letters=[letter],
            checkpoints=[Checkpoint("key", "f", b"state", is_end=True)],
            records={"r": b"1"},
        )
        accepted_at = opened.clock.moment
        due = accepted_at + 30
        lease = await opened.one()
        await opened.queue.settle(Settlement(lease, (0,), {}, (1,), due, 1, RetryableError("busy")))
        items = [item async for item in opened.queue.export()]
        first, second = [item for item in items if isinstance(item, ExportedBatch)]
        assert (first.queued.lane, first.queued.batch.idempotency_keys) == (LANE, ("b",))
        assert (first.run, first.attempts, first.accepted_at, first.due, first.error) == (
            RUN, 1, accepted_at, due, "busy",
        )  # fmt: skip
        assert (second.queued.batch.idempotency_keys, second.queued.batch.shard) == (("c", None), 1)
        assert [item.letter for item in items if isinstance(item, KeptDeadLetter)] == [letter]
        assert [item for item in items if isinstance(item, Checkpoint)] == [Checkpoint("key", "f", b"state", True)]
        assert [item for item in items if isinstance(item, ExportedRecord)] == [ExportedRecord("r", b"1")]
        names = [name for item in items if isinstance(item, ExportedIds) for name in item.names]
        assert len(set(names)) == len(names) == 3
        assert [item for item in items if isinstance(item, LaneStatus)] == [*(await opened.queue.status()).lanes]

    @with_queue
    async def test_an_empty_queue_exports_nothing(self, opened: Opened) -> None:
        assert [item async for item in opened.queue.export()] == []

    @with_queue
    async def test_an_export_shows_one_moment(self, opened: Opened) -> None:
        await opened.put(*[batch(str(number)) for number in range(120)])
        seen = 0
        async for item in opened.queue.export():
            if isinstance(item, ExportedBatch):
                if not seen:
                    await opened.put(batch("later"))
                    for lease in await opened.lease(200):
                        await opened.deliver(lease)
                seen += 1
        assert seen == 120
