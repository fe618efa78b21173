"""Tests of durable queues: what outlives a process, and what two of them do to each other."""

from __future__ import annotations

import asyncio

from ....definitions import RefusedError
from ...sources.contract import Origin
from ..contract import (
    LEASE_SECONDS,
    Checkpoint,
    DeadLetter,
    DeadLetterFilter,
    Put,
    RunOutcomes,
    Settlement,
    Token,
    dead_letter_of,
)
from .opened import LANE, RUN, Opened, Tested, batch, keys_of, with_queue

DAY = 86_400.0


class DurableTests(Tested):
    """What a durable queue does, opened again or twice."""

    @with_queue
    async def test_everything_is_there_when_it_is_opened_again(self, opened: Opened) -> None:
        put = Put(
            opened.token(),
            [batch("a", None, "c", shard=4, place=7)],
            [DeadLetter("rejected", "no", Origin("f", 3), b"{}")],
            [Checkpoint("key", "f", b"state")],
            {"r": b"1"},
        )
        first = await opened.queue.put(put)
        await opened.queue.mark(LANE, stopped="wrong key")
        await opened.reopen()
        assert (await opened.queue.status()).lanes[0].stopped
        again = await opened.queue.put(put)
        assert [*again.accepted] == [*first.accepted] == [3]
        assert (await opened.queue.checkpoints("key"))[0] == Checkpoint("key", "f", b"state")
        assert await opened.queue.records("") == {"r": b"1"}
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1]
        lease = await opened.one()
        assert (lease.queued.origins.places, lease.queued.batch.shard, lease.run) == ((7, 8, 9), 4, RUN)
        assert [*lease.queued.batch.events.kept] == [*put.batches[0].batch.events.kept]
        assert (await opened.put(batch("c"))).duplicates[0].state == "queued"
        letter = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
        await opened.queue.settle(Settlement(lease, delivered=(1, 2), dead={0: letter}))
        await opened.reopen()
        assert (await opened.queue.outcomes(RUN))[0] == RunOutcomes(2, {"refused": 1})
        states = [duplicate.state for duplicate in (await opened.put(batch("a", "c"))).duplicates]
        assert states == ["refused", "delivered"]

    @with_queue
    async def test_closing_frees_what_is_leased(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a"), batch("b"))
        leases = (await other.lease({LANE: 2})).leases
        await other.settle(Settlement(leases[0], delivered=(0,)))
        await opened.close(other)
        assert keys_of(await opened.lease()) == ["b"]

    @with_queue
    async def test_two_processes_share_the_batches(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a"), batch("b"), batch("c"))
        assert keys_of(await opened.lease(2)) == ["a", "b"]
        leased = await other.lease({LANE: 2})
        assert keys_of(leased) == ["c"]
        assert leased.depths[LANE].leased_elsewhere == 2
        assert (await other.put(Put(Token(2, 1), [batch("a")]))).duplicates[0].state == "queued"

    @with_queue
    async def test_a_shard_is_in_order_in_all_processes(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a", shard=0), batch("b", shard=0), batch("c", shard=1))
        (first,) = await opened.lease(1)
        leased = await other.lease({LANE: 5})
        assert keys_of(leased) == ["c"]
        assert leased.depths[LANE].next_due is None
        await opened.deliver(first)
        assert keys_of(await other.lease({LANE: 5})) == ["b"]
        assert await opened.lease() == []

    @with_queue
    async def test_what_one_process_has_leased_hides_nothing_from_another(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(*[batch(str(number)) for number in range(200)])
        assert len(await opened.lease(199)) == 199
        assert keys_of(await other.lease({LANE: 5})) == ["199"]

    @with_queue
    async def test_a_lease_that_is_not_renewed_is_lost(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a", "b"))
        mine = await opened.one()
        opened.clock.moment += LEASE_SECONDS + 1
        (theirs,) = (await other.lease({LANE: 1})).leases
        assert [*await opened.deliver(mine)] == [0, 1]
        assert (await opened.queue.outcomes(RUN))[0] == RunOutcomes(0, {}, 2)
        assert [*await other.settle(Settlement(theirs, delivered=(0, 1)))] == []
        assert [*await opened.deliver(mine)] == [0, 1]
        assert (await opened.queue.outcomes(RUN))[0] == RunOutcomes(2)

    @with_queue
    async def test_a_lease_that_is_renewed_lasts(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a"))
        lease = await opened.one()
        for _ in range(5):
            opened.clock.moment += LEASE_SECONDS / 2
            await opened.queue.renew()
        leased = await other.lease({LANE: 1})
        assert (leased.leases, leased.depths[LANE].leased_elsewhere) == ([], 1)
        assert [*await opened.deliver(lease)] == []

    @with_queue
    async def test_no_lease_outlasts_a_clock_that_is_set_back(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a"))
        await opened.one()
        opened.clock.moment -= 30 * DAY
        assert (await other.lease({LANE: 1})).leases == []
        opened.clock.moment += LEASE_SECONDS + 1
        assert keys_of(await other.lease({LANE: 1})) == ["a"]

    @with_queue
    async def test_no_lease_outlasts_a_clock_that_was_ahead(self, opened: Opened) -> None:
        """Its holder may run on another machine, so nobody can ask whether it has ended."""
        for ahead in (365 * DAY, 3600):
            other = opened.open()
            opened.clock.moment += ahead
            await opened.put(batch(f"{ahead}"))
            await opened.one()
            opened.clock.moment -= ahead
            assert (await other.lease({LANE: 1})).leases == []
            opened.clock.moment += LEASE_SECONDS + 1
            (lease,) = (await other.lease({LANE: 1})).leases
            await other.settle(Settlement(lease, delivered=(0,)))
            await opened.close(other)
            await opened.reopen()

    @with_queue
    async def test_a_pause_holds_for_all_processes(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a"))
        await opened.queue.mark(LANE, paused_until=opened.clock.moment + 60)
        leased = await other.lease({LANE: 1})
        assert (leased.leases, leased.depths[LANE].pause) == ([], 60)

    @with_queue
    async def test_two_processes_put_each_event_once(self, opened: Opened) -> None:
        other = opened.open()
        keys = [str(number) for number in range(100)]

        async def put(run: int) -> int:
            queue = (opened.queue, other)[run % 2]
            batches = [batch(*keys[at : at + 10]) for at in range(0, 100, 10)]
            results = [await queue.put(Put(Token(run, at), [each])) for at, each in enumerate(batches)]
            return sum(sum(result.accepted) for result in results)

        assert sum(await asyncio.gather(*map(put, range(4)))) == 100
        assert sorted(keys_of(await opened.lease())) == sorted(keys)

    @with_queue
    async def test_an_id_that_another_process_discarded_is_unknown(self, opened: Opened) -> None:
        other = opened.open()
        await opened.put(batch("a"))
        lease = await opened.one()
        letter = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
        await opened.queue.settle(Settlement(lease, dead={0: letter}))
        assert await other.dead_letters.discard(DeadLetterFilter()) == 1
        assert (await opened.put(batch("a"))).accepted == [1]

    @with_queue
    async def test_many_ids_are_known_however_long_ago_they_came(self, opened: Opened) -> None:
        keys = [str(number) for number in range(60_000)]
        for at in range(0, 60_000, 2_000):
            await opened.put(batch(*keys[at : at + 2_000]))
            await opened.deliver(await opened.one())
        await opened.reopen()
        for at in (0, 40_000, 58_000):
            assert (await opened.put(batch(*keys[at : at + 2_000]))).accepted == [0]
        assert (await opened.queue.status()).known_ids == 60_000

    @with_queue
    async def test_old_ids_are_forgotten_step_by_step(self, opened: Opened) -> None:
        await opened.reopen(keep_ids_days=100)
        old = [batch(*[f"{at} {number}" for number in range(1_000)]) for at in range(12)]
        await opened.put(*old)
        opened.clock.moment += 50 * DAY
        await opened.put(batch("kept"))
        opened.clock.moment += 85 * DAY
        for _ in range(4):
            opened.clock.moment += 1
            await opened.put()
        assert (await opened.queue.status()).known_ids == 1
        assert (await opened.put(batch("kept"))).accepted == [0]

    @with_queue
    async def test_checkpoints_of_sources_that_ended_are_deleted_after_two_years(self, opened: Opened) -> None:
        await opened.put(checkpoints=[Checkpoint("ended", "f", b"1", is_end=True), Checkpoint("open", "g", b"1")])
        opened.clock.moment += 729 * DAY
        await opened.put(checkpoints=[Checkpoint("new", "h", b"1", is_end=True)])
        assert (await opened.queue.checkpoints("ended"))[0] is not None
        opened.clock.moment += 2 * DAY
        await opened.put()
        assert (await opened.queue.checkpoints("ended"))[0] is None
        assert (await opened.queue.checkpoints("open"))[0] is not None
        assert (await opened.queue.checkpoints("new"))[0] is not None
