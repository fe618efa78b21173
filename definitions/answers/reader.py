"""Reads answers: from a response to None (delivered) or to the error whose class says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from ..errors import RefusedError, RetryableError, UnexpectedAnswerError
from ..text import words_only
from .multi_status import EventAnswer, read_event_answers
from .retry_after import RetryAfter, read_retry_after
from .status_table import ERRORS, Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from ..errors import AnswerError
    from ..redaction import Redactor
    from .status_table import Meaning

_MAX_WORDS = 300
_MAX_BODY = 64 * 1024
_MULTI_STATUS = 207
_RETRYABLE = Answer(statuses=("5xx",), meaning="retryable")

_REFUSED_FOR_REQUEST: frozenset[Meaning | None] = frozenset({None, "configuration"})
"""The address cannot be wrong if the request was welcome, so what the body says is about the content."""

_REFUSED_FOR_EVENT: frozenset[Meaning | None] = frozenset({"credentials", "configuration"})
"""The credentials cannot be wrong for one event only, and stopping would hold up all the others."""


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
        """Return the id under which the destination's support finds this request."""
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
        """Return the failure of a request without events, as the body of a welcome response reports it."""
        told = read_event_answers(response.content, [])
        return self._request_error(told, response) if isinstance(told, EventAnswer) else None

    def event_errors(self, response: httpx.Response, keys: Sequence[str | None]) -> list[AnswerError | None]:
        """Return what a welcome response means for each event of its request; None: the event was delivered.

        `keys` are the ids of the events. A failure of the whole request gives all of them one error.
        """
        is_multi_status = response.status_code == _MULTI_STATUS
        if not response.content and not is_multi_status:
            return [None] * len(keys)
        answers = read_event_answers(response.content, keys, is_multi_status=is_multi_status)
        if isinstance(answers, EventAnswer):
            return [self._request_error(answers, response)] * len(keys)
        if answers is None:
            if not is_multi_status:
                return [None] * len(keys)
            answers = [None] * len(keys)
        request_id = self.request_id(response)
        return [
            self._silence(response.status_code, request_id) if answer is None else self._event_error(answer, request_id)
            for answer in answers
        ]

    def _silence(self, status: int, request_id: str | None) -> AnswerError:
        """Return the error of an event that has no result in a response with results."""
        answered = f"{self._destination} answered {status}{_reference(request_id)}"
        return self._error(_RETRYABLE, f"{answered} and did not say what happened to this event", status, request_id)

    def _request_error(self, answer: EventAnswer, response: httpx.Response) -> AnswerError | None:
        request_id = self.request_id(response)
        told = f"{response.status_code}{_reference(request_id)} and reports a failure"
        answer = EventAnswer(answer.status, answer.words or _words(response))
        return self._told_error(
            answer, told, _REFUSED_FOR_REQUEST, request_id, retry_after=read_retry_after(response.headers)
        )

    def _event_error(self, answer: EventAnswer, request_id: str | None) -> AnswerError | None:
        told = f"{answer.status} for this event{_reference(request_id)}"
        return self._told_error(answer, told, _REFUSED_FOR_EVENT, request_id)

    def _told_error(
        self,
        answer: EventAnswer,
        told: str,
        refused: frozenset[Meaning | None],
        request_id: str | None,
        *,
        retry_after: RetryAfter | None = None,
    ) -> AnswerError | None:
        """Return what a status in the body of a welcome response means; None if it means "delivered".

        A status whose meaning is one of `refused` means that the content was refused.
        """
        row = self._row(answer.status)
        meaning = None if row is None else row.meaning
        if meaning == "delivered":
            return None
        words = self._shown(answer.words)
        message = f"{self._destination} answered {told}" + (f": {words}" if words else "")
        if meaning in refused:
            return RefusedError(message, status_code=answer.status, request_id=request_id)
        return self._error(row, message, answer.status, request_id, retry_after)

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
        return words_only(self._redactor.text(text), _MAX_WORDS)

    def _describe(self, response: httpx.Response) -> str:
        words = self._shown(_words(response))
        reference = _reference(self.request_id(response))
        reason = f"{response.status_code} {self._shown(_reason_phrase(response))}".rstrip()
        return f"{self._destination} answered {reason}{reference}" + (f": {words}" if words else "")


def _reference(request_id: str | None) -> str:
    return f" (request id {request_id})" if request_id else ""


def _reason_phrase(response: httpx.Response) -> str:
    """Return a reason phrase, or "" for one beyond ASCII, since httpx leaves out the characters that it cannot read.

    A secret without some of its characters could not be found and masked.
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
