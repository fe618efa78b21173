"""Standard input as a source. It cannot be read again, so it has no checkpoint."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING

from .blocks import read_blocks
from .contract import Chunk, SourceError
from .event_splitting import Splitter
from .reading import BlockReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .blocks import Block

STANDARD_INPUT = "-"
"""How a path names standard input."""

STANDARD_INPUT_NAME = "standard input"


class StandardInput:
    """The events that come by standard input: NDJSON, JSON arrays or indented objects, plain or gzipped."""

    name = STANDARD_INPUT_NAME
    key = None
    resumed = None

    def __init__(self) -> None:
        self._reader: BlockReader | None = None
        self._is_stopped = False

    async def chunks(self, after: bytes | None = None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - there is no checkpoint
        """Yield what comes, as it comes."""
        splitter = Splitter()
        self._reader = BlockReader(self.name, _blocks)
        if self._is_stopped:
            self._reader.stop()
        try:
            async for block in self._reader.blocks():
                texts = splitter.feed(block)
                yield Chunk(
                    self.name,
                    texts=texts.texts,
                    places=texts.lines,
                    unreadable=texts.unreadable,
                    is_end=block.is_last,
                    is_damaged=block.damage is not None,
                )
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read: {error.strerror or error}") from None

    def stop(self) -> None:
        """Read nothing more; what was read already is still yielded."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.stop()


def _blocks() -> Iterator[Block]:
    with _open() as stream:
        yield from read_blocks(stream)


def _open() -> IO[bytes]:
    """Open a reader of our own: the interpreter, when it ends, must not wait for a thread that reads `sys.stdin`."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, ValueError):
        return sys.stdin.buffer
