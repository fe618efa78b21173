"""The events of one text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from .blocks import read_blocks
from .chunks import chunk_of
from .splitter import Splitter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .contract import Chunk, FindCheckpoints


class TextSource:
    """The events of a text: NDJSON, JSON arrays or indented objects."""

    key = None
    resumed = None

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self._text = text
        self._is_stopped = False

    async def chunks(self, find: FindCheckpoints | None = None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - it has none
        """Yield the events."""
        splitter = Splitter()
        for block in read_blocks(io.BufferedReader(io.BytesIO(self._text))):
            if self._is_stopped:
                return
            yield chunk_of(splitter.feed(block), self.name)

    def stop(self) -> None:
        """Read nothing more."""
        self._is_stopped = True
