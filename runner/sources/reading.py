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
_LOOK_SECONDS = 0.01


class BlockReader:
    """Reads an input in a thread, a few blocks ahead, so that memory is bounded.

    The thread only reads and decompresses. Text is split into events where they are planned: text that another
    processor has touched last is slow to parse. The thread is a daemon: one that waits for standard input does not
    keep the program from ending. `is_waiting` says whether it does, so that everything it read is here.
    """

    def __init__(
        self, name: str, read: Callable[[], Iterator[Block]], is_waiting: Callable[[], bool] = lambda: False
    ) -> None:
        self._name = name
        self._read = read
        self._is_waiting = is_waiting
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[Block | BaseException | None] = asyncio.Queue(maxsize=_BLOCKS_AHEAD)
        self._is_wanted = True
        self._stopped = asyncio.Event()
        threading.Thread(target=self._run, name=f"read {name}", daemon=True).start()

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks, the last of them marked unless reading was stopped. Raises SourceError."""
        while (item := await self._next()) is not None:
            if isinstance(item, BaseException):
                raise _source_error(self._name, item) from item
            yield item
            if item.is_last:
                return

    def stop(self) -> None:
        """Read nothing more; blocks that were read already are still yielded."""
        self._is_wanted = False
        self._stopped.set()

    async def _next(self) -> Block | BaseException | None:
        """Return what the thread hands over next; None also if reading was stopped and nothing has come."""
        getting, stopped = asyncio.ensure_future(self._blocks.get()), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({getting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            while not getting.done():
                if self._is_waiting() and self._blocks.empty():
                    return None
                await asyncio.wait({getting}, timeout=_LOOK_SECONDS)
            return getting.result()
        finally:
            stopped.cancel()
            getting.cancel()

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
