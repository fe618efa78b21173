"""What the page and its API say to each other: JSON with names in camel case, read and written in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.responses import Response

from ..answers import AnswerError, json_answer
from ..bodies import read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from ....definitions import Problem, Redactor

T = TypeVar("T")

SECONDS = 30.0
"""How long a client may take to send a request."""


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of what the API answers."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of what the API is asked. A key that it does not know is a mistake in the caller."""


class Place(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A problem: where it is, and what it is. In a text, its line and column count from 1."""

    place: str
    message: str
    line: int | None = None
    column: int | None = None


class RequestShown(Message, frozen=True, kw_only=True):
    """A request, with every secret masked. `body` is indented JSON."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class Fault(Message, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not done: a code for programs, a message for people, and each problem with its place."""

    code: str
    message: str
    problems: list[Place] = msgspec.field(default_factory=list)


class PageError(AnswerError):
    """A request of the page that is not done, with the problems that are the reason."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        problems: Sequence[Place] = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(status, code, message, retry_after=retry_after)
        self.problems = problems


def reader(model: type[T]) -> Callable[[bytes], T]:
    """Return a function that reads a request as a model. Raises PageError, naming the place."""
    decode = msgspec.json.Decoder(model).decode

    def read(body: bytes) -> T:
        try:
            return decode(body)
        except RecursionError:
            raise PageError(400, "invalid_request", "The request is nested too deeply.") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PageError(400, "invalid_request", f"The request cannot be read: {error}.") from None

    return read


async def body_of(request: Request, most: int) -> bytes:
    """Return the body of a request. Raises AnswerError if it is too large or too slow."""
    return await read_body(request, most=most, seconds=SECONDS)


def places(problems: Sequence[Problem]) -> list[Place]:
    """Return problems as the API shows them."""
    return [Place(place=problem.place, message=problem.message) for problem in problems]


def answer(message: Any, redactor: Redactor, status: int = 200) -> Response:
    """Return an answer in which every known secret is masked, whatever it is part of."""
    text = msgspec.json.encode(message).decode()
    return Response(redactor.text(text).encode(), status, media_type="application/json")


def fault_answer(error: AnswerError, redactor: Redactor) -> Response:
    """Return the answer to a request that is not done."""
    problems = [*error.problems] if isinstance(error, PageError) else []
    text = redactor.text(msgspec.json.encode(Fault(code=error.code, message=error.message, problems=problems)).decode())
    return json_answer(error.status, msgspec.Raw(text.encode()), error.headers)
