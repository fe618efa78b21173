"""Reading blocks in a thread of its own, so a slow input holds up neither requests nor signals."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from .contract import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .blocks import Block

_BLOCKS_AHEAD = 2
_LOOK_SECONDS = 0.01
"""How often a reader that was stopped looks whether the thread only waits for more."""

_SECONDS_TO_LOOK = 1.0
"""How often a thread whose blocks nobody takes looks whether anybody still will."""


class BlockReader:
    """Reads an input in a thread, a few blocks ahead, so memory is bounded.

    The thread only reads and decompresses. Text is split into events where they are planned: text that another
    processor has touched last is slow to parse. The thread is a daemon: one that waits for standard input does not
    keep the program from ending. `is_waiting` says whether it does, so everything it read is here.
    """

    def __init__(
        self, name: str, read: Callable[[], Iterator[Block]], is_waiting: Callable[[], bool] = lambda: False
    ) -> None:
        self._name = name
        self._read = read
        self._is_waiting = is_waiting
        self._loop = asyncio.get_running_loop()
        self._blocks: deque[Block | BaseException | None] = deque()
        self._arrived = asyncio.Event()
        self._room = threading.Semaphore(_BLOCKS_AHEAD)
        self._is_wanted = True
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
        self._arrived.set()

    async def _next(self) -> Block | BaseException | None:
        """Return what the thread hands over next; None also if reading was stopped and nothing has come."""
        while not self._blocks:
            if not self._is_wanted and self._is_waiting() and not self._blocks:
                return None
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), None if self._is_wanted else _LOOK_SECONDS)
        item = self._blocks.popleft()
        self._room.release()
        return item

    def _run(self) -> None:
        try:
            for block in self._read():
                self._hand_over(block)
                if block.is_last:
                    return
                if not self._is_wanted or self._loop.is_closed():
                    break
            self._hand_over(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again, where it is waited for
            # A closed loop is what failed then: the run is over, and nobody waits for more.
            if not self._loop.is_closed() and not isinstance(error, CancelledError):
                self._hand_over(error)

    def _hand_over(self, item: Block | BaseException | None) -> None:
        """Give an item to the loop, once it has taken enough of those before it; to nobody if the loop is closed."""
        while not self._room.acquire(timeout=_SECONDS_TO_LOOK):
            if self._loop.is_closed():
                return
        self._blocks.append(item)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrived.set)


def _source_error(name: str, error: BaseException) -> SourceError:
    """Return the error of a source that cannot be read, whatever is wrong with it."""
    if isinstance(error, SourceError):
        return type(error)(f"{name} {error}")
    if isinstance(error, OSError):
        return SourceError(f"{name} cannot be read: {error.strerror or error}")
    return SourceError(f"{name} cannot be read: {type(error).__name__}: {error}")
