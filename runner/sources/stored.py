"""Reading what is stored, a file or an object, from where an earlier run left it.

NDJSON, JSON arrays or indented objects, plain, gzip or zstd.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from abc import abstractmethod
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from ...definitions import UnreadableError, read_event
from .chunks import chunk_of
from .contract import ReplacedError, SourceError
from .event_splitting import Texts
from .reading import BlockReader
from .splitter import Splitter
from .tables.opening import stored_blocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import IO

    from .blocks import Block
    from .contract import Chunk, FindCheckpoints, FoundCheckpoint, Resumed
    from .tables.columns import Columns

FULL_EVENTS = 500
"""Chunks hold a multiple of so many events, so requests are full: common limits of batches divide it."""

_MOST_EVENTS = 4 * FULL_EVENTS
"""Chunks hold no more than so many events, where lines are short."""

_MOST_HELD_BYTES = 8 * 1024 * 1024
_LINES_WITHOUT_EVENTS = 100
"""A file is refused if so many lines at its beginning hold no event: it is hardly a file of events."""


class StoredCheckpoint(msgspec.Struct, frozen=True):
    """How far a file was accepted: what begins before `line`, and the first `texts` and `faults` that begin on it.

    `faults` are texts that are not events, as far as one knows without a look into them. The file is recognised by
    `digest`, the SHA-256 (hexadecimal) of its first `size` bytes (decompressed), which had been read by then. `is_end`:
    that was all of it. `path`: where it was then. `generation`: see Chunk. `version`: what changes with the file, such
    as the ETag of an object; empty if nothing is known that surely does.
    """

    line: int
    size: int
    digest: str
    is_end: bool = False
    texts: int = 0
    faults: int = 0
    path: str = ""
    generation: str = ""
    version: str = ""


START = StoredCheckpoint(1, 0, "")
to_json = msgspec.json.Encoder().encode
read_checkpoint = msgspec.json.Decoder(StoredCheckpoint).decode


class StoredSource:
    """The events of something stored under a name: it can be read again, and continued where a run left it.

    `key` identifies its checkpoint, `path` says where it is. With `columns`, it may be a table. `bytes_read` is how far
    it was read, as it is stored.
    """

    def __init__(self, name: str, key: str, path: str, columns: Columns | None = None) -> None:
        self.name = name
        self.key = key
        self.resumed: Resumed | None = None
        self.bytes_read = 0
        self._stored_path = path
        self._columns = columns
        self._reader: BlockReader | None = None
        self._accepted = START
        self._generation = ""
        self._version = ""
        self._skipped = 0, 0
        self._given = 1, 0, 0
        self._last_line = 0
        self._on_last_line = 0
        self._is_stopped = False
        self._is_begun = False
        self._was_moved = False
        self._judged_lines = 0

    @abstractmethod
    def _open(self) -> AbstractContextManager[IO[bytes]]:
        """Open it, from its beginning. This runs in a thread."""

    @abstractmethod
    def _has_news(self, stream: IO[bytes], find: FindCheckpoints, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether there is anything to read, and note where that begins. This runs in a thread."""

    def _other_keys(self, block: Block) -> tuple[str, ...]:  # noqa: ARG002 - a file has some
        """Return by what else the checkpoint is known, once a block was read."""
        return ()

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield what follows a checkpoint; nothing if the file has not changed since it was read to its end."""
        try:
            async for texts in self._texts(find):
                for part in _parts(texts):
                    yield self._chunk(part)
        finally:
            # The reader knows this source. Of many small files, each such circle would wait for the garbage collector.
            self._reader = None

    def stop(self) -> None:
        """Read nothing more; what was read already is still yielded."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()

    def _blocks(self, find: FindCheckpoints | None, loop: asyncio.AbstractEventLoop) -> Iterator[Block]:
        """Read it, if there is anything new in it. This runs in a thread."""
        with self._open() as stream:
            # Compared and read through one open file: another one may take its name meanwhile.
            if find is not None and not self._has_news(stream, find, loop):
                self.bytes_read = stream.seek(0, os.SEEK_END)
                return
            blocks = stored_blocks(stream, self._columns)
            for block in blocks if self._accepted is START else _verified(blocks, self._accepted):
                self.bytes_read = stream.tell()
                yield block

    def _asked(
        self, find: FindCheckpoints, loop: asyncio.AbstractEventLoop, *keys: str
    ) -> Sequence[FoundCheckpoint | None]:
        """Return checkpoints by their keys, all at once: to ask another thread takes longer than the answer."""
        return asyncio.run_coroutine_threadsafe(_coroutine(find, keys), loop).result()

    def _take_up(self, checkpoint: StoredCheckpoint) -> None:
        """Continue where a checkpoint says."""
        self._accepted, self._generation = checkpoint, checkpoint.generation
        self._given = checkpoint.line, checkpoint.texts, checkpoint.faults
        self._last_line, self._on_last_line = checkpoint.line, checkpoint.texts + checkpoint.faults

    async def _texts(self, find: FindCheckpoints | None) -> AsyncIterator[Texts]:
        """Yield the texts of each block in multiples of FULL_EVENTS, and the rest at the end."""
        splitter, held, sent, loop = Splitter(), Texts(), 0, asyncio.get_running_loop()
        self._reader = BlockReader(self.name, lambda: self._blocks(find, loop))
        if self._is_stopped:
            self._reader.stop()
        holds_events = False
        async for block in self._reader.blocks():
            texts = splitter.feed(block)
            texts.unreadable += block.faults
            holds_events = holds_events or self._accepted.line > 1 or self._has_event(texts)
            held.add_all(self._new(texts))
            held.next_line, held.block = texts.next_line, texts.block
            if block.size < self._accepted.size:
                # Nothing is new yet, and nobody knows yet that the file still begins as it did.
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
                # All of it is on one line.
                count = len(held.lines)
            if count or held.unreadable:
                ready, held = held.divide(count)
                sent = block.size if count else sent
                yield ready
        # Reading was stopped, and the next run continues where a line begins.
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
            raise SourceError(f"{self.name} holds no events: {problem}. None of it was accepted")
        return False

    def _new(self, texts: Texts) -> Texts:
        """Return the texts that were not accepted before."""
        line, (skipped, skipped_faults) = self._accepted.line, self._skipped
        if line == 1 and not self._accepted.texts + self._accepted.faults:
            return texts
        on_line = texts.lines.count(line)
        first = bisect_left(texts.lines, line)
        first += min(on_line, self._accepted.texts - skipped)
        faults = [text for text in texts.unreadable if text.place >= line]
        old_faults = min(sum(text.place == line for text in faults), self._accepted.faults - skipped_faults)
        self._skipped = skipped + min(on_line, self._accepted.texts - skipped), skipped_faults + old_faults
        new = Texts(texts.texts[first:], texts.lines[first:], faults[old_faults:])
        new.loose, new.loose_unreadable = texts.loose, texts.loose_unreadable
        return new

    def _count_lines(self, chunk: Chunk) -> None:
        """Note how many texts of its first line came before, and of its last line until now."""
        if isinstance(chunk.places, range) and not chunk.unreadable:
            # Each is on a line of its own.
            if chunk.places:
                self._on_last_line, self._last_line = 1, chunk.places[-1]
            return
        places = [*chunk.places, *(text.place for text in chunk.unreadable)]
        if not places:
            return
        if min(places) == self._last_line:
            chunk.continues = self._on_last_line
        last = max(places)
        self._on_last_line = places.count(last) + (self._on_last_line if last == self._last_line else 0)
        self._last_line = last

    def _chunk(self, texts: Texts) -> Chunk:
        block = texts.block
        chunk = chunk_of(texts, self.name, self.key)
        chunk.path, chunk.generation = self._stored_path, self._generation
        self._count_lines(chunk)
        if block is None:
            return chunk
        line, (on_line, faults) = texts.next_line, texts.on_next_line()
        if line == self._given[0]:
            on_line, faults = on_line + self._given[1], faults + self._given[2]
        self._given = line, on_line, faults
        checkpoint = StoredCheckpoint(
            line,
            block.size,
            block.digest.hex(),
            is_end=block.is_last,
            texts=on_line,
            faults=faults,
            path=self._stored_path,
            generation=self._generation,
            version=self._version,
        )
        chunk.checkpoint = to_json(checkpoint)
        chunk.other_keys = self._other_keys(block)
        if texts.lines and not self._is_begun:
            self._is_begun = True
            chunk.reread = self._accepted.is_end and texts.lines[0] == self._accepted.line
            chunk.earlier_path = self._accepted.path if self._was_moved else ""
        return chunk


async def _coroutine(find: FindCheckpoints, keys: Sequence[str]) -> Sequence[FoundCheckpoint | None]:
    return await find(*keys)


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


def _verified(blocks: Iterator[Block], accepted: StoredCheckpoint) -> Iterator[Block]:
    """Yield blocks that begin with what was accepted. Raises SourceError if they do not.

    They did when they were compared, but a log can be cut and written again at any moment.
    """
    signature, left = hashlib.sha256(), accepted.size
    for block in blocks:
        signature.update(block.data[:left])
        left = max(0, left - len(block.data))
        if (left and block.is_last) or (not left and signature.hexdigest() != accepted.digest):
            raise ReplacedError
        yield block
        if not left:
            break
    yield from blocks
