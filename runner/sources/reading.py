"""Reading a source in a thread of its own, so that a slow input holds up neither answers nor signals."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from .files import Cutter

if TYPE_CHECKING:
    from .event_splitting import Chunk
    from .files import Block, Source

_BLOCKS_AHEAD = 2


class Reading:
    """A source that is being read, from a line on; where it is `signed`, with digests of what has been read.

    The thread reads and decompresses, and what it reads is cut into events where they are planned: text that another
    processor has touched last is slow to parse. Few blocks are kept ahead, so that memory is bounded. `is_whole` tells,
    after the end, whether that was the end of the source. The thread is a daemon: one that waits for standard input
    does not keep the program from ending.
    """

    def __init__(self, source: Source, from_line: int = 1, *, signed: bool = False) -> None:
        self.source = source
        self._from_line = from_line
        self._signed = signed
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Block | OSError | None] = asyncio.Queue(maxsize=_BLOCKS_AHEAD)
        self._cutter = Cutter()
        self._cut: deque[Chunk] = deque()
        self._is_wanted = True
        self.is_whole = False
        threading.Thread(target=self._read, name=f"read {source.name}", daemon=True).start()

    async def get(self) -> Chunk | None:
        """Give the next chunk; None at the end. Raises OSError when the source cannot be read."""
        while not self._cut:
            item = await self._queue.get()
            if isinstance(item, OSError):
                raise item
            if item is None:
                return None
            self._cut += self._cutter.feed(item)
        chunk = self._cut.popleft()
        return chunk if self._from_line == 1 else chunk.from_line(self._from_line)

    def stop(self) -> None:
        """Read nothing more; what was read already can still be got, and then the end comes."""
        self._is_wanted = False

    def _read(self) -> None:
        try:
            for block in self.source.blocks(signed=self._signed):
                self._put(block)
                if not self._is_wanted and not block.is_last:
                    break
            else:
                self.is_whole = True
            self._put(None)
        except OSError as error:
            self._put(error)
        except (RuntimeError, CancelledError):
            # The event loop is closed: the run is over, and nobody waits for more.
            return

    def _put(self, item: Block | OSError | None) -> None:
        asyncio.run_coroutine_threadsafe(self._queue.put(item), self._loop).result()
