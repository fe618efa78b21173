"""Inputs that can be read only once: standard input, pipes, sockets, devices, open file descriptors."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from .blocks import read_blocks
from .chunks import chunk_of
from .reading import BlockReader
from .splitter import Splitter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .blocks import Block
    from .contract import Chunk, FindCheckpoints
    from .descriptors import WaitingFile


class StreamSource:
    """The events that come by a stream: NDJSON, JSON arrays or indented objects, plain, gzip or zstd.

    `open_stream` is called once, by the thread that reads: opening a named pipe waits for a writer, and opening
    it twice loses what the writer wrote first.
    """

    key = None
    resumed = None

    def __init__(self, name: str, open_stream: Callable[[], WaitingFile]) -> None:
        self.name = name
        self._open = open_stream
        self._stream: WaitingFile | None = None
        self._reader: BlockReader | None = None
        self._is_stopped = False

    async def chunks(self, find: FindCheckpoints | None = None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - it has none
        """Yield what comes, as it comes."""
        splitter, block = Splitter(), None
        self._reader = BlockReader(self.name, self._blocks, lambda: self._stream is None or self._stream.is_waiting)
        if self._is_stopped:
            self._reader.stop()
        async for block in self._reader.blocks():
            yield chunk_of(splitter.feed(block), self.name)
        if block is not None and not block.is_last and (rest := splitter.rest()).texts:
            # Reading was stopped, and nobody can read this again.
            yield chunk_of(rest, self.name)

    def stop(self) -> None:
        """Read nothing more; what was read already is still yielded."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()

    def _blocks(self) -> Iterator[Block]:
        with self._open() as self._stream, io.BufferedReader(self._stream) as buffered:
            yield from read_blocks(buffered)
