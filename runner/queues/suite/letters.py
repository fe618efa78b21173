"""Tests of dead letters: grouped, read, replayed, discarded."""

from __future__ import annotations

from ....definitions import Problem, RefusedError
from ...sources.contract import Origin
from ..contract import DeadLetter, DeadLetterFilter, ReplayBatch, RunOutcomes, Settlement, dead_letter_of
from .opened import RUN, Opened, Tested, batch, keys_of, with_queue

ALL = DeadLetterFilter()
DAY = 86_400.0


async def refuse(opened: Opened, *keys: str | None) -> list[int]:
    """Queue events, and make dead letters of them; return the IDs of the letters."""
    before = await opened.queue.dead_letters.ids(ALL)
    await opened.put(batch(*keys))
    lease = (await opened.lease())[-1]
    letters = {at: dead_letter_of(lease.queued, at, RefusedError("no"), "refused") for at in range(len(keys))}
    await opened.queue.settle(Settlement(lease, dead=letters))
    return [number for number in await opened.queue.dead_letters.ids(ALL) if number not in before]


class DeadLetterTests(Tested):
    """What is done with dead letters."""

    @with_queue
    async def test_a_dead_letter_is_kept_whole(self, opened: Opened) -> None:
        problems = (Problem("data.units", "is not a number"),)
        letters = [
            DeadLetter(
                "refused", "no", Origin("f", 88_120, "offset"), b"{}", account="account", action="track",
                subscription="all", key="a", payload=b'{"units":1}', problems=problems, status_code=400,
                request_id="r1",
            ),
            DeadLetter("unreadable", "cut", Origin("request", 4, "item"), None),
        ]  # fmt: skip
        await opened.put(dead_letters=letters)
        kept = await opened.queue.dead_letters.read([2, 1, 99])
        assert [item.letter for item in kept] == letters
        assert [(item.id, item.at) for item in kept] == [(1, opened.clock.moment), (2, opened.clock.moment)]

    @with_queue
    async def test_groups_are_by_reason_and_message_without_request_ids(self, opened: Opened) -> None:
        for number in range(3):
            opened.clock.moment += 1
            message = f"no (request id r{number})"
            await opened.put(
                dead_letters=[
                    DeadLetter("refused", message, Origin("f", number), b"{}", request_id=f"r{number}"),
                    DeadLetter("rejected", "no", Origin("f", number), b"{}"),
                ][: 1 if number else 2]
            )
        groups = await opened.queue.dead_letters.groups(ALL)
        assert [(group.reason, group.message, group.count) for group in groups] == [
            ("refused", "no", 3),
            ("rejected", "no", 1),
        ]
        assert (groups[0].first_at, groups[0].last_at) == (opened.clock.moment - 2, opened.clock.moment)
        assert [group.ids for group in groups] == [[1, 3, 4], [2]]

    @with_queue
    async def test_they_are_chosen_by_id_reason_and_moment(self, opened: Opened) -> None:
        await opened.put(dead_letters=[DeadLetter("rejected", "no", Origin("f", 1), b"1")])
        opened.clock.moment += 60
        await opened.put(
            dead_letters=[
                DeadLetter("rejected", "no", Origin("f", 2), b"2"),
                DeadLetter("unreadable", "cut", Origin("f", 3), b"3"),
            ]
        )
        letters = opened.queue.dead_letters
        assert await letters.ids(ALL) == [1, 2, 3]
        assert await letters.ids(DeadLetterFilter(ids=[3, 1, 7])) == [1, 3]
        assert await letters.ids(DeadLetterFilter(ids=[])) == []
        assert await letters.ids(DeadLetterFilter(reason="rejected")) == [1, 2]
        assert await letters.ids(DeadLetterFilter(since=opened.clock.moment)) == [2, 3]
        assert await letters.ids(DeadLetterFilter(ids=[1, 2], since=opened.clock.moment)) == [2]
        assert [group.count for group in await letters.groups(DeadLetterFilter(reason="unreadable"))] == [1]

    @with_queue
    async def test_a_replay_queues_events_and_deletes_their_letters(self, opened: Opened) -> None:
        first, second = await refuse(opened, "a", None)
        replay = ReplayBatch((first, second), batch("a", None, place=5))
        assert await opened.queue.dead_letters.replay([replay], opened.token(run=9)) == {"queued": 2}
        assert await opened.queue.dead_letters.ids(ALL) == []
        lease = await opened.one()
        assert (keys_of([lease]), lease.run) == (["a", ""], 9)
        await opened.deliver(lease)
        assert (await opened.put(batch("a"))).duplicates[0].state == "delivered"
        assert (await opened.queue.outcomes(9))[0] == RunOutcomes(2)
        assert (await opened.queue.status()).known_ids == 1

    @with_queue
    async def test_a_replay_that_is_repeated_changes_nothing(self, opened: Opened) -> None:
        (number,) = await refuse(opened, "a")
        token = opened.token()
        replays = [ReplayBatch((number,), batch("a"))]
        first = await opened.queue.dead_letters.replay(replays, token)
        assert await opened.queue.dead_letters.replay(replays, token) == first == {"queued": 1}
        assert (await opened.queue.dead_letters.replay(replays, opened.token())) == {"gone": 1}
        assert len(await opened.lease()) == 1

    @with_queue
    async def test_one_letter_may_come_to_several_events(self, opened: Opened) -> None:
        await opened.put(dead_letters=[DeadLetter("rejected", "no", Origin("f", 1), b"{}")])
        replays = [ReplayBatch((1, 1), batch("a-one", "a-two")), ReplayBatch((1,), batch("a-one", action="identify"))]
        replayed = await opened.queue.dead_letters.replay(replays, opened.token())
        assert replayed == {"queued": 2, "queued before": 1}

    @with_queue
    async def test_what_is_queued_or_delivered_under_the_same_id_is_not_queued_again(self, opened: Opened) -> None:
        await opened.put(batch("delivered", "queued"))
        await opened.queue.settle(Settlement(await opened.one(), delivered=(0,)))
        await opened.put(dead_letters=[DeadLetter("rejected", "no", Origin("f", at), b"{}") for at in range(3)])
        replay = ReplayBatch((1, 2, 3), batch("queued", "delivered", "new"))
        replayed = await opened.queue.dead_letters.replay([replay], opened.token())
        assert replayed == {"queued": 1, "queued before": 1, "delivered before": 1}
        assert sorted(keys_of(await opened.lease())) == ["new", "queued"]
        assert await opened.queue.dead_letters.ids(ALL) == []

    @with_queue
    async def test_an_event_that_is_replayed_has_no_other_letter(self, opened: Opened) -> None:
        """The event was rejected, then came again and was refused: the first letter is replayed."""
        await opened.put(dead_letters=[DeadLetter("rejected", "no", Origin("f", 1), b"{}")])
        await refuse(opened, "a")
        replay = ReplayBatch((1,), batch("a"))
        assert await opened.queue.dead_letters.replay([replay], opened.token()) == {"queued": 1}
        assert await opened.queue.dead_letters.ids(ALL) == []
        assert (await opened.queue.status()).known_ids == 1

    @with_queue
    async def test_a_discarded_letter_is_as_though_it_never_was(self, opened: Opened) -> None:
        await refuse(opened, "a", "b", None)
        assert (await opened.put(batch("a"))).duplicates[0].state == "refused"
        assert await opened.queue.dead_letters.discard(DeadLetterFilter(reason="refused")) == 3
        assert await opened.queue.dead_letters.discard(ALL) == 0
        status = await opened.queue.status()
        assert (status.dead, status.known_ids) == ({}, 0)
        assert (await opened.put(batch("a", "b"))).accepted == [2]

    @with_queue
    async def test_letters_that_are_too_old_are_deleted_and_counted(self, opened: Opened) -> None:
        await opened.reopen(letter_days=7)
        await refuse(opened, "a", "b")
        opened.clock.moment += 5 * DAY
        await opened.put(dead_letters=[DeadLetter("rejected", "no", Origin("f", 1), b"{}")])
        assert opened.queue.deleted_dead_letters == 0
        opened.clock.moment += 3 * DAY
        await opened.put()
        assert (await opened.queue.status()).dead == {"rejected": 1}
        assert opened.queue.deleted_dead_letters == 2
        assert (await opened.put(batch("a"))).accepted == [1], "its ID is forgotten: it was not delivered"

    @with_queue
    async def test_the_oldest_letters_are_deleted_while_they_are_too_large(self, opened: Opened) -> None:
        letters = [DeadLetter("rejected", "no", Origin("f", at), b"%3d" % at) for at in range(10)]
        await opened.reopen(letter_bytes=4 * letters[0].size)
        for letter in letters:
            await opened.put(dead_letters=[letter])
            opened.clock.moment += 2
        await opened.put()
        kept = await opened.queue.dead_letters.read(await opened.queue.dead_letters.ids(ALL))
        assert [item.letter.origin.place for item in kept] == [6, 7, 8, 9]
        assert opened.queue.deleted_dead_letters == 6

    @with_queue
    async def test_all_that_is_beyond_a_limit_can_be_deleted_at_once(self, opened: Opened) -> None:
        letters = [DeadLetter("rejected", "no", Origin("f", at), b"%3d" % at) for at in range(10)]
        await opened.reopen(letter_bytes=4 * letters[0].size, letter_days=7)
        for letter in letters:
            await opened.put(dead_letters=[letter])
        await opened.queue.delete_old()
        kept = await opened.queue.dead_letters.read(await opened.queue.dead_letters.ids(ALL))
        assert [item.letter.origin.place for item in kept] == [6, 7, 8, 9]
        opened.clock.moment += 8 * DAY
        await opened.queue.delete_old()
        assert opened.queue.deleted_dead_letters == 10
        assert (await opened.queue.status()).dead == {}

    @with_queue
    async def test_without_limits_letters_are_kept(self, opened: Opened) -> None:
        await refuse(opened, "a")
        opened.clock.moment += 3_000 * DAY
        await opened.put()
        await opened.queue.delete_old()
        assert (await opened.queue.status()).dead == {"refused": 1}

    @with_queue
    async def test_a_discarded_letter_stays_counted_in_its_run(self, opened: Opened) -> None:
        await refuse(opened, "a")
        await opened.queue.dead_letters.discard(ALL)
        assert (await opened.queue.outcomes(RUN))[0] == RunOutcomes(0, {"refused": 1})
