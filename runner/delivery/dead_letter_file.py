"""Dead letters as a file: one JSON object a line, for people and other programs to read."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ...definitions import UnreadableError, read_event, visible_json
from .private_file import open_to_append

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from ...definitions import Redactor
    from ..queues.contract import DeadLetter

_to_json = msgspec.json.Encoder().encode


class DeadLetterFile:
    """Appends dead letters to a file, one by one, with secrets masked.

    The file is opened before anything is sent, so you learn in time if it cannot be written. A new file is
    readable by its owner only; if it stays empty, it is removed again. `failure` says why a dead letter could not be
    written. Raises OSError if the file cannot be opened.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.count = 0
        self.failure: str | None = None
        self._redactor = redactor
        self._existed = path.exists()
        # Without a buffer: one that could not be written would be written again with the next.
        self._file = os.fdopen(open_to_append(path), "ab", buffering=0)

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            self._file.close()
        if self.count == 0 and not self._existed and self.path.is_file():
            self.path.unlink()

    def write(self, letter: DeadLetter, reason: str | None = None) -> None:
        """Write a dead letter, with another reason than its own if one is given."""
        written = self._size()
        try:
            left = _line(shown(letter, self._redactor, reason))
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            # A part of a line would damage the next one.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), written)
            self.failure = f"{self.path} cannot be written, so dead letters are missing there: {error.strerror}"
        self.count += 1

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size


class UnsentFile:
    """Keeps events that were read, could not be accepted and cannot be read again. It is made when there is one.

    Other dead letters are not written, since the outbox has them.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.count = 0
        self._redactor = redactor
        self._file: DeadLetterFile | None = None
        self._fault: str | None = None

    @property
    def failure(self) -> str | None:
        """Why an event could not be written; None if all could."""
        return self._fault if self._file is None else self._file.failure

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.__exit__(kind, error, traceback)

    def write(self, letter: DeadLetter, reason: str | None = None) -> None:
        """Write an event that nothing else keeps, which has a reason of its own."""
        if reason is None:
            return
        self.count += 1
        if self._file is None and self._fault is None:
            try:
                self._file = DeadLetterFile(self.path, self._redactor)
            except OSError as fault:
                self._fault = f"{self.path} cannot be written, so these events are kept nowhere: {fault.strerror}"
        if self._file is not None:
            self._file.write(letter, reason)


def _line(value: dict[str, Any]) -> bytes:
    """Return a line of JSON; people look at such a file in a terminal."""
    return visible_json(_to_json(value).decode()).encode() + b"\n"


def shown(letter: DeadLetter, redactor: Redactor, reason: str | None = None) -> dict[str, Any]:
    """Return a dead letter as JSON shows it, with every secret masked."""
    told = {
        "reason": reason or letter.reason,
        "message": letter.message,
        "file": letter.origin.source,
        "line": letter.origin.line,
        "action": letter.action,
        "subscription": letter.subscription,
        "errors": [{"path": problem.place, "message": problem.message} for problem in letter.problems],
        "status": letter.status_code,
        "request_id": letter.request_id,
    }
    if letter.origin.item is not None:
        told["item"] = letter.origin.item
    masked: dict[str, Any] = redactor.value(told)
    return {**masked, **_event(letter, redactor)}


def _event(letter: DeadLetter, redactor: Redactor) -> dict[str, Any]:
    if letter.event is None:
        return {"event": None}
    try:
        return {"event": redactor.value(read_event(letter.event))}
    except (UnreadableError, ValueError):
        # It is not an event, was read in part only, or is nested too deeply to be masked value by value.
        return {"event": None, "text": redactor.text(letter.event.decode("utf-8", "backslashreplace"))}
