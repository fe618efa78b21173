"""From a batch of events to the request that carries them: the place where an action's code is run."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from .compiled_subscription import call_author
from .definition import BatchData, EventData
from .errors import Problem, RejectedError
from .obstacles import NO_CODE
from .plan import PlannedRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from .definition import ActionDefinition, BatchLimits, Exchange, Settings
    from .plan import EventBatch
    from .request import RequestBuilder


def perform(batch: EventBatch, action: ActionDefinition, settings: Settings, request: RequestBuilder) -> PlannedRequest:
    """Let an action build the request for some events.

    Raises RejectedError when its code fails on them, or makes more than a request may carry.
    """
    data: EventData | BatchData
    if len(batch) == 1:
        data = EventData(batch.payloads[0], settings, batch.events.kept[0])
        built, exchange = _started(action.perform, request, data)
    else:
        data = BatchData(batch.payloads, settings, batch.events)
        built, exchange = _started(action.perform_batch, request, data)
    if action.batch is not None and len(built.content) > action.batch.bytes:
        raise RejectedError.of([too_large("the body is", len(built.content), action.batch)])
    return PlannedRequest(built, batch, exchange)


def too_large(what: str, size: int, limits: BatchLimits) -> Problem:
    """Say that something is larger than a request may be."""
    return Problem("", f"{what} {size:,} bytes, but one request may carry {limits.bytes:,}")


def _started(
    function: Callable[..., Any] | None, request: RequestBuilder, data: EventData | BatchData
) -> tuple[httpx.Request, Exchange | None]:
    if function is None:
        raise RejectedError.of([NO_CODE])
    made = call_author(function, request, data)
    if isinstance(made, Generator):
        return call_author(next, made), made
    return made, None
