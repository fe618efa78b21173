"""Compares a sorted list of members with what was sent last: a merge of both, in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from .changes import Change
from .members import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from ..queues.contract import Membership
    from .changes import ChangeFile

STATE_PAGE = 10_000
"""How many memberships are read at once."""

_AFTER_ALL = b"\xff"
"""Comes after every ID: no text in UTF-8 begins so."""


async def compare(
    blocks: Iterator[list[bytes]],
    page: Callable[[bytes, int], Awaitable[Sequence[Membership]]],
    sync: int,
    changes: ChangeFile,
) -> int:
    """Add to `changes` what differs between a list and what was sent; return how many are members without a change.

    `page` returns memberships after a member. Raises what reading both raises.
    """
    unchanged = 0
    lines: list[bytes] = []
    state: Sequence[Membership] = ()
    is_list_read = is_state_read = False
    last = b""
    while True:
        if not lines and not is_list_read:
            lines = next(blocks, [])
            is_list_read = not lines
        if not state and not is_state_read:
            state = await page(last, STATE_PAGE)
            is_state_read = len(state) < STATE_PAGE
            last = state[-1][0] if state else last
        if not lines and not state:
            return unchanged
        # Both are known up to here.
        bound = min(
            lines[-1].partition(SEPARATOR)[0] if not is_list_read else _AFTER_ALL,
            state[-1][0] if not is_state_read else _AFTER_ALL,
        )
        cut = bisect_right(lines, bound + b"\1")
        state_cut = len(state) if bound == _AFTER_ALL else bisect_right(state, bound, key=_member)
        unchanged += _compare_part(lines[:cut], state[:state_cut], sync, changes)
        lines, state = lines[cut:], state[state_cut:]


def _member(row: Membership) -> bytes:
    return row[0]


def _compare_part(lines: list[bytes], state: Sequence[Membership], sync: int, changes: ChangeFile) -> int:
    """Compare all members up to some ID. Nearly all are the same, so sets find the few that are not."""
    sent = {b"%b\0%b" % (row[0], row[1]) for row in state if row[1] is not None}
    listed = set(lines)
    entering, leaving = listed - sent, sent - listed
    unchanged = len(listed) - len(entering)
    if not entering and not leaving:
        return unchanged
    values = dict([_parted(line) for line in entering])
    befores = dict([_parted(line) for line in leaving])
    concerned = values.keys() | befores.keys()
    rows = {row[0]: row for row in state if row[0] in concerned}
    changes.add(
        [
            Change(member, values.get(member), befores.get(member), number_of(rows.get(member), sync))
            for member in sorted(concerned)
        ]
    )
    return unchanged


def number_of(row: Membership | None, sync: int) -> int:
    """Return the number of the next change of a member in a sync: an interrupted sync may have changed them before."""
    return row[3] + 1 if row is not None and row[2] == sync else 0


def _parted(line: bytes) -> tuple[bytes, bytes]:
    member, _, value = line.partition(SEPARATOR)
    return member, value
