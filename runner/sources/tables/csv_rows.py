"""The rows of a CSV file."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ..contract import SourceError
from ..event_splitting import MAX_EVENT_BYTES
from .rows import BadRow, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .columns import Columns

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_DELIMITERS = ",\t;|"
_BOM = "\ufeff"


def csv_rows(pieces: Iterable[bytes], columns: Columns) -> Rows:
    """Return the rows of a CSV file, whose first line names the columns. Raises SourceError.

    Values are text, except for columns that are declared as numbers. An empty value is absent.
    """
    # Otherwise a field of more than 128 KiB would be an error.
    csv.field_size_limit(MAX_EVENT_BYTES)
    lines = _lines(pieces)
    header = next(lines, "").removeprefix(_BOM)
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(_chained(header, lines), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
    except csv.Error as error:
        raise SourceError(f"cannot be read: its first line is not CSV ({error})") from None
    return Rows(names, _rows(reader, names, columns.numbers))


def _rows(
    reader: Iterator[list[str]], names: list[str], numbers: frozenset[str]
) -> Iterator[list[Any] | BadRow | None]:
    are_numbers = [name in numbers for name in names]
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(f"is not CSV: {error}", {})
            continue
        if not row:
            yield None
        elif len(row) != len(names):
            yield BadRow(f"has {len(row)} values, and the first line names {len(names)} columns", {"row": row})
        else:
            yield _values(names, row, are_numbers)


def _values(names: list[str], row: list[str], are_numbers: list[bool]) -> list[Any] | BadRow:
    values: list[Any] = []
    for name, text, is_number in zip(names, row, are_numbers, strict=True):
        if not text:
            values.append(None)
        elif not is_number:
            values.append(text)
        elif _NUMBER.fullmatch(text):
            # As it is written, so no digit is lost.
            values.append(msgspec.Raw(text.encode()))
        else:
            return BadRow(f"the column {name} is not a number", dict(zip(names, row, strict=True)))
    return values


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of some bytes. Raises SourceError if one has no end."""
    text = io.TextIOWrapper(io.BufferedReader(_Pieces(pieces)), encoding="utf-8", errors="surrogateescape", newline="")
    while line := text.readline(MAX_EVENT_BYTES):
        if len(line) >= MAX_EVENT_BYTES:
            raise SourceError(f"cannot be read: a line of it is longer than {MAX_EVENT_BYTES:,} characters")
        yield line


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what comes next."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count
