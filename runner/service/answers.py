"""What the service answers: JSON, with a code for programs and a message for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from .operations import Described

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...definitions import Destination

_to_json = msgspec.json.Encoder().encode

SUCCESS = b'{"success":true}'
"""What Segment's own API answers. Some SDKs take any other body, or an empty one, for a failure."""

SECONDS_TO_COME_BACK = 1
"""What `Retry-After` says when the service is busy: whole seconds, the only form that every SDK reads."""


_SUCCESS = Response(SUCCESS, media_type="application/json")
"""One for all: an answer holds nothing of its request."""


class Success(msgspec.Struct):
    """What Segment's own API answers."""

    success: bool


class ErrorAnswer(msgspec.Struct):
    """Why a request was not accepted: a code for programs, and a message for people."""

    code: str
    message: str


INTERNAL_ERROR = Described("The service has failed; its log says why. Nothing is known of the events.", ErrorAnswer)
MALFORMED = Described("The request cannot be read: no event of it was accepted. `code` says why.", ErrorAnswer)
TOO_SLOW = Described("The body did not arrive in time.", ErrorAnswer)
LIVE_IS_NOT_ALLOWED = Described("The account bills real customers, and the service may not.", ErrorAnswer)


class AnswerError(Exception):
    """A request that is not accepted: the status, a code for programs, and a message for people."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class BusyError(Exception):
    """Nothing more is accepted at the moment. Nothing of the request was accepted; the message says why.

    It may be sent again in `retry_after` seconds.
    """

    def __init__(self, message: str, *, retry_after: int = SECONDS_TO_COME_BACK) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def live_not_allowed(destination: Destination, advice: str) -> AnswerError:
    """Return the answer to events of an account that bills real customers, where that is not allowed."""
    message = f"{destination.target} bills real customers, which is not allowed: {advice}."
    return AnswerError(403, "live_not_allowed", message)


def error_answer(error: AnswerError) -> Response:
    """Return the answer to a request that is not accepted."""
    return json_answer(error.status, {"code": error.code, "message": error.message}, error.headers)


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with a JSON body."""
    return Response(_to_json(value), status, headers=headers, media_type="application/json")


def success() -> Response:
    """Return the answer to a call of an SDK that was accepted."""
    return _SUCCESS
