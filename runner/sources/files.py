"""A file as a source: NDJSON, JSON arrays or indented objects, plain or gzipped."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import msgspec

from .blocks import read_blocks
from .contract import Chunk, Resumed, SourceError
from .event_splitting import Splitter, Texts
from .reading import BlockReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .blocks import Block

FULL_EVENTS = 500
"""Chunks hold a multiple of so many events, so that requests are full: common limits of batches divide it."""

_MOST_HELD_BYTES = 8 * 1024 * 1024
_Match = Literal["same", "longer", "other"]


class FileCheckpoint(msgspec.Struct, frozen=True):
    """How far a file was accepted: everything that begins before `line`.

    The file is recognised by `digest`, the SHA-256 (hexadecimal) of its first `size` bytes (decompressed), which had
    been read by then. `is_end`: that was all of it.
    """

    line: int
    size: int
    digest: str
    is_end: bool = False


_to_json = msgspec.json.Encoder().encode
_read_checkpoint = msgspec.json.Decoder(FileCheckpoint).decode


class FileSource:
    """The events of one file.

    Its checkpoint is known by `scope` and its absolute path. `scope` says what the events are for: with other settings
    or mappings the file is read from its beginning.
    """

    def __init__(self, path: str, *, scope: str = "") -> None:
        self.name = path
        self.resumed: Resumed | None = None
        self._path = Path(path)
        self._is_regular = self._path.is_file()
        self.key = f"{scope} {self._path.absolute()}" if self._is_regular else None
        self._reader: BlockReader | None = None
        self._first_line = 1
        self._is_stopped = False

    async def chunks(self, after: bytes | None) -> AsyncIterator[Chunk]:
        """Yield what follows a checkpoint; nothing if the file has not changed since it was read to its end."""
        try:
            async for texts in self._texts(after):
                yield self._chunk(texts)
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read: {error.strerror or error}") from None

    def stop(self) -> None:
        """Read nothing more; what was read already is still yielded."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()

    def _blocks(self, after: bytes | None) -> Iterator[Block]:
        """Read the file, if there is anything new in it. This runs in a thread."""
        with self._path.open("rb") as stream:
            # Compared and read through one open file: another one may take its name meanwhile.
            if after is not None and not self._has_news(stream, _read_checkpoint(after)):
                return
            yield from read_blocks(stream, signed=self._is_regular)

    def _has_news(self, stream: BinaryIO, checkpoint: FileCheckpoint) -> bool:
        """Return whether there is anything to read, and note where that begins."""
        match = _compare(stream, checkpoint)
        if match == "same" and checkpoint.is_end:
            self.resumed = Resumed(None)
            return False
        if match != "other":
            self._first_line = checkpoint.line
            self.resumed = Resumed(checkpoint.line)
        stream.seek(0)
        return True

    async def _texts(self, after: bytes | None) -> AsyncIterator[Texts]:
        """Yield the texts of each block; of a regular file in multiples of FULL_EVENTS, and the rest at its end."""
        splitter, held, sent = Splitter(), Texts(), 0
        self._reader = BlockReader(self.name, lambda: self._blocks(after))
        if self._is_stopped:
            self._reader.stop()
        async for block in self._reader.blocks():
            texts = splitter.feed(block)
            if not self._is_regular:
                yield texts
                continue
            held.add_all(texts)
            held.next_line, held.block = texts.next_line, texts.block
            if block.is_last:
                yield held
                return
            count = held.complete(FULL_EVENTS)
            is_too_much = block.size - sent > _MOST_HELD_BYTES
            if not count and (held.unreadable or is_too_much):
                count = held.complete()
            if not count and is_too_much:
                # All of it is on one line. Memory is bounded, even if the next run reads some of it twice.
                count = len(held.lines)
            if count or held.unreadable:
                ready, held = held.divide(count)
                sent = block.size if count else sent
                yield ready
        # Reading was stopped, and the next run goes on where a line begins.
        ready, _ = held.divide(held.complete())
        if ready.lines or ready.unreadable:
            yield ready

    def _chunk(self, texts: Texts) -> Chunk:
        block, first_line = texts.block, self._first_line
        kept = texts if first_line == 1 else texts.from_line(first_line)
        chunk = Chunk(self.name, self.key, texts=kept.texts, places=kept.lines, unreadable=kept.unreadable)
        if block is None:
            return chunk
        chunk.is_end, chunk.is_damaged = block.is_last, block.damage is not None
        # Nothing is noted until the file is read further than it was before.
        if self._is_regular and (first_line == 1 or texts.next_line >= first_line):
            chunk.checkpoint = _to_json(
                FileCheckpoint(texts.next_line, block.size, block.digest.hex(), is_end=block.is_last)
            )
        chunk.reread = first_line > 1 and kept.lines[:1] == [first_line]
        return chunk


def _compare(stream: BinaryIO, checkpoint: FileCheckpoint) -> _Match:
    """Return whether a file begins with the bytes that were read before, and whether it holds more."""
    digest, signature, left = bytes.fromhex(checkpoint.digest), hashlib.sha256(), checkpoint.size
    for block in read_blocks(stream):
        data = block.data
        if not left and data:
            return "longer"
        signature.update(data[:left])
        if len(data) > left:
            return "longer" if signature.digest() == digest else "other"
        left -= len(data)
        if not left and signature.digest() != digest:
            return "other"
    return "same" if not left else "other"
