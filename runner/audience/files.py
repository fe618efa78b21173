"""Members in a file or on standard input."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, get_args

from ..near_files import near_file
from ..sources.blocks import ForeignFormatError, read_blocks
from .columns import NO_COLUMNS, Columns
from .members import MembersError
from .parquet_members import read_parquet
from .text_members import read_csv, read_ids, read_ndjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .members import Faults

ListFormat = Literal["ids", "csv", "ndjson", "parquet"]
FORMATS: tuple[ListFormat, ...] = get_args(ListFormat)

STANDARD_INPUT = "-"
_BY_SUFFIX: dict[str, ListFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
}
_COMPRESSED = frozenset({".gz", ".zst", ".zstd"})
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FileMembers:
    """A list of members in a file; `-` is standard input. Text may be compressed with gzip or zstd.

    Without a format, the end of the name says which it is; without one that is known, it has one ID a line.
    """

    path: str
    columns: Columns = NO_COLUMNS
    format: ListFormat | None = None

    @property
    def name(self) -> str:
        """The name for people."""
        return "standard input" if self.path == STANDARD_INPUT else self.path

    def lines(self, faults: Faults) -> Iterator[list[bytes]]:
        """Yield members. Raises MembersError, also if the file changes while it is read."""
        try:
            if self.path == STANDARD_INPUT:
                if sys.stdin is None:
                    raise MembersError("standard input is closed")
                yield from self._read(sys.stdin.buffer, faults)
                return
            with Path(self.path).open("rb") as file:
                before = os.fstat(file.fileno())
                yield from self._read(file, faults)
                after = os.fstat(file.fileno())
        except OSError as error:
            hint = near_file(self.path) if isinstance(error, FileNotFoundError) else ""
            raise MembersError(f"{self.name} cannot be read: {error.strerror or error}{hint}") from None
        except ValueError as error:
            raise MembersError(f"{self.name} is not a path: {error}") from None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise MembersError(f"{self.name} was changed while it was read; run again when it is complete")

    def _read(self, file: IO[bytes], faults: Faults) -> Iterator[list[bytes]]:
        kind = self.format or self._kind()
        if kind == "parquet":
            if self.path == STANDARD_INPUT or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise MembersError("Parquet is read from its end, so it cannot come by a stream; name a file")
            return read_parquet(file, self.name, self.columns, faults)
        pieces = _pieces(file, self.name)
        if kind == "ids":
            if self.columns != NO_COLUMNS:
                raise MembersError(
                    f"{self.name} is read as one ID a line, which has no columns; say what it is with --format"
                )
            return read_ids(pieces, self.name, faults)
        return (read_csv if kind == "csv" else read_ndjson)(pieces, self.name, self.columns, faults)

    def _kind(self) -> ListFormat:
        suffixes = [suffix.lower() for suffix in Path(self.path).suffixes]
        if suffixes and suffixes[-1] in _COMPRESSED:
            suffixes.pop()
        return _BY_SUFFIX.get(suffixes[-1] if suffixes else "", "ids")


def _pieces(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield the content of a stream, decompressed. Raises MembersError if it is not text, or damaged."""
    is_first = True
    try:
        for block in read_blocks(file):
            if block.damage is not None:
                raise MembersError(f"{name} is damaged or cut off, so it was not used: {block.damage}")
            if block.data:
                yield block.data.removeprefix(_BOM) if is_first else block.data
                is_first = False
    except ForeignFormatError as error:
        found = str(error).partition(",")[0]
        advice = "; read it with --format parquet" if "Parquet" in found else ""
        raise MembersError(f"{name} {found}, not text{advice}") from None
