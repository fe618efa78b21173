"""Tests of settlements: results are counted, the rest stays queued."""

from __future__ import annotations

from ....definitions import RefusedError, RetryableError
from ..contract import DeadLetterFilter, RunOutcomes, Settlement, dead_letter_of
from .opened import LANE, RUN, Opened, Tested, batch, keys_of, with_queue


class SettlementTests(Tested):
    """What a settlement does."""

    @with_queue
    async def test_delivered_events_leave_the_queue(self, opened: Opened) -> None:
        await opened.put(batch("a", "b"))
        assert [*await opened.deliver(await opened.one())] == []
        (lane,) = (await opened.queue.status()).lanes
        assert (lane.queued, lane.batches, lane.delivered, lane.delivered_at) == (0, 0, 2, opened.clock.moment)
        assert await opened.queue.outcomes(RUN) == (RunOutcomes(2), {})

    @with_queue
    async def test_each_event_has_its_own_result(self, opened: Opened) -> None:
        await opened.put(batch("delivered", "refused", "again", "untouched", place=10))
        lease = await opened.one()
        refused = RefusedError("no", status_code=400, request_id="r1")
        await opened.queue.settle(
            Settlement(
                lease,
                delivered=(0,),
                dead={1: dead_letter_of(lease.queued, 1, refused, "refused")},
                retry=(2,),
                due=opened.clock.moment + 30,
                attempts=2,
                error=RetryableError("busy"),
            )
        )
        outcomes, _ = await opened.queue.outcomes(RUN)
        assert outcomes == RunOutcomes(1, {"refused": 1}, 2)
        (lane,) = (await opened.queue.status()).lanes
        assert (lane.error, lane.error_at, lane.queued) == ("busy", opened.clock.moment, 2)
        opened.clock.moment += 30
        rest = await opened.one()
        assert (keys_of([rest]), rest.attempts) == (["again", "untouched"], 2)
        assert rest.queued.origins.places == (12, 13)
        assert rest.queued.batch.payloads.text == b'[{"units":12},{"units":13}]'

    @with_queue
    async def test_what_was_not_named_goes_back_at_once(self, opened: Opened) -> None:
        await opened.put(batch("a"))
        await opened.queue.settle(Settlement(await opened.one()))
        assert keys_of(await opened.lease()) == ["a"]

    @with_queue
    async def test_a_settlement_is_written_once(self, opened: Opened) -> None:
        await opened.put(batch("a", "b"))
        lease = await opened.one()
        assert [*await opened.deliver(lease)] == []
        assert [*await opened.deliver(lease)] == [0, 1]
        assert (await opened.queue.outcomes(RUN))[0] == RunOutcomes(2)

    @with_queue
    async def test_every_dead_letter_of_several_settlements_is_kept(self, opened: Opened) -> None:
        """Events without an ID, refused in two partial responses in a row: what is left counts again."""
        await opened.put(batch(None, None, None, None))
        for delivered in ((1,), ()):
            lease = await opened.one()
            letter = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
            await opened.queue.settle(Settlement(lease, delivered=delivered, dead={0: letter}))
        lease = await opened.one()
        assert lease.queued.count == 1
        await opened.queue.settle(
            Settlement(lease, dead={0: dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")})
        )
        kept = await opened.queue.dead_letters.read(await opened.queue.dead_letters.ids(DeadLetterFilter()))
        assert [item.letter.origin.place for item in kept] == [1, 3, 4]
        assert (await opened.queue.outcomes(RUN))[0] == RunOutcomes(1, {"refused": 3})

    @with_queue
    async def test_outcomes_are_those_of_the_run_that_put_the_events(self, opened: Opened) -> None:
        await opened.put(batch("a"), run=1)
        await opened.put(batch("b"), run=2)
        for lease in await opened.lease():
            if lease.run == 1:
                await opened.deliver(lease)
        assert (await opened.queue.outcomes(1))[0] == RunOutcomes(1)
        assert (await opened.queue.outcomes(2))[0] == RunOutcomes(0, {}, 1)
        assert (await opened.queue.outcomes(3))[0] == RunOutcomes()

    @with_queue
    async def test_duplicates_are_counted_by_their_present_state(self, opened: Opened) -> None:
        await opened.put(batch("a", "b", "c"))
        duplicates = (await opened.put(batch("a", "b", "c"))).duplicates
        lease = await opened.one()
        letter = dead_letter_of(lease.queued, 1, RefusedError("no"), "refused")
        await opened.queue.settle(Settlement(lease, delivered=(0,), dead={1: letter}, retry=(2,)))
        _, states = await opened.queue.outcomes(RUN, duplicates)
        assert states == {"delivered": 1, "refused": 1, "queued": 1}

    @with_queue
    async def test_a_lane_is_stopped_until_it_delivers_or_is_said_to_go_on(self, opened: Opened) -> None:
        async def is_stopped() -> bool:
            return (await opened.queue.status()).lanes[0].stopped

        await opened.put(batch("a"))
        await opened.queue.mark(LANE, stopped="wrong key")
        (lane,) = (await opened.queue.status()).lanes
        assert (lane.stopped, lane.error) == (True, "wrong key")
        await opened.queue.mark(LANE, paused_until=opened.clock.moment)
        assert await is_stopped()
        await opened.queue.mark(LANE)
        assert not await is_stopped()
        await opened.queue.mark(LANE, stopped="wrong key")
        await opened.deliver(await opened.one())
        assert not await is_stopped()

    @with_queue
    async def test_status_shows_what_waits(self, opened: Opened) -> None:
        await opened.put(batch("a", "b"), batch("c"))
        accepted_at = opened.clock.moment
        leases = await opened.lease()
        opened.clock.moment += 1
        await opened.postpone(leases[1], 30)
        (lane,) = (await opened.queue.status()).lanes
        assert (lane.account, lane.action, lane.queued, lane.leased, lane.batches) == (*LANE, 3, 2, 2)
        assert (lane.next_due, lane.oldest_at) == (accepted_at + 31, accepted_at)
        await opened.queue.mark(LANE, paused_until=accepted_at + 100)
        (lane,) = (await opened.queue.status()).lanes
        assert (lane.next_due, lane.paused_until) == (accepted_at + 100, accepted_at + 100)

    @with_queue
    async def test_the_rate_is_that_of_the_last_five_minutes(self, opened: Opened) -> None:
        async def rate() -> float:
            return (await opened.queue.status()).lanes[0].per_minute

        for minute in range(3):
            await opened.put(batch(*[f"{minute} {number}" for number in range(10)]))
            await opened.deliver(await opened.one())
            opened.clock.moment += 60
        assert await rate() == 6
        opened.clock.moment += 300
        assert await rate() == 0
        assert (await opened.queue.status()).lanes[0].delivered == 30
