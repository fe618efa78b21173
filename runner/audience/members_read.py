"""Reading a list of members: to its end, checked, and sorted."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from .members import SEPARATOR, Faults, MembersError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .members import Members
    from .sorting import LineSorter

_FEW_ROWS = 50
_MOST_REPEATED = 0.5


class SortedMembers:
    """The members of a list that was read to its end, in the order of the bytes of their IDs."""

    def __init__(self, sorter: LineSorter, faults: Faults, name: str) -> None:
        self._sorter = sorter
        self.rows = faults.rows
        self.without_value = faults.without_value
        self.name = name
        self.duplicates = 0

    def blocks(self) -> Iterator[list[bytes]]:
        """Yield all members, each once, as lines. Raises MembersError if one has two values."""
        last, last_member = b"", b""
        for block in self._sorter.blocks():
            lines = [*dict.fromkeys(block)]
            if lines and lines[0] == last:
                del lines[0]
            self.duplicates += len(block) - len(lines)
            if lines:
                self._require_one_value(lines, last_member)
                last, last_member = lines[-1], lines[-1].partition(SEPARATOR)[0]
                yield lines

    def check_repeats(self) -> None:
        """Raise MembersError if most rows repeat others, once all blocks were read: IDs hardly do."""
        if self.rows > _FEW_ROWS and self.duplicates > self.rows * _MOST_REPEATED:
            different = self.rows - self.without_value - self.duplicates
            raise MembersError(
                f"{self.name} has only {different:,} different IDs in {self.rows:,} rows, so this is hardly a "
                "column of IDs, and nothing was changed; name it with --column, or list each member once"
            )

    def _require_one_value(self, lines: list[bytes], before: bytes) -> None:
        members = [line.partition(SEPARATOR)[0] for line in lines]
        if members[0] == before or len(set(members)) < len(members):
            pairs = itertools.pairwise([before, *members])
            twice = next(member for member, following in pairs if member == following)
            raise MembersError(
                f"{self.name} has more than one value for {twice.decode()}, so nobody can say which is right, and "
                "nothing was changed; list each member once"
            )


def read_members(members: Members, sorter: LineSorter) -> SortedMembers:
    """Read a list to its end. Raises MembersError if it cannot be used."""
    faults = Faults()
    try:
        for lines in members.lines(faults):
            sorter.add(lines)
    except OSError as error:
        raise MembersError(f"{members.name} cannot be sorted: {error.strerror}; make room, or set TMPDIR") from None
    faults.raise_any(members.name)
    return SortedMembers(sorter, faults, members.name)
