"""Lines that are plainly an event each, held as one text: nothing is made for each of them before it is planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

_LINE_FEED = b"\n"
_BLANK = b" \t\r\n"
_BATCH = b'"batch"'
_BRACKETS_A_LINE = 4
_LONGEST_KEY = 80


class PlainLines(Sequence[bytes]):
    """The lines of a text without a line feed at its end. None is blank, and none holds a batch of events.

    `ends` has the position of each line feed. The lines are divided when somebody looks at one.
    """

    __slots__ = ("_ends", "_lines", "text")

    def __init__(self, text: bytes, ends: list[int]) -> None:
        self.text = text
        self._ends = ends
        self._lines: list[bytes] | None = None

    @property
    def _list(self) -> list[bytes]:
        if self._lines is None:
            self._lines = self.text.split(_LINE_FEED)
        return self._lines

    def __len__(self) -> int:
        """Count the lines."""
        return len(self._ends) + 1

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
        start = len(self.text) + 1
        ends = [*self._ends, len(self.text), *[start + end for end in more._ends]]
        return PlainLines(self.text + _LINE_FEED + more.text, ends)

    def divided(self, count: int) -> tuple[PlainLines, PlainLines]:
        """Return the first `count` lines, at least one, and the others, at least one."""
        end = self._ends[count - 1]
        start = end + 1
        rest = PlainLines(self.text[start:], [later - start for later in self._ends[count:]])
        return PlainLines(self.text[:end], self._ends[: count - 1]), rest


def plain_lines(text: bytes) -> PlainLines | None:
    """Return the lines of a text without a line feed at its end; None if one is blank or may hold a batch."""
    if not text or text[0] in _BLANK or not text[text.rfind(_LINE_FEED) + 1 :].strip(_BLANK):
        return None
    ends: list[int] = []
    find, note = text.find, ends.append
    at = find(_LINE_FEED)
    while at >= 0:
        note(at)
        if text[at + 1] in _BLANK:
            # It may only be indented, which is as rare.
            return None
        at = find(_LINE_FEED, at + 1)
    return None if _may_hold_batch(text, _BRACKETS_A_LINE * (len(ends) + 1)) else PlainLines(text, ends)


def _may_hold_batch(text: bytes, most: int) -> bool:
    """Return whether some line may hold `"batch": [`. To look for brackets is quicker: most events have none."""
    find = text.find
    at = find(b"[")
    while at >= 0:
        most -= 1
        if not most:
            return _BATCH in text
        key = text[max(0, at - _LONGEST_KEY) : at].rstrip(_BLANK).removesuffix(b":").rstrip(_BLANK)
        # An escaped letter of the key is as good as the letter itself, and so is any number of blanks.
        if not key or key.endswith(_BATCH) or (key.endswith(b'"') and b"\\" in key):
            return True
        at = find(b"[", at + 1)
    return False
