"""Writing lines without ever waiting for whoever reads them."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

STANDARD_ERROR = 2
_MOST_WAITING = 10_000
_SECONDS_TO_FINISH = 2.0


class DetachedWriter:
    """Writes lines to an open file, by its number, in a thread of its own.

    A pipe whose reader is slow takes nothing for a while, and one whose reader has gone never does. Lines that have no
    place in the queue are left out and counted. The thread is a daemon and takes no lock of `sys.stderr`, so it keeps
    the program from ending in no way.
    """

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=_MOST_WAITING)
        self._left_out = 0
        self._thread = threading.Thread(target=self._run, name="write lines", daemon=True)

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write what is waiting, if that is possible within two seconds."""
        try:
            self._lines.put(None, timeout=_SECONDS_TO_FINISH)
        except queue.Full:
            return
        self._thread.join(_SECONDS_TO_FINISH)

    def write(self, line: str) -> None:
        """Write a line, later."""
        try:
            if self._left_out:
                self._lines.put_nowait(f"{self._left_out:,} lines are left out here: nobody reads fast enough")
                self._left_out = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = f"{line}\n".encode("utf-8", "backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                # It is closed, or its disk is full. The rest is left unwritten, but whoever waits is not held up.
                self._drain()
                return

    def _drain(self) -> None:
        while self._lines.get() is not None:
            pass
