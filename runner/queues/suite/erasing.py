"""Tests of `erase`: everything of one customer, and nothing of another."""

from __future__ import annotations

import json

from ....definitions import EventBatch, EventList, PayloadList
from ...sources.contract import Origin
from ..contract import LEASE_SECONDS, DeadLetter, DeadLetterFilter, Erasure, Lane, Origins, QueuedBatch
from .opened import LANE, Opened, Tested, keys_of, with_queue

MINE = Erasure("c1", {"track": ("clientId",)})
ALL = DeadLetterFilter()


def of(*customers: str, begin: int = 1, action: str = LANE.action, shard: int | None = None) -> QueuedBatch:
    """Return a batch with an event of each customer; their IDs are e1, e2 and so on."""
    numbers = range(begin, begin + len(customers))
    payloads = [{"clientId": customer, "units": number} for customer, number in zip(customers, numbers, strict=True)]
    events = [json.dumps({"userId": "someone", "messageId": f"e{number}"}).encode() for number in numbers]
    return QueuedBatch(
        LANE.account,
        EventBatch(
            action,
            PayloadList(json.dumps(payloads).encode(), len(customers)),
            EventList(events),
            tuple(range(len(customers))),
            ("all",) * len(customers),
            tuple(f"e{number}" for number in numbers),
            shard=shard,
        ),
        Origins(("events.ndjson",), tuple(numbers)),
    )


def letter(place: int, event: object, payload: object = None, action: str | None = LANE.action) -> DeadLetter:
    """Return a dead letter."""
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    sent = None if payload is None else json.dumps(payload).encode()
    return DeadLetter("rejected", "no", Origin("f", place), text, LANE.account, action, payload=sent)


class ErasureTests(Tested):
    """What an erasure deletes, and what it keeps."""

    @with_queue
    async def test_queued_events_of_a_customer_are_erased_and_those_of_others_kept(self, opened: Opened) -> None:
        await opened.put(of("c1", "c2", "c1"), of("c1", begin=4), of("c2", "c11", begin=5), of("c1", begin=7, shard=1))
        counted = await opened.queue.erase(MINE, dry_run=True)
        assert (counted.queued, counted.dead_letters, counted.leased) == (4, 0, 0)
        assert (await opened.queue.status()).lanes[0].queued == 7
        assert await opened.queue.erase(MINE) == counted
        (lane,) = (await opened.queue.status()).lanes
        assert (lane.queued, lane.batches) == (3, 2)
        leases = await opened.lease()
        assert keys_of(leases) == ["e2", "e5", "e6"]
        assert [json.loads(lease.queued.batch.payloads.text)[0]["clientId"] for lease in leases] == ["c2", "c2"]
        for lease in leases:
            assert list(await opened.deliver(lease)) == []
        assert (await opened.queue.erase(MINE)).queued == 0

    @with_queue
    async def test_more_batches_than_are_looked_at_together_are_erased(self, opened: Opened) -> None:
        await opened.put(*[of("c1" if number % 2 else "c2", begin=number) for number in range(1, 252)])
        assert (await opened.queue.erase(MINE)).queued == 126
        assert (await opened.queue.status()).lanes[0].queued == 125

    @with_queue
    async def test_an_event_that_was_erased_does_not_come_back(self, opened: Opened) -> None:
        await opened.put(of("c1", "c2"))
        await opened.queue.erase(MINE)
        again = await opened.put(of("c1", "c2"))
        assert again.accepted == [0]
        assert keys_of(await opened.lease()) == ["e2"]

    @with_queue
    async def test_what_is_leased_stays_and_is_counted(self, opened: Opened) -> None:
        await opened.put(of("c1", "c2"))
        lease = await opened.one()
        await opened.put(of("c1", begin=3))
        erased = await opened.queue.erase(MINE)
        assert (erased.queued, erased.leased) == (1, 1)
        assert list(await opened.deliver(lease)) == []

    @with_queue
    async def test_a_lease_that_has_expired_protects_nothing(self, opened: Opened) -> None:
        """The holder of the lease finds that it is lost, and writes nothing."""
        await opened.put(of("c1", "c2"))
        lease = await opened.one()
        opened.clock.moment += LEASE_SECONDS + 1
        erased = await opened.queue.erase(MINE)
        assert (erased.queued, erased.leased) == (1, 0)
        assert list(await opened.deliver(lease)) == [0, 1]
        assert (await opened.queue.status()).lanes[0].queued == 1

    @with_queue
    async def test_an_event_that_waits_for_a_retry_is_erased(self, opened: Opened) -> None:
        await opened.put(of("c1"), of("c2", begin=2))
        for lease in await opened.lease():
            await opened.postpone(lease, 30)
        assert (await opened.queue.erase(MINE)).queued == 1
        opened.clock.moment += 31
        assert keys_of(await opened.lease()) == ["e2"]

    @with_queue
    async def test_dead_letters_of_a_customer_are_erased(self, opened: Opened) -> None:
        await opened.put(
            dead_letters=[
                letter(1, {"userId": "x"}, {"clientId": "c1"}),
                letter(2, {"userId": "c1"}, {"clientId": "c2"}),
                letter(3, {"userId": "c1"}),
                letter(4, {"userId": "x", "context": {"groupId": "c1"}}, action=None),
                letter(5, {"userId": "x", "properties": {"company": "c1"}}),
                letter(6, {"userId": "c11"}),
                letter(7, b"no event c1"),
                letter(8, {"userId": 3}),
            ]
        )
        erased = await opened.queue.erase(MINE)
        assert (erased.dead_letters, erased.unsure) == (3, [5])
        assert await opened.queue.dead_letters.ids(ALL) == [2, 5, 6, 7, 8]
        assert (await opened.queue.erase(Erasure("3"))).dead_letters == 1

    @with_queue
    async def test_of_an_action_without_such_a_field_the_event_decides(self, opened: Opened) -> None:
        await opened.put(of("c1", action="other"))
        assert (await opened.queue.erase(MINE)).queued == 0
        assert (await opened.queue.erase(Erasure("someone", MINE.fields))).queued == 1
        assert await opened.lease(lane=Lane(LANE.account, "other")) == []
