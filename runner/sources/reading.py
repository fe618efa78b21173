"""Reading blocks in a thread of its own, so that a slow input holds up neither requests nor signals."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from .contract import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .blocks import Block

_BLOCKS_AHEAD = 2


class BlockReader:
    """Reads an input in a thread, a few blocks ahead, so that memory is bounded.

    The thread only reads and decompresses. Text is split into events where they are planned: text that another
    processor has touched last is slow to parse. The thread is a daemon: one that waits for standard input does not
    keep the program from ending.
    """

    def __init__(self, name: str, read: Callable[[], Iterator[Block]]) -> None:
        self._name = name
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[Block | BaseException | None] = asyncio.Queue(maxsize=_BLOCKS_AHEAD)
        self._is_wanted = True
        threading.Thread(target=self._run, name=f"read {name}", daemon=True).start()

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks, the last of them marked unless reading was stopped. Raises SourceError."""
        while (item := await self._blocks.get()) is not None:
            if isinstance(item, BaseException):
                raise _source_error(self._name, item) from item
            yield item
            if item.is_last:
                return

    def stop(self) -> None:
        """Read nothing more; blocks that were read already are still yielded."""
        self._is_wanted = False

    def _run(self) -> None:
        try:
            for block in self._read():
                self._hand_over(block)
                if block.is_last:
                    return
                if not self._is_wanted:
                    break
            self._hand_over(None)
        except (RuntimeError, CancelledError):
            # The event loop is closed: the run is over, and nobody waits for more.
            return
        except BaseException as error:  # noqa: BLE001 - it is raised again, where it is waited for
            self._hand_over_error(error)

    def _hand_over_error(self, error: BaseException) -> None:
        try:
            self._hand_over(error)
        except (RuntimeError, CancelledError):
            return

    def _hand_over(self, item: Block | BaseException | None) -> None:
        putting = self._blocks.put(item)
        try:
            asyncio.run_coroutine_threadsafe(putting, self._loop).result()
        except RuntimeError:
            putting.close()
            raise


def _source_error(name: str, error: BaseException) -> SourceError:
    """Return the error of a source that cannot be read, whatever is wrong with it."""
    if isinstance(error, SourceError):
        return SourceError(f"{name} {error}")
    if isinstance(error, OSError):
        return SourceError(f"{name} cannot be read: {error.strerror or error}")
    return SourceError(f"{name} cannot be read: {type(error).__name__}: {error}")
