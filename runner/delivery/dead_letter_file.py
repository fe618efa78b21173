"""Dead letters as a file: one JSON object a line, for people and other programs to read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ...definitions import UnreadableError, read_event

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from ...definitions import Redactor
    from ..queues.contract import Letter

_to_json = msgspec.json.Encoder().encode


class LetterFile:
    """A file that letters are appended to, flushed one by one, secrets masked.

    It is opened before anything is sent, so that a file that cannot be written is known in time; one that was
    made for nothing is taken away again. `failure` tells why not all could be written. Raises OSError when the file
    cannot be opened.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.count = 0
        self.failure: str | None = None
        self._redactor = redactor
        self._existed = path.exists()
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        """Give the file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            self._file.close()
        if self.count == 0 and not self._existed and self.path.is_file():
            self.path.unlink()

    def write(self, letter: Letter, reason: str | None = None) -> None:
        """Keep a letter, for another reason than its own where one is given."""
        try:
            self._file.write(_to_json(shown(letter, self._redactor, reason)) + b"\n")
            self._file.flush()
        except OSError as error:
            self.failure = f"{self.path} cannot be written, so that dead letters are missing there: {error.strerror}"
        self.count += 1


def shown(letter: Letter, redactor: Redactor, reason: str | None = None) -> dict[str, Any]:
    """Show a letter as JSON, with every secret masked."""
    told = {
        "reason": reason or letter.reason,
        "message": letter.message,
        "file": letter.source,
        "line": letter.line,
        "action": letter.action,
        "subscription": letter.subscription,
        "errors": [{"path": problem.place, "message": problem.message} for problem in letter.problems],
        "status": letter.status_code,
        "request_id": letter.request_id,
    }
    masked: dict[str, Any] = redactor.value(told)
    return {**masked, **_event(letter, redactor)}


def _event(letter: Letter, redactor: Redactor) -> dict[str, Any]:
    if letter.event is None:
        return {"event": None}
    try:
        return {"event": redactor.value(read_event(letter.event))}
    except (UnreadableError, ValueError):
        # What holds no event, was read in part only, or is nested too deeply to be masked value by value.
        return {"event": None, "text": redactor.text(letter.event.decode("utf-8", "backslashreplace"))}
