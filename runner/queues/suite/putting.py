"""Tests of `put`: what is new is queued once, and all of a put or nothing is stored."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ....definitions import EventList, RefusedError
from ...sources.contract import Origin
from ..contract import (
    Checkpoint,
    CheckpointMovedError,
    DeadLetter,
    DeadLetterFilter,
    Duplicate,
    Put,
    QueueFullError,
    RereadText,
    Settlement,
    Token,
    dead_letter_of,
)
from .opened import LANE, RUN, Opened, Tested, batch, keys_of, with_queue

if TYPE_CHECKING:
    from ..contract import QueuedBatch


def _of(source: str, queued: QueuedBatch) -> QueuedBatch:
    """Return a batch whose events come from a source."""
    return replace(queued, origins=replace(queued.origins, sources=(source,)))


def _holding(queued: QueuedBatch, event: bytes, at: int = 0) -> QueuedBatch:
    """Return a batch with another event at a position."""
    events = [*queued.batch.events.kept]
    events[at] = event
    return replace(queued, batch=replace(queued.batch, events=EventList(events)))


class PutTests(Tested):
    """What a put does."""

    @with_queue
    async def test_everything_of_a_put_is_there(self, opened: Opened) -> None:
        result = await opened.put(
            batch("a", "b"),
            batch("c", action="identify"),
            dead_letters=[DeadLetter("rejected", "no", Origin("f", 3), b"{}", account="account")],
            checkpoints=[Checkpoint("key", "f", b"state")],
            records={"answers/1": b"yes"},
        )
        assert (result.accepted, result.duplicates, result.too_old) == ([2, 1], [], 0)
        status = await opened.queue.status()
        assert [(lane.action, lane.queued) for lane in status.lanes] == [("identify", 1), ("track", 2)]
        assert (status.dead, status.known_ids) == ({"rejected": 1}, 3)
        assert (await opened.queue.checkpoints("key"))[0] == Checkpoint("key", "f", b"state")
        assert await opened.queue.records("answers/") == {"answers/1": b"yes"}

    @with_queue
    async def test_a_leased_batch_is_what_was_put(self, opened: Opened) -> None:
        put = batch("a", None, "c", shard=3, place=41)
        await opened.put(put)
        lease = await opened.one()
        got = lease.queued
        assert (got.account, got.lane, got.origins) == (put.account, put.lane, put.origins)
        assert got.batch.payloads.text == put.batch.payloads.text
        assert [*got.batch.events.kept] == [*put.batch.events.kept]
        assert got.batch.subscriptions == put.batch.subscriptions
        assert (got.batch.idempotency_keys, got.batch.shard) == (("a", None, "c"), 3)
        assert (lease.attempts, lease.run, lease.accepted_at) == (0, RUN, opened.clock.moment)

    @with_queue
    async def test_a_put_that_is_repeated_changes_nothing(self, opened: Opened) -> None:
        put = Put(Token(1, 5), [batch("a", "a", None)], records={"r": b"1"})
        first = await opened.queue.put(put)
        again = await opened.queue.put(put)
        assert ([*again.accepted], [*again.duplicates]) == ([*first.accepted], [*first.duplicates])
        assert (await opened.queue.status()).lanes[0].queued == 2

    @with_queue
    async def test_an_older_put_cannot_be_repeated(self, opened: Opened) -> None:
        await opened.queue.put(Put(Token(1, 5), [batch("a")]))
        await opened.queue.put(Put(Token(2, 1), [batch("b")]))
        with pytest.raises(ValueError, match="put 4 comes after put 5"):
            await opened.queue.put(Put(Token(1, 4), [batch("c")]))

    @with_queue
    async def test_events_without_an_id_are_as_many_as_they_are(self, opened: Opened) -> None:
        await opened.put(batch(None, None))
        result = await opened.put(batch(None))
        assert (result.accepted, result.duplicates) == ([1], [])

    @with_queue
    async def test_an_id_is_known_within_its_account(self, opened: Opened) -> None:
        await opened.put(batch("a"))
        assert (await opened.put(batch("a", account="other"))).accepted == [1]

    @with_queue
    async def test_duplicates_have_the_state_of_the_first(self, opened: Opened) -> None:
        await opened.put(batch("delivered", "refused", "exhausted", "waits"))
        await opened.put(batch("queued"))
        lease, _ = await opened.lease()
        error = RefusedError("no")
        await opened.queue.settle(
            Settlement(
                lease,
                delivered=(0,),
                dead={
                    1: dead_letter_of(lease.queued, 1, error, "refused"),
                    2: dead_letter_of(lease.queued, 2, error, "exhausted"),
                },
                retry=(3,),
            )
        )
        result = await opened.put(batch("waits", "exhausted", "new", "refused", "queued", "delivered", "new"))
        assert result.accepted == [1]
        states = {duplicate.key: duplicate.state for duplicate in result.duplicates}
        assert states == {
            "delivered": "delivered",
            "exhausted": "exhausted",
            "new": "queued",
            "queued": "queued",
            "refused": "refused",
            "waits": "queued",
        }
        new = next(duplicate for duplicate in result.duplicates if duplicate.key == "new")
        assert new == Duplicate("queued", "account", "new", new.batch)

    @with_queue
    async def test_a_batch_of_duplicates_is_no_batch(self, opened: Opened) -> None:
        await opened.put(batch("a", "b"))
        assert (await opened.put(batch("b", "a"))).accepted == [0]
        assert (await opened.queue.status()).lanes[0].batches == 1

    @with_queue
    async def test_an_event_that_is_too_old_to_be_known_is_not_put(self, opened: Opened) -> None:
        await opened.put(batch("known"))
        result = await opened.put(
            batch("known", "old", "new", None), batch("old"), batch("other"), too_old={0: {0, 1, 3}, 2: {0}}
        )
        assert (result.accepted, result.too_old) == ([1, 1, 0], 3)
        assert [duplicate.key for duplicate in result.duplicates] == ["known"]
        assert keys_of(await opened.lease()) == ["known", "new", "old"]

    @with_queue
    async def test_a_full_queue_takes_nothing_of_a_put(self, opened: Opened) -> None:
        queue = opened.open(limit_bytes=batch("a", "b").size + 10)
        await queue.put(Put(opened.token(), [batch("a", "b")]))
        with pytest.raises(QueueFullError, match="bytes are queued"):
            await queue.put(Put(opened.token(), [batch("c", "d")], checkpoints=[Checkpoint("key", "f", b"2")]))
        assert (await queue.checkpoints("key"))[0] is None
        (lease,) = (await queue.lease({LANE: 1})).leases
        await queue.settle(Settlement(lease, delivered=(0,), retry=(1,)))
        assert (await queue.put(Put(opened.token(), [batch("c")]))).accepted == [1]

    @with_queue
    async def test_a_single_batch_is_never_too_large_for_an_empty_queue(self, opened: Opened) -> None:
        queue = opened.open(limit_bytes=10)
        with pytest.raises(QueueFullError):
            await queue.put(Put(opened.token(), [batch("a"), batch("b")]))
        assert (await queue.put(Put(opened.token(), [batch("a", "b", "c")]))).accepted == [3]

    @with_queue
    async def test_a_full_queue_has_room_for_the_share_of_another_account(self, opened: Opened) -> None:
        size = batch("a").size
        queue = opened.open(limit_bytes=4 * size)

        async def put(*batches: QueuedBatch) -> bool:
            try:
                await queue.put(Put(opened.token(), batches))
            except QueueFullError:
                return False
            return True

        assert await put(*[batch(str(number)) for number in range(4)])
        assert not await put(batch("4"))
        for number, has_room in enumerate((True, True, False)):
            assert await put(batch(str(number), account="healthy")) == has_room, number
        assert not await put(batch("4")), "an account beyond its share waits"
        assert await put(batch("0", account="third"))
        assert not await put(batch("1", account="third"))
        for lease in (await queue.lease({LANE: 9})).leases:
            await queue.settle(Settlement(lease, delivered=(0,)))
        assert await put(batch("5")), "there is room again for everybody"

    @with_queue
    async def test_a_single_batch_is_never_too_large_for_an_account_with_nothing_queued(self, opened: Opened) -> None:
        queue = opened.open(limit_bytes=10)
        assert (await queue.put(Put(opened.token(), [batch("a", "b")]))).accepted == [2]
        assert (await queue.put(Put(opened.token(), [batch("a", "b", account="other")]))).accepted == [2]
        with pytest.raises(QueueFullError, match="for other accounts"):
            await queue.put(Put(opened.token(), [batch("c", account="other")]))

    @with_queue
    async def test_a_full_queue_stores_results_and_checkpoints(self, opened: Opened) -> None:
        queue = opened.open(limit_bytes=1)
        await queue.put(Put(opened.token(), [batch("a")]))
        await queue.put(Put(opened.token(), checkpoints=[Checkpoint("key", "f", b"2")]))
        (lease,) = (await queue.lease({LANE: 1})).leases
        letter = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
        assert [*await queue.settle(Settlement(lease, dead={0: letter}))] == []

    @with_queue
    async def test_dead_letters_that_recur_are_stored_once(self, opened: Opened) -> None:
        for account in ("one", "two", "two"):
            recurs = DeadLetter("rejected", "no", Origin("f", 1), b"{}", account=account, recurs=True)
            single = DeadLetter("rejected", "no", Origin("pipe", 1), b"{}", account=account)
            await opened.put(dead_letters=[recurs, single])
        groups = await opened.queue.dead_letters.groups(DeadLetterFilter())
        assert [group.count for group in groups] == [5]

    @with_queue
    async def test_texts_of_two_files_are_two_whatever_their_names(self, opened: Opened) -> None:
        """The name is what the user wrote, and relative to another folder each time."""
        for path in ("/one/f", "/two/f", "/one/f"):
            letter = DeadLetter("unreadable", "cut", Origin("f", 1), b"{oops", path=path, recurs=True)
            await opened.put(dead_letters=[letter])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1, 2]

    @with_queue
    async def test_equal_texts_of_one_line_are_kept_each(self, opened: Opened) -> None:
        for _ in range(2):
            letters = [
                DeadLetter("rejected", "no", Origin("f", 1), b"{}", key=key, path="/f", recurs=True, occurrence=at)
                for at in range(3)
                for key in (None, "a")
            ]
            await opened.put(dead_letters=letters)
        assert len(await opened.queue.dead_letters.ids(DeadLetterFilter())) == 6

    @with_queue
    async def test_a_copy_of_a_file_has_no_letters_of_its_own(self, opened: Opened) -> None:
        for name in ("f", "copy of f", "other"):
            account = "other" if name == "other" else "account"
            letters = [
                DeadLetter("rejected", "no", Origin(name, 1), b"{}", account, key="b", path=f"/{name}", recurs=True),
                DeadLetter("unreadable", "cut", Origin(name, 2), b"{oops", account, path=f"/{name}", recurs=True),
            ]
            await opened.put(_of(name, batch("a", account=account)), dead_letters=letters)
        kept = await opened.queue.dead_letters.read(await opened.queue.dead_letters.ids(DeadLetterFilter()))
        assert [item.letter.origin for item in kept] == [
            ("f", 1, "line"),
            ("f", 2, "line"),
            *(("other", place, "line") for place in (1, 2)),
        ]

    @with_queue
    async def test_a_file_with_new_events_is_no_copy(self, opened: Opened) -> None:
        for number, keys in enumerate((("a",), ("a", "b"), ("c",), (None,))):
            letter = DeadLetter(
                "unreadable", "cut", Origin(f"f{number}", 1), b"{oops", "account", path=f"/{number}", recurs=True
            )
            await opened.put(_of(f"f{number}", batch(*keys)), dead_letters=[letter])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1, 2, 3, 4]

    @with_queue
    async def test_an_event_that_is_queued_has_no_dead_letter_any_more(self, opened: Opened) -> None:
        """It was rejected, from wherever and as often as it came; then somebody fixed the event, or the mapping."""
        rejected = [
            DeadLetter("rejected", "no", Origin("f", 1), b'{"a":1}', "account", key="a", path="/f", recurs=True),
            DeadLetter("rejected", "no", Origin("pipe", 1), b'{"a":2}', "account", key="a"),
        ]
        others = [
            DeadLetter("rejected", "no", Origin("f", 2), b'{"a":1}', "account", key="b", path="/f", recurs=True),
            DeadLetter("rejected", "no", Origin("f", 3), b'{"a":1}', "other", key="a", path="/f", recurs=True),
            DeadLetter("rejected", "no", Origin("f", 4), b'{"a":1}', "account", path="/f", recurs=True),
        ]
        await opened.put(dead_letters=[*rejected, *others])
        assert (await opened.put(batch("a", "c"))).accepted == [2]
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [3, 4, 5]
        assert (await opened.queue.status()).dead == {"rejected": 3}

    @with_queue
    async def test_a_letter_that_comes_with_its_event_is_kept(self, opened: Opened) -> None:
        """One subscription accepts the event, another one rejects it."""
        letter = DeadLetter("rejected", "no", Origin("f", 1), b"{}", "account", key="a", path="/f", recurs=True)
        await opened.put(batch("a"), dead_letters=[letter])
        await opened.put(batch("a"), dead_letters=[letter])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1]

    @with_queue
    async def test_a_corrected_event_takes_the_place_of_its_dead_letter(self, opened: Opened) -> None:
        await opened.put(batch("a", "b", "c"))
        lease, error = await opened.one(), RefusedError("no")
        dead = {at: dead_letter_of(lease.queued, at, error, "refused") for at in range(3)}
        await opened.queue.settle(Settlement(lease, dead=dead))
        result = await opened.put(_holding(batch("b", "a", "new", "a", "c"), b'{ "messageId": "c" }', at=4))
        assert [(each.key, each.state) for each in result.duplicates] == [
            ("b", "refused"),
            ("a", "refused"),
            ("a", "refused"),
            ("c", "refused"),
        ]
        corrected = _holding(_holding(batch("b", "a", "c", "a"), b'{"messageId":"a","x":1}', at=1), b"{}", at=3)
        result = await opened.put(corrected)
        assert (result.accepted, [each.state for each in result.duplicates]) == ([1], ["refused", "refused", "queued"])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [2, 3]
        assert [*(await opened.lease())[-1].queued.batch.events.kept] == [b'{"messageId":"a","x":1}']
        assert (await opened.queue.status()).known_ids == 4
        assert (await opened.put(corrected)).accepted == [0]

    @with_queue
    async def test_a_correction_may_be_refused_and_corrected_again(self, opened: Opened) -> None:
        for number in range(3):
            event = b'{"messageId":"a","x":%d}' % number
            assert (await opened.put(_holding(batch("a"), event))).accepted == [1]
            lease = await opened.one()
            dead = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
            await opened.queue.settle(Settlement(lease, dead={0: dead}))
            (kept,) = await opened.queue.dead_letters.read(await opened.queue.dead_letters.ids(DeadLetterFilter()))
            assert kept.letter.event == event
        assert (await opened.queue.status()).known_ids == 1

    @with_queue
    async def test_a_correction_that_is_too_old_leaves_the_letter(self, opened: Opened) -> None:
        await opened.put(batch("a"))
        lease = await opened.one()
        letter = dead_letter_of(lease.queued, 0, RefusedError("no"), "refused")
        await opened.queue.settle(Settlement(lease, dead={0: letter}))
        result = await opened.put(_holding(batch("a"), b"{}"), too_old={0: {0}})
        assert (result.accepted, result.too_old) == ([0], 1)
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1]
        assert (await opened.put(batch("a"))).duplicates[0].state == "refused"

    @with_queue
    async def test_a_text_that_is_read_whole_is_no_dead_letter_any_more(self, opened: Opened) -> None:
        origin = Origin("f", 9)
        half = DeadLetter("unreadable", "cut", origin, b'{"type":', account="account", recurs=True)
        other = DeadLetter("unreadable", "cut", Origin("f", 10), b'{"type":', account="account", recurs=True)
        await opened.put(dead_letters=[half, other])
        await opened.put(reread=[RereadText("account", origin, b'{"type": "track"}')])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [2]
        await opened.put(reread=[RereadText("account", Origin("f", 10), b"[]")])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [2]

    @with_queue
    async def test_a_file_that_grows_leaves_the_letters_of_others(self, opened: Opened) -> None:
        origin = Origin("f", 9)
        for path in ("/one/f", "/two/f", ""):
            half = DeadLetter("unreadable", "cut", origin, b'{"type":', account="account", path=path, recurs=True)
            await opened.put(dead_letters=[half])
        await opened.put(reread=[RereadText("account", Origin("../f", 9), b'{"type": "track"}', path="/two/f")])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1, 3]
        await opened.put(reread=[RereadText("account", origin, b'{"type": "track"}')])
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == [1]

    @with_queue
    async def test_of_two_readers_that_expect_one_checkpoint_one_is_too_late(self, opened: Opened) -> None:
        queue = opened.queue
        await queue.put(_expecting(Token(1, 1), b"1", None, "a"))
        await queue.put(_expecting(Token(1, 1), b"1", None, "a"))  # no second reader
        found = await asyncio.gather(
            *(queue.put(_expecting(Token(run, 2), b"2", b"1", f"b {run}")) for run in range(1, 6)),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in found) == ["CheckpointMovedError"] * 4 + ["PutResult"]
        for expected in (None, b"1", b"other"):
            with pytest.raises(CheckpointMovedError) as raised:
                await queue.put(_expecting(Token(9, 9), b"3", expected, "c"))
            assert raised.value.key == "key"
        assert (await queue.checkpoints("key"))[0] == Checkpoint("key", "f", b"2")
        # Of those who were too late nothing was put.
        keys = keys_of(await opened.lease())
        assert len(keys) == 2
        assert "a" in keys
        assert await queue.records("reader") == {"reader": b"2"}

    @with_queue
    async def test_many_callers_at_once_put_each_event_once(self, opened: Opened) -> None:
        keys = [str(number) for number in range(50)]
        results = await asyncio.gather(
            *(opened.queue.put(Put(Token(run, 1), [batch(*keys[run:], f"own {run}")])) for run in range(20))
        )
        assert sum(sum(result.accepted) for result in results) == 50 + 20
        assert sum(len(result.duplicates) for result in results) == sum(50 - run for run in range(1, 20))
        assert sorted(keys_of(await opened.lease())) == sorted({*keys, *(f"own {run}" for run in range(20))})


def _expecting(token: Token, state: bytes, expected: bytes | None, key: str) -> Put:
    """Return a put of a reader that has read on from a checkpoint."""
    checkpoint = Checkpoint("key", "f", state)
    return Put(token, [batch(key)], checkpoints=[checkpoint], records={"reader": state}, expects={"key": expected})
