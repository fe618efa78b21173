"""What a destination's answers mean, as a table: read by `Destination.read`, printed in the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import orjson
from pydantic import StringConstraints

from ..errors import (
    AnswerError,
    ConfigurationError,
    CredentialsError,
    RefusedError,
    RetryableError,
    UnexpectedAnswerError,
)
from ..input_field import DefinitionModel
from .multi_status import EventAnswer, read_event_answers
from .retry_after import read_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from ..redaction import Redactor
    from .retry_after import RetryAfter

Meaning = Literal["delivered", "refused", "credentials", "configuration", "retryable"]
Statuses = Annotated[str, StringConstraints(pattern=r"^[1-5](?:xx|\d\d)$")]

_MAX_WORDS = 300
_MAX_BODY = 64 * 1024


class Answer(DefinitionModel):
    """A row of the table: some status codes, what they mean, and `description`, what that is with this destination.

    What happens then follows from the meaning. A status is a code (`404`) or a class of codes (`5xx`). A code beats
    a class, wherever they stand. `json_only` tells that the partner's answer has a body of JSON or none: another body
    is somebody else's, such as a proxy's page.
    """

    statuses: tuple[Statuses, ...]
    meaning: Meaning
    json_only: bool = False
    description: str = ""


SEGMENT_ANSWERS = (
    Answer(statuses=("2xx",), meaning="delivered"),
    Answer(statuses=("4xx",), meaning="refused"),
    Answer(statuses=("401", "403"), meaning="credentials"),
    Answer(statuses=("3xx", "404", "405", "407", "501"), meaning="configuration"),
    Answer(statuses=("408", "423", "429", "5xx"), meaning="retryable"),
)
"""The table of a destination that declares none: Segment's own retry contract."""

ERRORS: Mapping[Meaning, type[AnswerError]] = {
    "refused": RefusedError,
    "credentials": CredentialsError,
    "configuration": ConfigurationError,
    "retryable": RetryableError,
}
"""The error by which each meaning that is not welcome is told; its class is the retry decision."""

_RETRYABLE = Answer(statuses=("5xx",), meaning="retryable")
_MULTI_STATUS = 207


class AnswerReader:
    """The compiled table: turns a response into None (delivered) or the error whose class says what to do."""

    def __init__(
        self, answers: tuple[Answer, ...], *, destination: str, request_id_header: str | None, redactor: Redactor
    ) -> None:
        self._rows = {status: answer for answer in answers for status in answer.statuses}
        self._destination = destination
        self._request_id_header = request_id_header
        self._redactor = redactor

    def request_id(self, response: httpx.Response) -> str | None:
        """Give the id under which the destination's support finds this request."""
        if self._request_id_header is None:
            return None
        request_id = response.headers.get(self._request_id_header)
        return self._shown(request_id) if request_id else None

    def error(self, response: httpx.Response) -> AnswerError | None:
        """Say what is wrong with a response; None when it means that the request was delivered.

        `response` must have been read; of its words at most 300 characters are shown.
        """
        status = response.status_code
        row = self._row(status)
        if row is None or row.meaning != "delivered":
            return self._error(
                row, self._describe(response), status, self.request_id(response), read_retry_after(response.headers)
            )
        if row.json_only and response.content and not _is_json(response.content):
            what = "a body that is not JSON, so it is probably a proxy's answer"
            return self._error(_RETRYABLE, f"{self._describe(response)} ({what})", status, self.request_id(response))
        return None

    def told_error(self, response: httpx.Response) -> AnswerError | None:
        """Say of which failure a welcome response tells that carries no events."""
        told = read_event_answers(response.content, [])
        return self._told_failure(told, response) if isinstance(told, EventAnswer) else None

    def event_errors(self, response: httpx.Response, keys: Sequence[str | None]) -> list[AnswerError | None]:
        """Say what a welcome response means for each event of its request, whose ids are `keys`.

        None means that it was delivered. An answer that tells of a failure of the request gives all events one error.
        """
        is_multi_status = response.status_code == _MULTI_STATUS
        answers = read_event_answers(response.content, keys, is_multi_status=is_multi_status)
        if isinstance(answers, EventAnswer):
            return [self._told_failure(answers, response)] * len(keys)
        if answers is None:
            if not is_multi_status:
                return [None] * len(keys)
            answers = [None] * len(keys)
        request_id = self.request_id(response)
        return [self._event_error(answer, response.status_code, request_id) for answer in answers]

    def _told_failure(self, answer: EventAnswer, response: httpx.Response) -> AnswerError | None:
        """Say what a failure means that the body of a welcome answer tells of its request."""
        words = self._shown(answer.words or _words(response))
        request_id = self.request_id(response)
        told = f"{self._destination} answered {response.status_code}{_reference(request_id)} and tells of a failure"
        message = f"{told}: {words}"
        row = self._row(answer.status)
        if row is not None and row.meaning == "delivered":
            return None
        if row is None or row.meaning == "configuration":
            return RefusedError(message, status_code=answer.status, request_id=request_id)
        return self._error(row, message, answer.status, request_id, read_retry_after(response.headers))

    def _event_error(self, answer: EventAnswer | None, status: int, request_id: str | None) -> AnswerError | None:
        reference = _reference(request_id)
        if answer is None:
            silence = f"{self._destination} answered {status}{reference} and did not say what became of this event"
            return self._error(_RETRYABLE, silence, status, request_id)
        row = self._row(answer.status)
        if row is not None and row.meaning == "delivered":
            return None
        words = self._shown(answer.words)
        told = f"{self._destination} answered {answer.status} for this event{reference}" + (
            f": {words}" if words else ""
        )
        if row is not None and row.meaning in {"credentials", "configuration"}:
            return RefusedError(told, status_code=answer.status, request_id=request_id)
        return self._error(row, told, answer.status, request_id)

    def _row(self, status: int) -> Answer | None:
        return self._rows.get(str(status)) or self._rows.get(f"{status // 100}xx")

    def _error(
        self,
        row: Answer | None,
        message: str,
        status: int,
        request_id: str | None,
        retry_after: RetryAfter | None = None,
    ) -> AnswerError:
        meaning = row.meaning if row is not None else None
        if meaning == "retryable":
            return RetryableError(message, status_code=status, request_id=request_id, retry_after=retry_after)
        error = UnexpectedAnswerError if meaning is None else ERRORS.get(meaning, UnexpectedAnswerError)
        return error(message, status_code=status, request_id=request_id)

    def _shown(self, text: str) -> str:
        """Make one line of somebody's words, masked before it is cut: a part of a secret looks like other text."""
        return _one_line(self._redactor.text(text))

    def _describe(self, response: httpx.Response) -> str:
        words = self._shown(_words(response))
        reference = _reference(self.request_id(response))
        reason = f"{response.status_code} {self._shown(_reason_phrase(response))}".rstrip()
        return f"{self._destination} answered {reason}{reference}" + (f": {words}" if words else "")


def _reference(request_id: str | None) -> str:
    return f" (request id {request_id})" if request_id else ""


def _reason_phrase(response: httpx.Response) -> str:
    """Give a reason phrase, or "" for one beyond ASCII, of which httpx leaves out what it cannot read.

    A secret of which a part is missing could not be found and masked.
    """
    phrase = response.extensions.get("reason_phrase", b"")
    return response.reason_phrase if phrase.isascii() else ""


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _words(response: httpx.Response) -> str:
    """Find the words that a body has for a person: a JSON `message` or `error`, else its text."""
    body = response.content[:_MAX_BODY]
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, dict):
        for key in ("message", "error", "detail"):
            if isinstance(parsed.get(key), str):
                return str(parsed[key])
    return body.decode("utf-8", "replace")


def _one_line(text: str) -> str:
    visible = " ".join("".join(char if char.isprintable() else " " for char in text[: _MAX_WORDS * 2]).split())
    return visible if len(visible) <= _MAX_WORDS else visible[: _MAX_WORDS - 1] + "…"
