"""Tables that fit 80 columns: names are shortened in their middle, and no number ever is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH = 80
_GAP = 2


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, names: int) -> Iterator[str]:
    """Yield the lines of a table whose first columns (`names` of them) hold names, and all others numbers.

    Names are on the left and share what room the numbers leave.
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(_cells, column)) for column in columns]
    room = WIDTH - sum(widths[names:]) - _GAP * (len(widths) - 1)
    widths[:names] = _shared(widths[:names], room)
    for row in (headings, *rows):
        left = [_fitted(text, width) for text, width in zip(row[:names], widths, strict=False)]
        right = [text.rjust(width) for text, width in zip(row[names:], widths[names:], strict=True)]
        yield (" " * _GAP).join((*left, *right)).rstrip()


def _shared(wanted: Sequence[int], room: int) -> list[int]:
    """Return the widths of columns that share some room; a column that needs less leaves it to the others."""
    widths = [0] * len(wanted)
    for done, at in enumerate(sorted(range(len(wanted)), key=lambda index: wanted[index])):
        widths[at] = min(wanted[at], max(1, room // (len(wanted) - done)))
        room -= widths[at]
    return widths


def _fitted(text: str, width: int) -> str:
    """Return a text of exactly so many cells: names often differ at their end, so the middle is left out."""
    from rich.cells import set_cell_size

    size = _cells(text)
    if size <= width:
        return text + " " * (width - size)
    end = (width - 1) // 3
    # A wide character may not fit at the cut, and then a blank takes its place.
    tail = next(text[at:] for at in range(len(text)) if _cells(text[at:]) <= end) if end else ""
    return set_cell_size(f"{set_cell_size(text, width - 1 - _cells(tail)).rstrip()}…{tail}", width)


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
