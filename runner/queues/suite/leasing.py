"""Tests of leases: what is due, in which order, and until when."""

from __future__ import annotations

import asyncio

from ..contract import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, Lane, LaneDepth, Settlement
from ..engine import EVERY_SHARD
from .opened import LANE, Opened, Tested, batch, keys_of, with_queue

YEAR = 365 * 86_400.0
AHEAD = (YEAR, 23 * 3600.0, 600.0)
"""Seconds by which a clock may have been ahead."""


class LeaseTests(Tested):
    """What a lease returns."""

    @with_queue
    async def test_batches_are_leased_once_and_the_oldest_first(self, opened: Opened) -> None:
        await opened.put(batch("a"), batch("b"), batch("c"))
        assert keys_of(await opened.lease(2)) == ["a", "b"]
        assert keys_of(await opened.lease(2)) == ["c"]
        assert await opened.lease() == []

    @with_queue
    async def test_each_lane_has_its_own_count(self, opened: Opened) -> None:
        other = Lane("account", "identify")
        await opened.put(batch("a"), batch("b"), batch("c", action="identify"), batch("d", action="identify"))
        leased = await opened.queue.lease({LANE: 1, other: 2})
        assert sorted(keys_of(leased)) == ["a", "c", "d"]
        assert (leased.depths[LANE].batches, leased.depths[other].batches) == (2, 2)

    @with_queue
    async def test_depth_counts_what_is_not_settled(self, opened: Opened) -> None:
        empty = await opened.queue.lease({LANE: 0})
        assert (empty.leases, empty.depths) == ([], {LANE: LaneDepth()})
        await opened.put(batch("a", "b"), batch("c"))
        leased = await opened.queue.lease({LANE: 1})
        depth = leased.depths[LANE]
        assert (depth.batches, depth.events, depth.leased_elsewhere) == (2, 3, 0)
        assert depth.next_due is not None
        assert depth.next_due <= opened.clock.moment
        await opened.deliver(leased.leases[0])
        (last,) = await opened.lease()
        assert (await opened.queue.lease({LANE: 0})).depths[LANE] == LaneDepth(1, 1)
        await opened.postpone(last, 30)
        depth = (await opened.queue.lease({LANE: 5})).depths[LANE]
        assert depth == LaneDepth(1, 1, next_due=opened.clock.moment + 30)

    @with_queue
    async def test_what_is_postponed_is_leased_when_it_is_due(self, opened: Opened) -> None:
        await opened.put(batch("a"), batch("b"))
        first, second = await opened.lease()
        await opened.postpone(first, 60)
        await opened.postpone(second, 30)
        assert await opened.lease() == []
        opened.clock.moment += 30
        assert keys_of(await opened.lease()) == ["b"]
        opened.clock.moment += 30
        (again,) = await opened.lease()
        assert (keys_of([again]), again.attempts) == (["a"], 1)

    @with_queue
    async def test_the_longest_due_is_leased_first(self, opened: Opened) -> None:
        await opened.put(batch("a"))
        await opened.postpone(await opened.one(), 10)
        opened.clock.moment += 5
        await opened.put(batch("b"))
        opened.clock.moment += 10
        await opened.put(batch("c"))
        assert keys_of(await opened.lease(1)) == ["b"]
        assert keys_of(await opened.lease(1)) == ["a"]

    @with_queue
    async def test_a_clock_that_is_set_back_holds_up_nothing(self, opened: Opened) -> None:
        await opened.put(batch("new"), batch("again"))
        _, again = await opened.lease()
        await opened.postpone(again, 60)
        opened.clock.moment -= 3 * LONGEST_PAUSE_SECONDS
        assert keys_of(await opened.lease()) == ["again"]
        opened.clock.moment -= 3600
        await opened.put(batch("more"))
        opened.clock.moment -= 3600
        assert keys_of(await opened.lease()) == ["more"]

    @with_queue
    async def test_a_shard_has_one_batch_under_way(self, opened: Opened) -> None:
        await opened.put(*[batch(f"{shard}{number}", shard=shard) for number in range(3) for shard in (0, 1)])
        zero, one = await opened.lease()
        assert keys_of([zero, one]) == ["00", "10"]
        assert await opened.lease() == []
        await opened.deliver(one)
        assert keys_of(await opened.lease()) == ["11"]
        await opened.deliver(zero)
        assert keys_of(await opened.lease()) == ["01"]

    @with_queue
    async def test_a_shard_waits_for_its_retry_and_others_do_not(self, opened: Opened) -> None:
        await opened.put(batch("a", shard=0), batch("b", shard=0), batch("c", shard=1), batch("d"))
        first = (await opened.lease(1))[0]
        await opened.postpone(first, 30)
        leases = await opened.lease()
        assert keys_of(leases) == ["c", "d"]
        depth = (await opened.queue.lease({LANE: 0})).depths[LANE]
        assert depth.next_due == opened.clock.moment + 30
        opened.clock.moment += 30
        assert keys_of(await opened.lease()) == ["a"]

    @with_queue
    async def test_batches_without_a_shard_never_wait_for_each_other(self, opened: Opened) -> None:
        await opened.put(batch("a"), batch("b", shard=2), batch("c"))
        assert keys_of(await opened.lease()) == ["a", "b", "c"]

    @with_queue
    async def test_a_batch_of_every_shard_waits_for_all_before_it_and_all_after_it_wait(self, opened: Opened) -> None:
        ordered = [batch("a", shard=0), batch("b", shard=EVERY_SHARD), batch("c", shard=1), batch("d", shard=0)]
        await opened.put(batch("free"), *ordered)
        leases = await opened.lease()
        assert keys_of(leases) == ["free", "a"]
        await opened.deliver(leases[1])
        for expected in (["b"], ["c", "d"]):
            leases = await opened.lease()
            assert keys_of(leases) == expected
            await opened.deliver(leases[0])

    @with_queue
    async def test_the_shards_of_two_lanes_have_nothing_to_do_with_each_other(self, opened: Opened) -> None:
        await opened.put(batch("a", shard=0), batch("b", shard=0, account="other"))
        assert keys_of(await opened.lease()) == ["a"]
        assert keys_of(await opened.lease(lane=Lane("other", "track"))) == ["b"]

    @with_queue
    async def test_what_is_left_of_a_batch_keeps_its_place_in_the_shard(self, opened: Opened) -> None:
        await opened.put(batch("a", "b", shard=0), batch("c", shard=0))
        lease = await opened.one()
        await opened.queue.settle(Settlement(lease, delivered=(0,), retry=(1,)))
        assert keys_of(await opened.lease()) == ["b"]

    @with_queue
    async def test_a_paused_lane_leases_nothing(self, opened: Opened) -> None:
        await opened.put(batch("a"))
        await opened.queue.mark(LANE, paused_until=opened.clock.moment + 60)
        await opened.queue.mark(LANE, paused_until=opened.clock.moment + 10)
        leased = await opened.queue.lease({LANE: 1})
        assert (leased.leases, leased.depths[LANE].pause) == ([], 60)
        assert leased.depths[LANE].next_due == opened.clock.moment + 60
        opened.clock.moment += 60
        assert keys_of(await opened.lease()) == ["a"]

    @with_queue
    async def test_no_pause_is_longer_than_the_longest(self, opened: Opened) -> None:
        await opened.put(batch("a"))
        await opened.queue.mark(LANE, paused_until=opened.clock.moment + 30 * LONGEST_PAUSE_SECONDS)
        leased = await opened.queue.lease({LANE: 1})
        assert leased.depths[LANE].pause == LONGEST_PAUSE_SECONDS
        opened.clock.moment += LONGEST_PAUSE_SECONDS
        assert keys_of(await opened.lease()) == ["a"]

    @with_queue
    async def test_no_pause_is_longer_than_it_was_to_be(self, opened: Opened) -> None:
        """The clock was a year ahead, or only hours, and is right again."""
        for ahead in (*AHEAD, -YEAR):
            opened.clock.moment += ahead
            await opened.put(batch(f"before {ahead}"))
            await opened.queue.mark(LANE, paused_until=opened.clock.moment + 60)
            opened.clock.moment -= ahead
            await opened.put(batch(f"after {ahead}"))
            (lane,) = (await opened.queue.status()).lanes
            assert lane.next_due is not None
            assert lane.next_due <= opened.clock.moment + 60
            if ahead > 0:
                assert (await opened.queue.lease({LANE: 5})).depths[LANE].pause == 60
            opened.clock.moment += 60
            leases = await opened.lease()
            assert sorted(keys_of(leases)) == [f"after {ahead}", f"before {ahead}"]
            for lease in leases:
                await opened.deliver(lease)

    @with_queue
    async def test_no_retry_waits_longer_than_it_was_to_wait(self, opened: Opened) -> None:
        """The clock was hours ahead when the retry was planned, and is right again."""
        for ahead in (3600, 12 * 3600):
            opened.clock.moment += ahead
            await opened.put(batch(f"again {ahead}"), batch(f"ordered {ahead}", shard=1))
            for lease in await opened.lease():
                await opened.postpone(lease, 30)
            opened.clock.moment -= ahead
            assert await opened.lease() == []
            (lane,) = (await opened.queue.status()).lanes
            assert lane.next_due == opened.clock.moment + 30
            assert lane.oldest_at == opened.clock.moment
            opened.clock.moment += 30
            leases = await opened.lease()
            assert sorted(keys_of(leases)) == [f"again {ahead}", f"ordered {ahead}"]
            for lease in leases:
                await opened.deliver(lease)

    @with_queue
    async def test_a_retry_from_a_year_ahead_is_sent_now_and_then_waits_like_any_other(self, opened: Opened) -> None:
        opened.clock.moment += YEAR
        await opened.put(batch("a"), batch("b", shard=1))
        for lease in await opened.lease():
            await opened.postpone(lease, 30)
        opened.clock.moment -= YEAR
        leases = await opened.lease()
        assert keys_of(leases) == ["a", "b"]
        for lease in leases:
            await opened.postpone(lease, 20)
        assert await opened.lease() == []
        opened.clock.moment += 20
        assert keys_of(await opened.lease()) == ["a", "b"]

    @with_queue
    async def test_what_is_made_due_is_leased_at_once(self, opened: Opened) -> None:
        other = Lane("other", "track")
        await opened.put(batch("a", "b"), batch("c", shard=0), batch("leased"), batch("theirs", account="other"))
        first, second, _ = await opened.lease()
        (theirs,) = await opened.lease(lane=other)
        for lease in (first, second, theirs):
            await opened.postpone(lease, 3600)
        await opened.queue.mark(LANE, paused_until=opened.clock.moment + 60)
        assert await opened.queue.make_due([LANE, Lane("account", "unused")]) == 3
        assert keys_of(await opened.lease()) == ["a", "b", "c"]
        assert await opened.lease(lane=other) == []
        assert await opened.queue.make_due([LANE]) == 0

    @with_queue
    async def test_a_process_never_leases_what_it_holds(self, opened: Opened) -> None:
        """Even if it did not renew: it may be sending it still."""
        await opened.put(batch("a"))
        lease = await opened.one()
        opened.clock.moment += 10 * LEASE_SECONDS
        assert await opened.lease() == []
        assert [*await opened.deliver(lease)] == []

    @with_queue
    async def test_many_callers_at_once_lease_each_batch_once(self, opened: Opened) -> None:
        await opened.put(*[batch(str(number)) for number in range(40)])
        leased = await asyncio.gather(*(opened.lease(3) for _ in range(20)))
        keys = [key for leases in leased for key in keys_of(leases)]
        assert sorted(keys) == sorted(str(number) for number in range(40))
        await asyncio.gather(*(opened.deliver(lease) for leases in leased for lease in leases))
        assert (await opened.queue.status()).lanes[0].delivered == 40
