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

from .scanners import MAX_EVENT_BYTES, ArrayScanner, IndentedScanner, LineScanner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scanners import Chunk, Scanner

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

    def chunks(self, from_line: int = 1, *, signed: bool = False) -> Iterator[Chunk]:
        """Read the texts of the events, from a line on; `signed` asks for digests of what has been read.

        Raises OSError when the input cannot be opened or read.
        """
        with _standard_input() if self.is_standard_input else Path(self.path).open("rb") as stream:
            for chunk in read_events(stream, signed=signed):
                yield chunk if from_line == 1 else chunk.from_line(from_line)

    def compare(self, count: int, digest: bytes) -> Match:
        """Tell whether the first so many bytes, decompressed, are those that a digest names. Raises OSError."""
        name, left = hashlib.sha256(), count
        with Path(self.path).open("rb") as stream:
            for block in _Blocks(stream):
                if not left:
                    return "longer"
                name.update(block[:left])
                if len(block) > left:
                    return "longer" if name.digest() == digest else "other"
                left -= len(block)
                if not left and name.digest() != digest:
                    return "other"
        return "same" if not left else "other"


def read_events(stream: IO[bytes], *, signed: bool = False) -> Iterator[Chunk]:
    """Cut a stream into the texts of events, in chunks of bounded size.

    Damage ends as little as it can: a bad text is reported and the next one read. Damaged gzip data, and a JSON array
    that is cut off, end the stream with a report.
    """
    blocks = _Blocks(stream, signed=signed)
    scanner: Scanner | None = None
    head = b""
    for block in blocks:
        if scanner is None:
            head = head + block if head else block.removeprefix(_BOM)
            scanner = _choose(head, at_end=False)
            if scanner is not None:
                yield blocks.signed(scanner.feed(head), scanner.line)
            continue
        yield blocks.signed(scanner.feed(block), scanner.line)
    if scanner is None:
        scanner = _choose(head, at_end=True) or LineScanner()
        yield blocks.signed(scanner.feed(head), scanner.line)
    # The file may grow: what is at its end without a line feed may be half of an event, and is read again then.
    next_line = scanner.line
    last = scanner.end()
    if blocks.damage is not None:
        last.refuse(blocks.line_of_damage(last), b"", blocks.damage)
        last.damage = blocks.damage
    yield blocks.signed(last, next_line)


def _standard_input() -> IO[bytes]:
    """Open a reader of our own: the interpreter, when it ends, must not wait for a thread that reads `sys.stdin`."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, ValueError):
        return sys.stdin.buffer


class _Blocks:
    """The bytes of a stream, decompressed when they are gzip; `damage` says how a damaged stream ended."""

    def __init__(self, stream: IO[bytes], *, signed: bool = False) -> None:
        self._stream = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("Any", stream))
        self._lines = 1
        self._hash = hashlib.sha256() if signed else None
        self.size = 0
        self.damage: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        zipped = self._stream.peek(2)[:2] == _GZIP_MAGIC
        reader = gzip.GzipFile(fileobj=self._stream) if zipped else self._stream
        while True:
            try:
                block = reader.read1(_BLOCK)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                self.damage = f"the gzip data is damaged from here on, and what follows cannot be read ({error})"
                return
            if not block:
                return
            if zipped:
                self._lines += block.count(b"\n")
            if self._hash is not None:
                self._hash.update(block)
            self.size += len(block)
            yield block

    def signed(self, chunk: Chunk, next_line: int) -> Chunk:
        """Write into a chunk how far the stream was read for it."""
        chunk.next_line, chunk.size = next_line, self.size
        chunk.digest = b"" if self._hash is None else self._hash.digest()
        return chunk

    def line_of_damage(self, last: Chunk) -> int:
        return max([self._lines, *last.lines, *(text.line for text in last.unreadable)])


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
