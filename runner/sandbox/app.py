"""The sandbox as an application: Kable's two endpoints, and what lets a person look behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from .credentials import Credentials
from .faults import FaultPlan
from .ledger import Ledger
from .mishaps import FaultEndpoints, HangUp, happen_after, happen_instead, json_response, natural
from .rejections import Reason, Rejections, RequestRejectedError
from .usage_events import read_usage_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000
"""Kable's own limit is not public; this is the one that the destination keeps to."""

_REQUEST_ID = "X-REQUEST-ID"


def create_app(
    *,
    client_id: str,
    api_key: str,
    ledger: Ledger | None = None,
    faults: FaultPlan | None = None,
    hang_up: HangUp = lambda _: None,
) -> Starlette:
    """Make a sandbox that accepts one pair of credentials and keeps the given ledger, or a new one.

    `faults` says how it misbehaves; `hang_up` ends the connection of a client. Raises ValueError when a credential is
    blank.
    """
    plan = faults or FaultPlan()
    sandbox = _Sandbox(Credentials(client_id, api_key), ledger or Ledger(), plan, hang_up)
    endpoints = FaultEndpoints(plan)
    app = Starlette(
        routes=[
            Route("/api/v1/events/create", sandbox.record_events, methods=["POST"]),
            Route("/api/v1/authenticate", sandbox.authenticate, methods=["POST"]),
            Route("/sandbox/ledger", sandbox.show_ledger, methods=["GET"]),
            Route("/sandbox/rejections", sandbox.show_rejections, methods=["GET"]),
            Route("/sandbox/reset", sandbox.reset, methods=["POST"]),
            Route("/sandbox/faults", endpoints.show, methods=["GET"]),
            Route("/sandbox/faults", endpoints.set, methods=["POST"]),
        ],
        middleware=[Middleware(_RequestIds)],
        exception_handlers={HTTPException: _answer_error, Exception: _answer_error},
    )
    app.router.redirect_slashes = False
    return app


class _Sandbox:
    """The endpoints, and what they share."""

    def __init__(self, credentials: Credentials, ledger: Ledger, faults: FaultPlan, hang_up: HangUp) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._faults = faults
        self._hang_up = hang_up
        self._rejections = Rejections([credentials.api_key])

    async def record_events(self, request: Request) -> Response:
        self._ledger.count_request()
        happens = self._faults.next()
        await self._faults.wait()
        instead = await happen_instead(request, happens, self._faults.faults, self._hang_up)
        if instead is not None:
            return instead
        try:
            self._credentials.check(request.headers)
            _check_content_type(request.headers)
            events = read_usage_events(await self._read_body(request), self._faults.faults.max_events)
            response = self._refuse(events)
        except RequestRejectedError as rejected:
            return self._reject(request, rejected)
        return happen_after(request, happens, response, self._hang_up)

    def _refuse(self, events: list[dict[str, Any]]) -> Response:
        """Record events, but for those that a rule refuses. Raises RequestRejectedError."""
        refused = set(self._faults.refused(events))
        if refused and not self._faults.faults.results_per_event:
            reasons = [Reason("a rule refuses it", position) for position in sorted(refused)]
            raise RequestRejectedError(400, "One or more events are not valid.", reasons)
        self._ledger.record(event for position, event in enumerate(events) if position not in refused)
        if not self._faults.faults.results_per_event:
            return Response()
        results = [
            {"index": position, "status": 400, "message": "A rule refuses it."}
            if position in refused
            else {"index": position, "status": 200}
            for position in range(len(events))
        ]
        return json_response(207, {"results": results})

    async def authenticate(self, request: Request) -> Response:
        status = self._faults.faults.authenticate
        if status is not None:
            return json_response(status, {"message": f"The sandbox was told to answer {status}."})
        try:
            self._credentials.check_twice(request.headers)
        except RequestRejectedError as rejected:
            return self._reject(request, rejected)
        return Response()

    async def show_ledger(self, request: Request) -> Response:
        return json_response(
            200, self._ledger.document(offset=natural(request, "offset") or 0, limit=natural(request, "limit"))
        )

    async def show_rejections(self, _request: Request) -> Response:
        return json_response(200, self._rejections.document())

    async def reset(self, _request: Request) -> Response:
        self._ledger.reset()
        self._rejections.reset()
        return Response()

    async def _read_body(self, request: Request) -> bytes:
        """Read a body, but of one that is too large no more than shows that it is."""
        most = self._faults.faults.max_bytes or MAX_BODY_BYTES
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise RequestRejectedError(413, f"The body must not exceed {most} bytes.")
        except ClientDisconnect:
            raise RequestRejectedError(400, "The connection ended before the body did.") from None
        return bytes(body)

    def _reject(self, request: Request, rejected: RequestRejectedError) -> Response:
        self._rejections.keep(rejected, path=request.url.path, request_id=request.state.request_id)
        return json_response(rejected.status_code, {"message": rejected.message})


class _RequestIds:
    """Gives every request an id, and every answer the header with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_REQUEST_ID] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


def _check_content_type(headers: Mapping[str, str]) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRejectedError(415, "The Content-Type must be application/json.")


async def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return json_response(error.status_code, {"message": error.detail}, error.headers)
    # Starlette answers what nobody expected outside of every middleware, so this answer names its request here.
    headers = {_REQUEST_ID: request.state.request_id}
    return json_response(500, {"message": "The sandbox itself failed; its log says why."}, headers)
