"""The bytes of an input, decompressed, in blocks of bounded size."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from .contract import SourceError
from .formats import GZIP, HEAD_BYTES, foreign_format, table_format
from .zstd import MAGIC, ZstdDamageError, read_zstd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .contract import Unreadable
    from .formats import Format

_BLOCK_BYTES = 2 * 1024 * 1024
_ENOUGH_TO_TELL = 8
_GZIP_TRAILER_BYTES = 8
_IDENTITY_BYTES = tuple(4**power for power in range(8, 1, -1))
"""Content is recognised by as many of its first bytes: 64 KiB of a long file, 16 bytes of the shortest."""

_BOM = b"\xef\xbb\xbf"


class ForeignFormatError(SourceError):
    """An input is in a format that is not JSON text. The message names the format."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of an input, and how much of it was read with them: `size` bytes, whose SHA-256 is `digest`.

    `identity` identifies content that begins like this. The last block has no data. `damage` says why nothing more can
    be read of an input that is cut off or damaged, and `line` on which line that is. `faults` are rows of a table that
    are not events; their lines in the data are empty.
    """

    data: bytes
    size: int
    digest: bytes = b""
    identity: str = ""
    is_last: bool = False
    damage: str | None = None
    line: int = 1
    faults: tuple[Unreadable, ...] = ()


def read_blocks(stream: IO[bytes], *, signed: bool = False, refuse_tables: bool = False) -> Iterator[Block]:
    """Read a stream in blocks and decompress it if it is gzip or zstd. Only a `signed` one has digests.

    Raises OSError, and ForeignFormatError before the first block. A table is refused or read as lines.
    """
    signature = hashlib.sha256() if signed else None
    head, digest = b"", b""
    size, line, damage = 0, 1, None
    identity = ""
    pieces, zipped = _decompressed(stream)
    try:
        for data in _from_start(pieces, refuse_tables=refuse_tables):
            line += data.count(b"\n") if zipped else 0
            size += len(data)
            if signature is not None:
                signature.update(data)
                digest = signature.digest()
                if len(head) < HEAD_BYTES:
                    head += data[: HEAD_BYTES - len(head)]
                    identity = next(iter(identities(head)), "")
            yield Block(data, size, digest, identity)
    except (gzip.BadGzipFile, EOFError, zlib.error, ZstdDamageError) as error:
        damage = f"the {zipped} data is damaged from here on, and what follows cannot be read ({error})"
    digest = b"" if signature is None else signature.digest()
    yield Block(b"", size, digest, identity, is_last=True, damage=damage, line=line)


def identities(head: bytes) -> list[str]:
    """Return what identifies content by its beginning, the longest first: it may have been shorter before."""
    return [hashlib.sha256(head[:size]).hexdigest() for size in _IDENTITY_BYTES if size <= len(head)]


def read_content(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a stream in pieces, decompressed. Raises OSError, and SourceError if it is damaged."""
    pieces, zipped = _decompressed(stream)
    try:
        yield from pieces
    except (gzip.BadGzipFile, EOFError, zlib.error, ZstdDamageError) as error:
        raise SourceError(f"cannot be read to its end: the {zipped} data is damaged ({error})") from None


def read_head(stream: IO[bytes]) -> bytes:
    """Return the first bytes of the content, as far as it can be read."""
    head = b""
    try:
        for piece in _decompressed(stream)[0]:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
    except (EOFError, zlib.error, ZstdDamageError, gzip.BadGzipFile):
        pass
    return head[:HEAD_BYTES]


def _decompressed(stream: IO[bytes]) -> tuple[Iterator[bytes], str]:
    """Return the content of a stream in pieces, and how it was compressed, if it was."""
    head = _first_bytes(stream)
    joined = io.BufferedReader(cast("Any", _Joined(head, stream)))
    if head.startswith(GZIP):
        return _pieces(gzip.GzipFile(fileobj=cast("Any", _Prompt(joined)))), "gzip"
    if head.startswith(MAGIC):
        return read_zstd(joined), "zstd"
    return _pieces(joined), ""


def _pieces(stream: io.BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
    while data := stream.read1(_BLOCK_BYTES):
        yield data


def _from_start(pieces: Iterator[bytes], *, refuse_tables: bool) -> Iterator[bytes]:
    """Yield the pieces of the content, once it is known that they may be JSON text."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _ENOUGH_TO_TELL or head.endswith(b"\n"):
            break
    _require_text(head, refuse_tables=refuse_tables)
    if head:
        yield head
    yield from pieces


def _require_text(head: bytes, *, refuse_tables: bool) -> None:
    start = head[:HEAD_BYTES].removeprefix(_BOM)
    found: Format | None = foreign_format(start)
    if found is None and refuse_tables:
        found = table_format(start)
    if found is not None:
        raise ForeignFormatError(f"is {found.name}, not JSON text; {found.advice}. None of it was accepted")


def _first_bytes(stream: IO[bytes]) -> bytes:
    """Return enough of the beginning to recognise a compressed stream. A pipe may give a byte at a time."""
    head = b""
    read = getattr(stream, "read1", stream.read)
    while len(head) < _ENOUGH_TO_TELL and not head.endswith(b"\n"):
        data = read(HEAD_BYTES)
        if not data:
            break
        head += data
    return head


class _Prompt:
    """A stream for gzip that gives what has come: a slow writer may take long to fill what gzip asks for."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Read up to so many bytes; headers and trailers are read whole."""
        return self._stream.read1(size) if size > _GZIP_TRAILER_BYTES else self._stream.read(size)


class _Joined(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        """Return true: that is all it is for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what comes next."""
        if self._head:
            count = min(len(buffer), len(self._head))
            buffer[:count], self._head = self._head[:count], self._head[count:]
            return count
        read = getattr(self._stream, "readinto1", None) or self._stream.readinto  # type: ignore[attr-defined]
        return int(read(buffer) or 0)
