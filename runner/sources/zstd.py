"""Reading zstd, a block at a time, so memory is bounded and a frame that is cut off is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_RLE_BLOCK = 1


class ZstdDamageError(Exception):
    """The data is damaged or cut off."""


def read_zstd(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of the frames of a stream. Raises ZstdDamageError, and OSError.

    The library says nothing of a frame that is cut off, and gives whatever a piece of input holds at once: a few bytes
    may hold gigabytes. A block holds 128 KiB at most. See RFC 8878, section 3.1.
    """
    decompressor = zstandard.ZstdDecompressor()
    while magic := stream.read(4):
        if int.from_bytes(magic, "little") in _SKIPPABLE:
            _exactly(stream, int.from_bytes(_exactly(stream, 4), "little"))
        elif magic == MAGIC:
            try:
                yield from _frame(stream, decompressor.decompressobj())
            except zstandard.ZstdError as error:
                raise ZstdDamageError(str(error)) from None
        else:
            raise ZstdDamageError("no zstd frame begins here")


def _frame(stream: IO[bytes], frame: zstandard.ZstdDecompressionObj) -> Iterator[bytes]:
    descriptor = _exactly(stream, 1)
    flags = descriptor[0]
    is_single_segment, has_checksum = bool(flags & 0x20), bool(flags & 0x04)
    content_size = (1 if is_single_segment else 0, 2, 4, 8)[flags >> 6]
    dictionary = (0, 1, 2, 4)[flags & 0x03]
    frame.decompress(MAGIC + descriptor + _exactly(stream, (not is_single_segment) + dictionary + content_size))
    is_last = False
    while not is_last:
        header = _exactly(stream, 3)
        values = int.from_bytes(header, "little")
        is_last, kind, size = bool(values & 1), values >> 1 & 0x03, values >> 3
        content = frame.decompress(header + _exactly(stream, 1 if kind == _RLE_BLOCK else size))
        if is_last and has_checksum:
            content += frame.decompress(_exactly(stream, 4))
        if content:
            yield content


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise ZstdDamageError("the data ends inside a frame")
    return data
