"""Tests of compared contents: an ID that comes again with other content is noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....definitions import EventList
from ..contract import DeadLetterFilter
from .opened import Opened, Tested, batch, with_queue

if TYPE_CHECKING:
    from ..contract import QueuedBatch


def _holding(queued: QueuedBatch, event: bytes, at: int = 0) -> QueuedBatch:
    """Return a batch with another event at a position."""
    events = [*queued.batch.events.kept]
    events[at] = event
    return replace(queued, batch=replace(queued.batch, events=EventList(events)))


class ContentTests(Tested):
    """What a put does that compares contents."""

    @with_queue
    async def test_an_id_with_other_content_becomes_a_dead_letter_if_contents_are_compared(
        self, opened: Opened
    ) -> None:
        first = b'{"messageId":"a","properties":{"units":1},"sentAt":"1"}'
        retry = b'{"sentAt":"2","properties": {"units":1},"messageId":"a","_metadata":{"retryCount":1}}'
        other = b'{"messageId":"a","properties":{"units":2}}'
        await opened.put(_holding(batch("a"), first), compares_contents=True)
        result = await opened.put(_holding(batch("a"), retry), compares_contents=True)
        assert (len(result.duplicates), result.conflicts) == (1, [])
        for _ in range(2):
            result = await opened.put(_holding(batch("a"), other), compares_contents=True)
            assert (result.accepted, result.duplicates, len(result.conflicts)) == ([0], [], 1)
        (number,) = await opened.queue.dead_letters.ids(DeadLetterFilter())
        (letter,) = await opened.queue.dead_letters.read([number])
        assert (letter.letter.reason, letter.letter.event, letter.letter.key) == ("rejected", other, "a")
        # It was delivered, or will be, so nothing is sent again when the dead letter is discarded.
        await opened.queue.dead_letters.discard(DeadLetterFilter())
        assert len((await opened.put(_holding(batch("a"), retry), compares_contents=True)).duplicates) == 1

    @with_queue
    async def test_contents_are_compared_within_a_batch(self, opened: Opened) -> None:
        twice = _holding(_holding(batch("a", "a", "a"), b'{"units":1}'), b'{"units":2}', at=1)
        twice = _holding(twice, b'{"units":1}', at=2)
        result = await opened.put(twice, compares_contents=True)
        assert (result.accepted, len(result.duplicates), len(result.conflicts)) == ([1], 1, 1)

    @with_queue
    async def test_what_came_without_a_comparison_is_a_duplicate_whatever_it_holds(self, opened: Opened) -> None:
        await opened.put(_holding(batch("a"), b'{"units":1}'))
        result = await opened.put(_holding(batch("a"), b'{"units":2}'), compares_contents=True)
        assert (len(result.duplicates), result.conflicts) == (1, [])

    @with_queue
    async def test_nothing_is_kept_of_a_conflict_whose_sender_is_told(self, opened: Opened) -> None:
        await opened.put(_holding(batch("a"), b'{"units":1}'), compares_contents=True)
        other = _holding(batch("a"), b'{"units":2}')
        other = replace(other, origins=replace(other.origins, sources=("request",)))
        result = await opened.put(other, compares_contents=True, unkept={"request"})
        assert [conflict.origin.source for conflict in result.conflicts] == ["request"]
        assert await opened.queue.dead_letters.ids(DeadLetterFilter()) == []
