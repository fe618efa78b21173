"""Tests of what a queue says about itself: checkpoints, records, and how much is queued."""

from __future__ import annotations

from dataclasses import replace

from ..contract import Checkpoint, Lane, Settlement
from .opened import LANE, Opened, Tested, batch, with_queue

_MANY = 1_200


class ReportTests(Tested):
    """What a queue is asked."""

    @with_queue
    async def test_records_are_replaced_deleted_and_found_by_prefix(self, opened: Opened) -> None:
        await opened.put(records={"a/1": b"1", "a/2": b"2", "b/1": b"3", "a": b"4"})
        await opened.put(records={"a/1": b"5", "a/2": None, "absent": None})
        assert await opened.queue.records("a/") == {"a/1": b"5"}
        assert await opened.queue.records("") == {"a": b"4", "a/1": b"5", "b/1": b"3"}

    @with_queue
    async def test_a_checkpoint_is_the_last_that_was_put(self, opened: Opened) -> None:
        await opened.put(checkpoints=[Checkpoint("key", "f", b"1"), Checkpoint("other", "g", b"1")])
        await opened.put(checkpoints=[Checkpoint("key", "f", b"2", is_end=True)])
        assert (await opened.queue.checkpoints("key"))[0] == Checkpoint("key", "f", b"2", is_end=True)
        assert (await opened.queue.checkpoints("nothing"))[0] is None

    @with_queue
    async def test_many_checkpoints_are_found_together_in_the_order_of_their_keys(self, opened: Opened) -> None:
        keys = [f"folder/{number} '%é\U0001f512" for number in range(_MANY)]
        await opened.put(checkpoints=[Checkpoint(key, "f", key.encode()) for key in keys[::2]])
        found = await opened.queue.checkpoints(*reversed(keys), keys[0])
        assert [each and each.state for each in found] == [
            *(None if number % 2 else keys[number].encode() for number in reversed(range(_MANY))),
            keys[0].encode(),
        ]
        assert [*await opened.queue.checkpoints()] == []

    @with_queue
    async def test_queued_events_are_counted_for_each_account(self, opened: Opened) -> None:
        assert await opened.queue.queued() == {}
        first, second = batch("a", "b", "c"), batch("d")
        other = Lane("other", LANE.action)
        await opened.put(first, second, replace(first, account=other.account))
        assert await opened.queue.queued() == {LANE.account: 4, other.account: 3}
        for lease in await opened.lease():
            # One of three is sent again, and the others are gone.
            await opened.queue.settle(Settlement(lease, range(lease.queued.count - 1), retry=(lease.queued.count - 1,)))
        assert await opened.queue.queued() == {LANE.account: 2, other.account: 3}
        for lease in (await opened.queue.lease({LANE: 5, other: 5})).leases:
            await opened.queue.settle(Settlement(lease, range(lease.queued.count)))
        assert await opened.queue.queued() == {LANE.account: 0, other.account: 0}
