"""Sorts any number of lines in bounded memory: sorted parts in a file without a name, and a merge of these.

Nothing is left of that file when the process ends, however it ends: it holds the IDs of customers.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LINES_IN_MEMORY = 100_000
_BYTES_IN_MEMORY = 8 * 1024 * 1024
_MERGED_BYTES = 4 * 1024 * 1024
"""How many bytes of all parts together are in memory while they are merged."""

_LEAST_READ, _MOST_READ = 32 * 1024, 512 * 1024
_LINES_AT_ONCE = 10_000


class LineSorter:
    """Sorts lines of bytes without line breaks. Use it in a `with` block."""

    def __init__(self, *, lines_in_memory: int = _LINES_IN_MEMORY) -> None:
        self._most_lines = lines_in_memory
        self._lines: list[bytes] = []
        self._bytes = 0
        self._parts: list[list[int]] = []
        self._last = b""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - this class is the context manager
        self.count = 0

    def __enter__(self) -> Self:
        """Return the sorter."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Delete the file."""
        self._file.close()

    def add(self, lines: Sequence[bytes]) -> None:
        """Add lines, in any order. Raises OSError if the disk is full."""
        self._lines += lines
        self._bytes += sum(map(len, lines))
        self.count += len(lines)
        if len(self._lines) >= self._most_lines or self._bytes >= _BYTES_IN_MEMORY:
            self._write()

    def blocks(self) -> Iterator[list[bytes]]:
        """Yield all lines in order, some thousand at a time. Lines that are equal stay."""
        if not self._parts:
            self._lines.sort()
            yield from _divided(self._lines)
            return
        if self._lines:
            self._write()
        size = min(_MOST_READ, max(_LEAST_READ, _MERGED_BYTES // len(self._parts)))
        parts = [_Part(self._file.fileno(), start, end, size) for start, end in self._parts]
        while parts:
            # Every part is known up to here, so all lines up to here are known.
            bound = min([part.lines[-1] for part in parts])
            merged: list[bytes] = []
            for part in parts:
                merged += part.take(bound)
            merged.sort()
            yield from _divided(merged)
            parts = [part for part in parts if part.lines]

    def _write(self) -> None:
        """Write what is in memory as a part of its own, or to the end of the part before if it comes after that."""
        self._lines.sort()
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(b"\n".join(self._lines))
        self._file.write(b"\n")
        self._file.flush()
        end = self._file.tell()
        if self._parts and self._last <= self._lines[0]:
            self._parts[-1][1] = end
        else:
            self._parts.append([start, end])
        self._last = self._lines[-1]
        self._lines, self._bytes = [], 0


def _divided(lines: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), _LINES_AT_ONCE):
        yield lines[start : start + _LINES_AT_ONCE]


class _Part:
    """A sorted part of the file. Some of its lines are in memory; `lines` is empty at its end."""

    def __init__(self, descriptor: int, start: int, end: int, size: int) -> None:
        self._descriptor = descriptor
        self._at = start
        self._end = end
        self._size = size
        self.lines: list[bytes] = []
        self._read()

    def take(self, bound: bytes) -> list[bytes]:
        """Return the lines that are known and not greater than a bound."""
        cut = bisect_right(self.lines, bound)
        taken, self.lines = self.lines[:cut], self.lines[cut:]
        if not self.lines:
            self._read()
        return taken

    def _read(self) -> None:
        data, size = b"", self._size
        while self._at < self._end:
            data = os.pread(self._descriptor, min(size, self._end - self._at), self._at)
            cut = data.rfind(b"\n") + 1
            if cut:
                self.lines = data[: cut - 1].split(b"\n")
                self._at += cut
                return
            # A line is longer than what was read.
            size *= 2
