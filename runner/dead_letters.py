"""Dead letters: every usage event that was not delivered, with the reason, one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

import msgspec

from ..definitions import UnreadableError, read_event

if TYPE_CHECKING:
    from types import TracebackType

    from ..definitions import AnswerError, Outcome, Redactor
    from .sources import Source

Reason = Literal["unreadable", "rejected", "refused", "exhausted", "unsent"]

DEFAULT_PATH = Path("dead-letters.ndjson")

_to_json = msgspec.json.Encoder().encode


class DeadLetters:
    """A file that letters are appended to, flushed one by one, secrets masked.

    It is opened before anything is sent, so that a file that cannot be written is known in time; one that was
    made for nothing is taken away again. Raises OSError when the file cannot be opened or written.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self.count = 0
        self._redactor = redactor
        self._existed = path.exists()
        self._file: IO[bytes] = path.open("ab")

    def __enter__(self) -> Self:
        """Give the letters themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()
        if self.count == 0 and not self._existed and self.path.is_file():
            self.path.unlink()

    def unreadable(self, source: Source, line: int, message: str, text: bytes) -> None:
        """Keep a text that holds no event."""
        self._write("unreadable", message, source, line, None, text=text.decode("utf-8", "backslashreplace"))

    def rejected(self, source: Source, line: int, outcome: Outcome) -> None:
        """Keep an event that was turned down before any request was made."""
        self._write(
            "rejected",
            outcome.error.message if outcome.error is not None else outcome.detail,
            source,
            line,
            outcome.kept,
            action=outcome.action,
            subscription=outcome.subscription,
            errors=[{"path": problem.place, "message": problem.message} for problem in outcome.problems],
        )

    def undelivered(
        self,
        reason: Reason,
        error: AnswerError,
        source: Source,
        line: int,
        *,
        kept: bytes,
        action: str,
        subscription: str,
    ) -> None:
        """Keep an event whose request did not bring it to the destination."""
        self._write(
            reason,
            error.message,
            source,
            line,
            kept,
            action=action,
            subscription=subscription,
            status=error.status_code,
            request_id=error.request_id,
        )

    def _write(self, reason: Reason, message: str, source: Source, line: int, kept: bytes | None, **rest: Any) -> None:
        letter = {
            "reason": reason,
            "message": message,
            "file": source.name,
            "line": line,
            "action": None,
            "subscription": None,
            "errors": [],
            "status": None,
            "request_id": None,
            **rest,
        }
        masked = self._redactor.value(letter)
        self._file.write(_to_json({**masked, **self._event(kept)}) + b"\n")
        self._file.flush()
        self.count += 1

    def _event(self, kept: bytes | None) -> dict[str, Any]:
        if kept is None:
            return {"event": None}
        try:
            return {"event": self._redactor.value(read_event(kept))}
        except (UnreadableError, ValueError):
            # What was read in part only, or is nested too deeply to be masked value by value, is kept as text.
            return {"event": None, "text": self._redactor.text(kept.decode("utf-8", "backslashreplace"))}
