"""A regular file as a source: NDJSON, JSON arrays or indented objects, plain, gzip or zstd."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import msgspec

from ...definitions import UnreadableError, read_event
from .blocks import identities, read_blocks, read_head
from .chunks import chunk_of
from .contract import Resumed, SourceError
from .event_splitting import Texts
from .reading import BlockReader
from .splitter import Splitter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from os import PathLike

    from .blocks import Block
    from .contract import Chunk, FindCheckpoint, FoundCheckpoint

FULL_EVENTS = 500
"""Chunks hold a multiple of so many events, so that requests are full: common limits of batches divide it."""

_MOST_EVENTS = 4 * FULL_EVENTS
"""Chunks hold no more than so many events, where lines are short."""

_MOST_HELD_BYTES = 8 * 1024 * 1024
_LINES_WITHOUT_EVENTS = 100
"""A file is given up when so many lines at its beginning hold no event: it is hardly a file of events."""

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


def shown_path(path: str | PathLike[str]) -> str:
    """Return a path as text that can be shown and stored, also if the name of the file is no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class FileSource:
    """The events of one file.

    Its checkpoint is known by `scope` and its absolute path, and also by `scope` and how its content begins: a log that
    was rotated has another name and the same content. `scope` says what the events are for: with other settings or
    mappings the file is read from its beginning.
    """

    def __init__(self, path: str, *, scope: str = "") -> None:
        self._path = Path(path)
        self.name = shown_path(path)
        self.key = f"{scope} {shown_path(self._path.absolute())}"
        self.resumed: Resumed | None = None
        self._scope = scope
        self._reader: BlockReader | None = None
        self._real_path = _shown_path(path)
        self._first_line = 1
        self._accepted: FileCheckpoint | None = None
        self._last_line = 0
        self._on_last_line = 0
        self._is_stopped = False
        self._judged_lines = 0

    async def chunks(self, find: FindCheckpoint | None) -> AsyncIterator[Chunk]:
        """Yield what follows a checkpoint; nothing if the file has not changed since it was read to its end."""
        async for texts in self._texts(find):
            for part in _parts(texts):
                yield self._chunk(part)

    def stop(self) -> None:
        """Read nothing more; what was read already is still yielded."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()

    def _blocks(self, find: FindCheckpoint | None, loop: asyncio.AbstractEventLoop) -> Iterator[Block]:
        """Read the file, if there is anything new in it. This runs in a thread."""
        with self._path.open("rb") as stream:
            # Compared and read through one open file: another one may take its name meanwhile.
            if find is not None and not self._has_news(stream, find, loop):
                return
            stream.seek(0)
            blocks = read_blocks(stream, signed=True, refuse_tables=True)
            yield from blocks if self._accepted is None else _verified(blocks, self._accepted)

    def _has_news(self, stream: BinaryIO, find: FindCheckpoint, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether there is anything to read, and note where that begins."""
        # All at once: to ask another thread takes longer than the answer.
        asking = asyncio.run_coroutine_threadsafe(_find_all(find, list(self._keys(stream))), loop)
        for found in asking.result():
            if found is None:
                continue
            checkpoint = _read_checkpoint(found.state)
            stream.seek(0)
            match = _compare(stream, checkpoint)
            if match == "same" and checkpoint.is_end:
                self.resumed = Resumed(None, found.name)
                return False
            if match != "other":
                self._first_line = checkpoint.line
                self._accepted = checkpoint
                self.resumed = Resumed(checkpoint.line, found.name)
                return True
        return True

    def _keys(self, stream: BinaryIO) -> Iterator[str]:
        """Yield by what a checkpoint may be known: first the name, since several files may begin alike."""
        yield self.key
        stream.seek(0)
        for identity in identities(read_head(stream)):
            yield self._content_key(identity)

    def _content_key(self, identity: str) -> str:
        return f"{self._scope} content {identity}"

    async def _texts(self, find: FindCheckpoint | None) -> AsyncIterator[Texts]:
        """Yield the texts of each block in multiples of FULL_EVENTS, and the rest at the end."""
        splitter, held, sent, loop = Splitter(), Texts(), 0, asyncio.get_running_loop()
        self._reader = BlockReader(self.name, lambda: self._blocks(find, loop))
        if self._is_stopped:
            self._reader.stop()
        holds_events = False
        async for block in self._reader.blocks():
            texts = splitter.feed(block)
            held.add_all(texts)
            held.next_line, held.block = texts.next_line, texts.block
            holds_events = holds_events or self._first_line > 1 or self._has_event(texts)
            if self._accepted is not None and block.size < self._accepted.size:
                # Nothing is new yet, and nobody knows yet that the file still begins as it did.
                held = held.from_line(self._first_line)
                continue
            if block.is_last:
                yield held
                return
            if not holds_events and block.size - sent <= _MOST_HELD_BYTES:
                continue
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

    def _has_event(self, texts: Texts) -> bool:
        """Return whether some text is an event. Raises SourceError if none of the first hundred is."""
        first = texts.unreadable[0].message if texts.unreadable else ""
        self._judged_lines += len(texts.unreadable)
        for text in texts.texts[:_LINES_WITHOUT_EVENTS]:
            try:
                read_event(text)
            except UnreadableError as error:
                first = first or error.message
            else:
                return True
            self._judged_lines += 1
        if self._judged_lines >= _LINES_WITHOUT_EVENTS:
            problem = f"none of its first {_LINES_WITHOUT_EVENTS} lines is an event (the first: {first})"
            raise SourceError(f"{self.name} holds no events: {problem}. Nothing of it was accepted")
        return False

    def _count_lines(self, chunk: Chunk) -> None:
        """Note how many texts of its first line came before, and of its last line until now."""
        places = [*chunk.places, *(text.place for text in chunk.unreadable)]
        if not places:
            return
        if min(places) == self._last_line:
            chunk.continues = self._on_last_line
        last = max(places)
        self._on_last_line = places.count(last) + (self._on_last_line if last == self._last_line else 0)
        self._last_line = last

    def _chunk(self, texts: Texts) -> Chunk:
        block, first_line = texts.block, self._first_line
        kept = texts if first_line == 1 else texts.from_line(first_line)
        chunk = chunk_of(kept, self.name, self.key)
        chunk.path = self._real_path
        self._count_lines(chunk)
        if block is None:
            return chunk
        # Nothing is noted until the file is read further than it was before.
        if first_line == 1 or texts.next_line >= first_line:
            chunk.checkpoint = _to_json(
                FileCheckpoint(texts.next_line, block.size, block.digest.hex(), is_end=block.is_last)
            )
            chunk.other_keys = (self._content_key(block.identity),) if block.identity else ()
        chunk.reread = self.resumed is not None and kept.lines[:1] == [first_line] and bool(chunk.texts)
        return chunk


def _parts(texts: Texts) -> Iterator[Texts]:
    """Yield texts in parts that are accepted one by one: a rejected event takes some kilobytes until it is."""
    while len(texts.lines) > _MOST_EVENTS:
        count = _MOST_EVENTS
        while count and texts.lines[count] == texts.lines[count - 1]:
            count -= 1
        if not count:
            break
        part, texts = texts.divide(count)
        if part.block is not None and part.block.is_last:
            part.block = replace(part.block, is_last=False, damage=None)
        yield part
    yield texts


def _verified(blocks: Iterator[Block], accepted: FileCheckpoint) -> Iterator[Block]:
    """Yield blocks that begin with what was accepted. Raises SourceError if they do not.

    They did when they were compared, but a log can be cut and written anew at any moment.
    """
    signature, left = hashlib.sha256(), accepted.size
    for block in blocks:
        signature.update(block.data[:left])
        left = max(0, left - len(block.data))
        if (left and block.is_last) or (not left and signature.hexdigest() != accepted.digest):
            raise SourceError("was replaced while it was read; run the same command again")
        yield block
        if not left:
            break
    yield from blocks


async def _find_all(find: FindCheckpoint, keys: Sequence[str]) -> list[FoundCheckpoint | None]:
    return await asyncio.gather(*map(find, keys))


def _shown_path(path: str) -> str:
    """Return the absolute path without links, as text that any store takes: a name may hold any bytes."""
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace")


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
