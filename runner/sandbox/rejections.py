"""Requests that the sandbox rejected, and the reasons, which Kable does not give: for the person who debugs."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...definitions import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEPT_REJECTIONS = 100
_KEPT_REASONS = 50


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong; `index` is the event's place in its list, None when the whole request is at fault."""

    message: str
    index: int | None = None


class RequestRejectedError(Exception):
    """A request is rejected: the answer has its status and message, and never the reasons."""

    def __init__(self, status_code: int, message: str, reasons: Iterable[Reason] = ()) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message
        self.reasons = tuple(reasons) or (Reason(message),)


class Rejections:
    """The latest 100 rejections, with the first 50 reasons of each; secrets are masked."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._redactor = Redactor(secrets)
        self._latest: deque[dict[str, Any]] = deque(maxlen=_KEPT_REJECTIONS)

    def keep(self, rejected: RequestRejectedError, *, path: str, request_id: str) -> None:
        """Keep the reasons of a rejection; the oldest rejection is dropped for it."""
        rejection = {
            "request_id": request_id,
            "path": path,
            "status": rejected.status_code,
            "message": rejected.message,
            "reason_count": len(rejected.reasons),
            "reasons": [asdict(reason) for reason in rejected.reasons[:_KEPT_REASONS]],
        }
        self._latest.append(self._redactor.value(rejection))

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `GET /sandbox/rejections`, oldest first."""
        return {"rejections": list(self._latest)}

    def reset(self) -> None:
        """Forget every rejection."""
        self._latest.clear()
