"""Asking the destination about credentials, and sending one event for real. The page asks a person first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.routing import Route

from ....definitions import (
    AnswerError,
    Destination,
    PlannedRequest,
    SetupError,
    shortened,
    visible,
)
from ...configuration.in_part import set_up_in_part
from .drafts import Draft  # noqa: TC001 - msgspec reads it at run time
from .messages import Asked, Message, PageError, answer, body_of, places, reader
from .operation import page_operation
from .previews import MOST_BYTES, readable_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import Outcome, Result
    from ...delivery.clock import Clock
    from ...transports.contract import Transport
    from ..operations import Operation
    from .drafts import Drafts, Prepared

_LONGEST_ANSWER = 20_000


class AskedCredentials(Asked, frozen=True, kw_only=True):
    """The draft whose credentials the destination is asked about."""

    draft: Draft


class AskedSending(Asked, frozen=True, kw_only=True):
    """What to send: a draft and an event. `confirmed` is the target that a person has read and agreed to."""

    draft: Draft
    event: str
    confirmed: str


class Credentials(Message, frozen=True, kw_only=True):
    """Whether the destination accepts the credentials, and what it says."""

    is_accepted: bool
    message: str
    target: str


class SentRequest(Message, frozen=True, kw_only=True):
    """A request that was sent, and what came of it. Without a `status`, no answer came.

    `seconds` is the time until the answer. `error` says why the event was not delivered.
    """

    subscription: str | None
    action: str
    method: str
    url: str
    status: int | None
    request_id: str | None
    seconds: float
    answer: str
    error: str | None


class NotSent(Message, frozen=True, kw_only=True):
    """A subscription under which nothing was sent, and why."""

    subscription: str | None
    message: str


class Sent(Message, frozen=True, kw_only=True):
    """What was sent, and where to."""

    target: str
    results: list[SentRequest]
    skipped: list[NotSent]


class Sending:
    """The endpoints that send something."""

    def __init__(self, drafts: Drafts, transport: Transport, clock: Clock) -> None:
        self._drafts = drafts
        self._transport = transport
        self._clock = clock
        self._read_credentials = reader(AskedCredentials)
        self._read_sending = reader(AskedSending)

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/page/api/credentials", self._credentials, methods=["POST"]),
            Route("/page/api/send", self._send, methods=["POST"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [
            page_operation(
                "post",
                "/page/api/credentials",
                "testCredentials",
                "Ask the destination about credentials.",
                Credentials,
                body=AskedCredentials,
            ),
            page_operation("post", "/page/api/send", "sendEvent", "Send one event.", Sent, body=AskedSending),
        ]

    async def _credentials(self, request: Request) -> Response:
        asked = self._read_credentials(await body_of(request, MOST_BYTES))
        prepared = await asyncio.to_thread(self._drafts.prepare, asked.draft)
        destination = self._ready(prepared, asked.draft, is_about_settings=True)
        try:
            question = destination.authentication_request()
            if question is None:
                message = f"{destination.definition.name} has no request that tests credentials."
                raise PageError(400, "no_test", message)
            refusal = destination.read_authentication(await self._transport.send(question))
        except SetupError as error:
            raise PageError(400, "invalid_draft", error.message, places(error.problems)) from None
        except AnswerError as error:
            refusal = error
        found = Credentials(
            is_accepted=refusal is None,
            message="The destination accepts the credentials." if refusal is None else refusal.message,
            target=destination.target,
        )
        return answer(found, prepared.redactor)

    async def _send(self, request: Request) -> Response:
        asked = self._read_sending(await body_of(request, MOST_BYTES))
        prepared = await asyncio.to_thread(self._drafts.prepare, asked.draft)
        destination = self._ready(prepared, asked.draft)
        if asked.confirmed != destination.target:
            told = f"The event would go to {destination.target}, and that was not confirmed."
            raise PageError(409, "not_confirmed", told)
        configuration = self._drafts.configuration
        if destination.is_live and not configuration.delivery.live:
            told = f"{destination.target} bills real customers, which is not allowed: {configuration.live_advice}."
            raise PageError(403, "live_not_allowed", told)
        plan = await asyncio.to_thread(destination.plan, [readable_event(asked.event)])
        skipped = [_not_sent(outcome) for outcome in plan.outcomes if outcome.status != "planned"]
        results = [result for planned in plan.requests async for result in self._exchanged(destination, planned)]
        return answer(Sent(target=destination.target, results=results, skipped=skipped), prepared.redactor)

    def _ready(self, prepared: Prepared, draft: Draft, *, is_about_settings: bool = False) -> Destination:
        """Return the destination of a draft that can send. Raises PageError."""
        destination = prepared.destination
        problems = [
            problem
            for problem in prepared.problems
            if not is_about_settings or not problem.place.startswith("subscriptions")
        ]
        if destination is None or problems:
            raise PageError(400, "invalid_draft", "The draft has mistakes; correct them first.", places(problems))
        if not prepared.has_secrets:
            raise PageError(400, "no_secrets", "A secret is missing; type it into its field.")
        if destination.definition.extend_request is None:
            raise PageError(400, "no_code", f"{destination.definition.name} has no code, so nothing can be sent.")
        if prepared.uses_stored and destination.host != self._configured_host(draft):
            # A draft may come by a link: it must not carry the credentials to a host of its own.
            told = f"The credentials of the configuration are not sent to {destination.host}; type others."
            raise PageError(403, "other_host", told)
        return destination

    def _configured_host(self, draft: Draft) -> str | None:
        configuration = self._drafts.configuration
        settings = configuration.accounts[draft.account or configuration.first_account]
        found = set_up_in_part(configuration.definition, settings, [], configuration.delivery.base_url).destination
        return None if found is None else found.host

    async def _exchanged(self, destination: Destination, planned: PlannedRequest) -> AsyncIterator[SentRequest]:
        """Send a request and those that its exchange goes on with; yield what came of each."""
        step: PlannedRequest | list[Result] = planned
        while isinstance(step, PlannedRequest):
            request, began = step.request, self._clock.monotonic()
            response, error = None, None
            try:
                response = await self._transport.send(request)
                step = destination.read(step, response)
            except AnswerError as found:
                step, error = [], found.message
            errors = [] if isinstance(step, PlannedRequest) else [each.error.message for each in step if each.error]
            ids = [] if isinstance(step, PlannedRequest) else [each.request_id for each in step if each.request_id]
            yield SentRequest(
                subscription=", ".join(dict.fromkeys(planned.subscriptions)),
                action=planned.action,
                method=request.method,
                url=str(request.url),
                status=None if response is None else response.status_code,
                request_id=ids[0] if ids else None,
                seconds=self._clock.monotonic() - began,
                answer="" if response is None else visible(shortened(response.text, _LONGEST_ANSWER)),
                error=error or "; ".join(dict.fromkeys(errors)) or None,
            )


def _not_sent(outcome: Outcome) -> NotSent:
    reason = outcome.detail or outcome.reason or ""
    return NotSent(
        subscription=outcome.subscription,
        message=str(reason) if outcome.error is None else outcome.error.message,
    )
