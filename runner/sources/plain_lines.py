"""Lines that are plainly an event each, held as they were read: until they are planned, nothing is made for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_FEED = b"\n"
_BLANK = b" \t\r\n"
_BATCH = b'"batch"'
_BRACKETS_A_LINE = 4
_LONGEST_KEY = 80


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of one block, from `start` to `stop`, without the line feed of the last; the first begins with `begun`.

    `ends` has the positions of all line feeds of the block; those between these lines are `first` to `last`.
    """

    begun: bytes
    block: bytes
    start: int
    stop: int
    ends: list[int]
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self.last - self.first + 1

    def divided(self, count: int) -> tuple[_Lines, _Lines]:
        """Return the first `count` lines and the others."""
        last = self.first + count - 1
        end = self.ends[last]
        return replace(self, stop=end, last=last), replace(self, begun=b"", start=end + 1, first=last + 1)


class PlainLines(Sequence[bytes]):
    """Lines in a row. None is blank, and none holds a batch of events.

    They are divided when somebody looks at one; what is held until then is the blocks in which they were read.
    """

    __slots__ = ("_held", "_lines")

    def __init__(self, held: tuple[_Lines, ...]) -> None:
        self._held = held
        self._lines: list[bytes] | None = None

    @property
    def parts(self) -> list[bytes | memoryview]:
        """The text, without a line feed at its end, in parts that are not copies."""
        parts: list[bytes | memoryview] = []
        for lines in self._held:
            parts += (_LINE_FEED, lines.begun) if lines.begun else (_LINE_FEED,)
            parts.append(memoryview(lines.block)[lines.start : lines.stop])
        return parts[1:]

    @property
    def size(self) -> int:
        """The bytes of the text."""
        return sum(map(len, self.parts))

    @property
    def _list(self) -> list[bytes]:
        if self._lines is None:
            self._lines = b"".join(self.parts).split(_LINE_FEED)
        return self._lines

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines."""
        return iter(self._list)

    def __len__(self) -> int:
        """Count the lines."""
        return sum([lines.count for lines in self._held])

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """Return a line, or some."""
        return self._list[index]

    def __eq__(self, other: object) -> bool:
        """Be equal to a list of equal lines."""
        return bool(self._list == (other._list if isinstance(other, PlainLines) else other))

    __hash__ = None  # type: ignore[assignment]  # as with any list

    def joined(self, more: PlainLines) -> PlainLines:
        """Return these lines and those that follow."""
        return PlainLines(self._held + more._held)

    def divided(self, count: int) -> tuple[PlainLines, PlainLines]:
        """Return the first `count` lines, at least one, and the others, at least one."""
        for at, lines in enumerate(self._held):
            if count < lines.count:
                first, rest = lines.divided(count) if count else (None, lines)
                before = self._held[:at] if first is None else (*self._held[:at], first)
                return PlainLines(before), PlainLines((rest, *self._held[at + 1 :]))
            count -= lines.count
        raise IndexError("there are no other lines")


def plain_lines(begun: bytes, block: bytes) -> PlainLines | None:
    """Return the lines that end with a line feed in a block; the first begins with what was `begun` before.

    None if there are none, if one is blank, or if one may hold a batch of events.
    """
    find = block.find
    at = find(_LINE_FEED)
    if at < 0 or (begun or block)[0] in _BLANK:
        return None
    ends: list[int] = []
    note, last = ends.append, len(block) - 1
    while at >= 0:
        note(at)
        if at < last and block[at + 1] in _BLANK:
            # It may only be indented, which is as rare.
            return None
        at = find(_LINE_FEED, at + 1)
    if _may_hold_batch(begun, block, _BRACKETS_A_LINE * len(ends)):
        return None
    return PlainLines((_Lines(begun, block, 0, ends[-1], ends, 0, len(ends) - 1),))


def _may_hold_batch(begun: bytes, block: bytes, most: int) -> bool:
    """Return whether some line may hold `"batch": [`. To look for brackets is quicker: most events have none."""
    if b"[" in begun and (_BATCH in begun or b"\\" in begun):
        return True
    find = block.find
    at = find(b"[")
    while at >= 0:
        most -= 1
        if not most:
            return _BATCH in block or _BATCH in begun[-_LONGEST_KEY:] + block[:_LONGEST_KEY]
        key = block[max(0, at - _LONGEST_KEY) : at]
        if at < _LONGEST_KEY:
            key = (begun[-_LONGEST_KEY:] + key)[-_LONGEST_KEY:]
        key = key.rstrip(_BLANK).removesuffix(b":").rstrip(_BLANK)
        # An escaped letter of the key is as good as the letter itself, and so is any number of blanks.
        if not key or key.endswith(_BATCH) or (key.endswith(b'"') and b"\\" in key):
            return True
        at = find(b"[", at + 1)
    return False
