"""Writing lines without ever waiting for their reader."""

from __future__ import annotations

import io
import os
import queue
import select
import sys
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

    _end = "\n"

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        # If standard error was closed when the program began, its number may belong to another file by now.
        self._descriptor = None if descriptor == STANDARD_ERROR and sys.stderr is None else descriptor
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
            if self._left_out and self._end:
                self._lines.put_nowait(f"{self._left_out:,} lines are left out here: the reader is too slow")
                self._left_out = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def _run(self) -> None:
        is_open = self._descriptor is not None
        while (line := self._lines.get()) is not None:
            # Lines are taken also when they cannot be written, so nobody waits for a place.
            is_open = is_open and self._put(line)

    def _put(self, line: str) -> bool:
        """Write a line; return False if the file takes nothing more: it is closed, or its disk is full."""
        data = f"{line}{self._end}".encode("utf-8", "backslashreplace")
        try:
            while data and self._descriptor is not None:
                data = data[write_some(self._descriptor, data) :]
        except OSError:
            return False
        return True


class DetachedTerminal(DetachedWriter):
    """Writes to a terminal what moves its cursor, text by text as it comes. The code that draws uses `stream`."""

    _end = ""

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        super().__init__(descriptor)
        self.stream = _Stream(self)


class _Stream(io.StringIO):
    """A text stream on a detached writer, which keeps nothing itself."""

    def __init__(self, writer: DetachedWriter) -> None:
        super().__init__()
        self._writer = writer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of standard error, by which one chooses what to draw."""
        return "ascii" if sys.__stderr__ is None else sys.__stderr__.encoding

    def isatty(self) -> bool:
        """Return true."""
        return True

    def write(self, text: str) -> int:
        """Write a text, later."""
        self._writer.write(text)
        return len(text)


def write_some(descriptor: int, data: bytes) -> int:
    """Write a part of some data, and return how much. Others may have made the file non-blocking."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLOUT)
        waiting.poll()
        return 0
