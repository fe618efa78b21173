"""What a destination's answers mean, as a table: read by `Destination.read`, printed in the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import orjson
from pydantic import StringConstraints

from .errors import (
    AnswerError,
    ConfigurationError,
    CredentialsError,
    RefusedError,
    RetryableError,
    UnexpectedAnswerError,
)
from .input_field import DefinitionModel
from .retry_after import read_retry_after

if TYPE_CHECKING:
    import httpx

    from .redaction import Redactor

Meaning = Literal["delivered", "refused", "credentials", "configuration", "retryable"]
Statuses = Annotated[str, StringConstraints(pattern=r"^[1-5](?:xx|\d\d)$")]

_MAX_WORDS = 300
_MAX_BODY = 64 * 1024


class Answer(DefinitionModel):
    """A row of the table: some status codes, what they mean, and what happens then in a person's words.

    A status is a code (`404`) or a class of codes (`5xx`). A code beats a class, wherever they stand.
    """

    statuses: tuple[Statuses, ...]
    meaning: Meaning
    description: str = ""


SEGMENT_ANSWERS = (
    Answer(statuses=("2xx",), meaning="delivered"),
    Answer(statuses=("4xx",), meaning="refused"),
    Answer(statuses=("401", "403"), meaning="credentials"),
    Answer(statuses=("3xx", "404", "405", "501"), meaning="configuration"),
    Answer(statuses=("408", "423", "429", "5xx"), meaning="retryable"),
)
"""The table of a destination that declares none: Segment's own retry contract."""


class AnswerReader:
    """The compiled table: turns a response into None (delivered) or the error whose class says what to do."""

    def __init__(
        self, answers: tuple[Answer, ...], *, destination: str, request_id_header: str | None, redactor: Redactor
    ) -> None:
        self._meanings = {status: answer.meaning for answer in answers for status in answer.statuses}
        self._destination = destination
        self._request_id_header = request_id_header
        self._redactor = redactor

    def request_id(self, response: httpx.Response) -> str | None:
        """Give the id under which the destination's support finds this request."""
        if self._request_id_header is None:
            return None
        request_id = response.headers.get(self._request_id_header)
        return _one_line(self._redactor.text(request_id)) if request_id else None

    def error(self, response: httpx.Response) -> AnswerError | None:
        """Say what is wrong with a response; None when it means that the request was delivered.

        `response` must have been read; at most its first 64 KiB are looked at, and 300 characters shown.
        """
        status = response.status_code
        meaning = self._meanings.get(str(status)) or self._meanings.get(f"{status // 100}xx")
        if meaning == "delivered":
            return None
        request_id = self.request_id(response)
        message = self._describe(response, request_id)
        if meaning == "retryable":
            return RetryableError(
                message, status_code=status, request_id=request_id, retry_after=read_retry_after(response.headers)
            )
        classes: dict[str | None, type[AnswerError]] = {
            "refused": RefusedError,
            "credentials": CredentialsError,
            "configuration": ConfigurationError,
        }
        error_class = classes.get(meaning, UnexpectedAnswerError)
        return error_class(message, status_code=status, request_id=request_id)

    def _describe(self, response: httpx.Response, request_id: str | None) -> str:
        words = self._redactor.text(_words(response))
        reference = f" (request id {request_id})" if request_id else ""
        reason = f"{response.status_code} {response.reason_phrase}".rstrip()
        return f"{self._destination} answered {reason}{reference}" + (f": {words}" if words else "")


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
                return _one_line(parsed[key])
    return _one_line(body.decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    visible = " ".join("".join(char if char.isprintable() else " " for char in text[: _MAX_WORDS * 2]).split())
    return visible if len(visible) <= _MAX_WORDS else visible[: _MAX_WORDS - 1] + "…"
