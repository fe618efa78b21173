"""The merge of a list and of what was sent finds what sets find, however both are divided."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from kable_destination.runner.audience import comparing
from kable_destination.runner.audience.changes import Change, ChangeFile
from kable_destination.runner.audience.members import Faults
from kable_destination.runner.audience.members_read import SortedMembers
from kable_destination.runner.audience.sorting import LineSorter
from kable_destination.runner.queues.contract import Movement

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from kable_destination.runner.queues.contract import Membership

EXAMPLES = int(os.environ.get("KABLE_EXAMPLES", "150"))
MEMBERS = st.text("abÖ𐍈~ ", min_size=1, max_size=3).map(str.encode)
VALUES = st.sampled_from([b"true", b"1", b'"x"'])
LISTS = st.dictionaries(MEMBERS, VALUES, max_size=40)
STATES = st.dictionaries(
    MEMBERS, st.tuples(st.one_of(st.none(), VALUES), st.integers(1, 3), st.integers(0, 2)), max_size=40
)


async def found(
    listed: dict[bytes, bytes], state: dict[bytes, tuple[bytes | None, int, int]], memory: int
) -> tuple[int, list[Change], Movement]:
    """Compare a list with a state."""
    rows: list[Membership] = [(member, *state[member]) for member in sorted(state)]

    async def page(after: bytes, most: int) -> Sequence[Membership]:
        return [row for row in rows if row[0] > after][:most]

    with LineSorter(lines_in_memory=memory) as sorter, ChangeFile() as changes:
        for member, value in listed.items():
            sorter.add([b"%b\0%b" % (member, value)] * 2)
        members = SortedMembers(sorter, Faults(), "list")
        unchanged = await comparing.compare(members.blocks(), page, 3, changes)
        return unchanged, [change for some in changes.pages() for change in some], changes.movement


@settings(max_examples=EXAMPLES, deadline=None)
@given(listed=LISTS, state=STATES, memory=st.integers(1, 50), state_page=st.integers(1, 50))
def test_a_comparison_finds_what_differs(
    listed: dict[bytes, bytes], state: dict[bytes, tuple[bytes | None, int, int]], memory: int, state_page: int
) -> None:
    before = comparing.STATE_PAGE
    comparing.STATE_PAGE = state_page
    try:
        unchanged, changes, movement = asyncio.run(found(listed, state, memory))
    finally:
        comparing.STATE_PAGE = before
    sent = {member: value for member, (value, _, _) in state.items() if value is not None}
    expected = [
        Change(
            member,
            listed.get(member),
            sent.get(member),
            state[member][2] + 1 if member in state and state[member][1] == 3 else 0,
        )
        for member in sorted(listed.keys() | sent.keys())
        if listed.get(member) != sent.get(member)
    ]
    assert changes == expected
    assert unchanged == sum(sent.get(member) == value for member, value in listed.items())
    entered, left = len(listed.keys() - sent.keys()), len(sent.keys() - listed.keys())
    assert movement == Movement(entered, left, len(expected) - entered - left)


def test_sorting_needs_no_more_memory_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sorted already is one part, however long it is."""
    lines = [b"%06d" % number for number in range(5_000)]
    with LineSorter(lines_in_memory=100) as sorter:
        for start in range(0, 5_000, 50):
            sorter.add(lines[start : start + 50])
        assert len(sorter._parts) == 1
        assert [line for block in sorter.blocks() for line in block] == lines
    monkeypatch.setattr("kable_destination.runner.audience.sorting._LEAST_READ", 16)
    monkeypatch.setattr("kable_destination.runner.audience.sorting._MERGED_BYTES", 16)
    long = [*(b"x" * number for number in range(1, 100)), *lines]
    with LineSorter(lines_in_memory=100) as sorter:
        sorter.add(long[::-1][:2_500])
        sorter.add(long[::-1][2_500:])
        assert [line for block in sorter.blocks() for line in block] == sorted(long)
