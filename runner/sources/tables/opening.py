"""Finds out whether an input is a table, and reads it."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, cast

from ..blocks import identities, read_blocks, read_content, read_head
from ..formats import GZIP
from ..zstd import MAGIC
from .csv_rows import csv_rows
from .parquet_rows import parquet_rows
from .rows import row_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..blocks import Block
    from .columns import Columns

_PARQUET = b"PAR1"
_BUFFER_BYTES = 256 * 1024
_JSON_BEGINS = (b"{", b"[")
_BOM = b"\xef\xbb\xbf"


def stored_blocks(stream: IO[bytes], columns: Columns | None) -> Iterator[Block]:
    """Read a file from its beginning in blocks. With columns, it may be a table, whose rows become lines of JSON.

    Raises OSError and SourceError.
    """
    stream.seek(0)
    if columns is None:
        return read_blocks(stream, signed=True, refuse_tables=True)
    head = read_head(stream)
    stream.seek(0)
    identity = next(iter(identities(head)), "")
    if head.startswith(_PARQUET):
        return row_blocks(parquet_rows(_buffered(stream)), columns, identity)
    start = head.removeprefix(_BOM).lstrip()
    if not start or start.startswith(_JSON_BEGINS) or not _is_text(head):
        return read_blocks(stream, signed=True, refuse_tables=True)
    return row_blocks(csv_rows(read_content(stream), columns), columns, identity)


def _buffered(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that gives as many bytes as are asked for."""
    if isinstance(stream, io.RawIOBase):
        return cast("IO[bytes]", io.BufferedReader(stream, _BUFFER_BYTES))
    return stream


def _is_text(head: bytes) -> bool:
    """Return whether some bytes may be text; if not, their format is named when they are refused."""
    return b"\0" not in head and not head.startswith((GZIP, MAGIC))
