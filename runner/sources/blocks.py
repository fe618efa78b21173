"""The bytes of an input, decompressed, in blocks of bounded size."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK_BYTES = 2 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of an input, and how much of it was read with them: `size` bytes, of which `digest` is the SHA-256.

    The last block has no data. `damage` says why nothing more can be read of an input that is cut off or damaged, and
    `line` on which line that is.
    """

    data: bytes
    size: int
    digest: bytes = b""
    is_last: bool = False
    damage: str | None = None
    line: int = 1


def read_blocks(stream: IO[bytes], *, signed: bool = False) -> Iterator[Block]:
    """Read a stream in blocks and decompress it if it is gzip. Only a `signed` one has digests. Raises OSError."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("Any", stream))
    zipped = buffered.peek(2)[:2] == _GZIP_MAGIC
    reader = gzip.GzipFile(fileobj=buffered) if zipped else buffered
    signature = hashlib.sha256() if signed else None
    size, line, damage = 0, 1, None
    while True:
        try:
            data = reader.read1(_BLOCK_BYTES)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            damage = f"the gzip data is damaged from here on, and what follows cannot be read ({error})"
            break
        if not data:
            break
        line += data.count(b"\n") if zipped else 0
        size += len(data)
        if signature is not None:
            signature.update(data)
        yield Block(data, size, b"" if signature is None else signature.digest())
    yield Block(b"", size, b"" if signature is None else signature.digest(), is_last=True, damage=damage, line=line)
