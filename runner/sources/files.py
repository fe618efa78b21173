"""Where events come from: NDJSON or a JSON array, plain or gzipped, a file or standard input, read as a stream."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import orjson

from .event_splitting import MAX_EVENT_BYTES, ArrayScanner, Chunk, IndentedScanner, LineScanner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .event_splitting import Scanner

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard input"

Match = Literal["same", "longer", "other"]
"""How a source compares with what was read of it before."""

_BLOCK = 2 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Source:
    """One input: a path, or `-` for standard input."""

    path: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return STANDARD_INPUT_NAME if self.is_standard_input else self.path

    @property
    def is_standard_input(self) -> bool:
        """Whether what is taken from here cannot be read again."""
        return self.path == STANDARD_INPUT

    @property
    def is_stream(self) -> bool:
        """Whether it may fall silent for a while: standard input, or a pipe."""
        return self.is_standard_input or not Path(self.path).is_file()

    def chunks(self) -> Iterator[Chunk]:
        """Read the texts of the events. Raises OSError when the input cannot be opened or read."""
        cutter = Cutter()
        for block in self.blocks():
            yield from cutter.feed(block)

    def blocks(self, *, signed: bool = False) -> Iterator[Block]:
        """Read the bytes, `signed` with digests, as a Cutter takes them.

        Raises OSError when the input cannot be opened or read.
        """
        with _standard_input() if self.is_standard_input else Path(self.path).open("rb") as stream:
            yield from read_blocks(stream, signed=signed)

    def compare(self, count: int, digest: bytes) -> Match:
        """Tell whether the first so many bytes, decompressed, are those that a digest names. Raises OSError."""
        name, left = hashlib.sha256(), count
        with Path(self.path).open("rb") as stream:
            for block in read_blocks(stream):
                data = block.data
                if not left and data:
                    return "longer"
                name.update(data[:left])
                if len(data) > left:
                    return "longer" if name.digest() == digest else "other"
                left -= len(data)
                if not left and name.digest() != digest:
                    return "other"
        return "same" if not left else "other"


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of a stream, decompressed, and how far it was read with them: its size, the digest that names it.

    The last one holds no bytes; `damage` says why nothing more can be read of a stream that has not come to its end,
    `line` on which line that is.
    """

    data: bytes
    size: int
    digest: bytes = b""
    is_last: bool = False
    damage: str | None = None
    line: int = 1


def read_blocks(stream: IO[bytes], *, signed: bool = False) -> Iterator[Block]:
    """Read a stream in blocks of bounded size, and decompress it when it is gzip."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("Any", stream))
    zipped = buffered.peek(2)[:2] == _GZIP_MAGIC
    reader = gzip.GzipFile(fileobj=buffered) if zipped else buffered
    name = hashlib.sha256() if signed else None
    size, line, damage = 0, 1, None
    while True:
        try:
            data = reader.read1(_BLOCK)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            damage = f"the gzip data is damaged from here on, and what follows cannot be read ({error})"
            break
        if not data:
            break
        line += data.count(b"\n") if zipped else 0
        size += len(data)
        if name is not None:
            name.update(data)
        yield Block(data, size, b"" if name is None else name.digest())
    yield Block(b"", size, b"" if name is None else name.digest(), is_last=True, damage=damage, line=line)


class Cutter:
    """Cuts the blocks of a stream into the texts of events, in chunks.

    Damage ends as little as it can: a bad text is reported and the next one read. Damaged gzip data, and a JSON array
    that is cut off, end the stream with a report.
    """

    def __init__(self) -> None:
        self._scanner: Scanner | None = None
        self._head = b""

    def feed(self, block: Block) -> Iterator[Chunk]:
        """Take the next block; give what is complete by now, with the last block all that is left."""
        data = block.data
        if self._scanner is None:
            data = self._head = self._head + data if self._head else data.removeprefix(_BOM)
            self._scanner = _choose(data, at_end=block.is_last)
            if self._scanner is None:
                if not block.is_last and len(data) < MAX_EVENT_BYTES:
                    return
                self._scanner = LineScanner()
        if data:
            self._head = b""
            chunk = self._scanner.feed(data)
            yield _signed(chunk, block, self._scanner.line)
        if block.is_last:
            # The file may grow: what is at its end without a line feed may be half of an event, and is read again then.
            next_line = self._scanner.line
            yield _signed(_with_damage(self._scanner.end(), block), block, next_line)


def _signed(chunk: Chunk, block: Block, next_line: int) -> Chunk:
    """Write into a chunk how far the stream was read for it."""
    chunk.next_line, chunk.size, chunk.digest = next_line, block.size, block.digest
    return chunk


def _with_damage(last: Chunk, block: Block) -> Chunk:
    """Report how a damaged stream ended, on its last line."""
    if block.damage is not None:
        line = max([block.line, *last.lines, *(text.line for text in last.unreadable)])
        last.refuse(line, b"", block.damage)
        last.damage = block.damage
    return last


def _standard_input() -> IO[bytes]:
    """Open a reader of our own: the interpreter, when it ends, must not wait for a thread that reads `sys.stdin`."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, ValueError):
        return sys.stdin.buffer


def _choose(head: bytes, *, at_end: bool) -> Scanner | None:
    """Tell an array from lines by how the stream begins; None when more of it must be seen.

    A first line that is a whole array is a bad line when something follows it, and the input when nothing does.
    """
    start = head.lstrip()
    if not start:
        return None
    line, newline, rest = start.partition(b"\n")
    whole_line = bool(newline) or at_end
    if not start.startswith(b"["):
        return _choose_for_objects(line.strip(), whole_line=whole_line)
    if not whole_line and len(head) < MAX_EVENT_BYTES:
        return None
    if not newline or not _is_json(line):
        return ArrayScanner()
    if rest.strip():
        return LineScanner()
    return ArrayScanner() if at_end else None


def _choose_for_objects(line: bytes, *, whole_line: bool) -> Scanner | None:
    if line != b"{":
        return LineScanner()
    return IndentedScanner() if whole_line else None


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
