"""From a batch of events to the request that carries them: an action's code runs here."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..action import BatchData, EventData
from ..errors import AnswerError, Problem, RejectedError
from .author_code import author_fault, author_fault_of, call_author
from .obstacles import NO_CODE
from .plan import PlannedRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from ..action import ActionDefinition, BatchLimits, Exchange, Settings
    from ..redaction import Redactor
    from ..request import RequestBuilder
    from .plan import EventBatch


def perform(
    batch: EventBatch, action: ActionDefinition, settings: Settings, request: RequestBuilder, redactor: Redactor
) -> PlannedRequest:
    """Let an action build the request for some events.

    Raises RejectedError when its code fails on them, or makes more than a request may carry.
    """
    data: EventData | BatchData
    if len(batch.indexes) == 1:
        data = EventData(batch.payloads[0], settings, batch.events.kept[0])
        built, exchange = _started(action.perform, request, data, redactor)
    else:
        data = BatchData(batch.payloads, settings, batch.events)
        built, exchange = _started(action.perform_batch, request, data, redactor)
    if action.batch is not None and len(built.content) > action.batch.bytes:
        raise RejectedError.of([too_large("the body is", len(built.content), action.batch)])
    return PlannedRequest(built, batch, exchange)


def too_large(what: str, size: int, limits: BatchLimits) -> Problem:
    """Return the problem of something that is larger than a request may be."""
    return Problem("", f"{what} {size:,} bytes, but one request may carry {limits.bytes:,}")


def _started(
    function: Callable[..., Any] | None, request: RequestBuilder, data: EventData | BatchData, redactor: Redactor
) -> tuple[httpx.Request, Exchange | None]:
    if function is None:
        raise RejectedError.of([NO_CODE])
    made = call_author(function, request, data, redactor=redactor)
    if isinstance(made, Generator):
        return _built(call_author(next, made, redactor=redactor)), made
    return _built(made), None


def next_request(exchange: Exchange, response: httpx.Response, redactor: Redactor) -> httpx.Request | None:
    """Send an answer to an exchange, and return its next request; None if it has ended.

    Raises RejectedError, or an AnswerError that the action's code raises.
    """
    try:
        made = exchange.send(response)
    except StopIteration:
        return None
    except (AnswerError, RejectedError):
        raise
    except (Exception, SystemExit) as error:
        raise author_fault_of(error, "failed in its action's code on an answer", redactor) from error
    return _built(made)


def _built(made: Any) -> httpx.Request:
    """Return the request that an action's code has made, with its body read. Raises RejectedError when it is none."""
    import httpx  # noqa: PLC0415 - code that made a request has imported it

    if not isinstance(made, httpx.Request):
        raise author_fault(f"made {type(made).__name__} where a request was expected")
    try:
        made.read()
    except Exception as error:
        raise author_fault("made a request whose body cannot be read") from error
    return made
