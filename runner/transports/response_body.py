"""The body of an answer as it comes in: decoded, and never more of it than is wanted, however small it was packed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
"""The content encodings (RFC 9110) that are read. None is asked for, but there are servers that pack unasked."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class AnswerBody:
    """At most `most` bytes of a body in one of the ENCODINGS, or in none (""). Raises ValueError for any other."""

    def __init__(self, encoding: str, most: int) -> None:
        plain = encoding.strip().lower()
        if plain not in {*ENCODINGS, "", "identity"}:
            raise ValueError("unknown encoding")
        self._unpacking = zlib.decompressobj(_GZIP_OR_ZLIB) if plain in ENCODINGS else None
        self._most = most
        self._read = bytearray()

    def add(self, block: bytes) -> None:
        """Take what has come in. Raises ValueError when it is not in the encoding."""
        room = self._most - len(self._read)
        if self._unpacking is not None and room > 0:
            try:
                block = self._unpacking.decompress(block, room)
            except zlib.error:
                raise ValueError("broken encoding") from None
        self._read += block[:room]

    @property
    def is_full(self) -> bool:
        """Whether no more is wanted."""
        return len(self._read) >= self._most

    @property
    def content(self) -> bytes:
        """What has been read so far."""
        return bytes(self._read)


class ReadResponse(httpx.Response):
    """A response whose content is here as a whole, and decoded.

    httpx would look for a decoder, and cut the content into chunks, which takes most of the time of a response.
    """

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the content: as it is when it is read for the first time, in chunks later."""
        if self.is_closed or not isinstance(self.stream, httpx.SyncByteStream):
            yield from super().iter_bytes(chunk_size)
            return
        self.is_stream_consumed = True
        yield from self.stream
        self.close()
