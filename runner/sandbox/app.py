"""The sandbox as an application: Kable's two endpoints, and what lets a person look behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from .credentials import Credentials
from .ledger import Ledger
from .rejections import Rejections, RequestRejectedError
from .usage_events import read_usage_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000
"""Kable's own limit is not public; this is the one that the destination keeps to."""

_REQUEST_ID = "X-REQUEST-ID"


def create_app(*, client_id: str, api_key: str, ledger: Ledger | None = None) -> Starlette:
    """Make a sandbox that accepts one pair of credentials and keeps the given ledger, or a new one.

    Raises ValueError when a credential is blank.
    """
    sandbox = _Sandbox(Credentials(client_id, api_key), ledger or Ledger())
    app = Starlette(
        routes=[
            Route("/api/v1/events/create", sandbox.record_events, methods=["POST"]),
            Route("/api/v1/authenticate", sandbox.authenticate, methods=["POST"]),
            Route("/sandbox/ledger", sandbox.show_ledger, methods=["GET"]),
            Route("/sandbox/rejections", sandbox.show_rejections, methods=["GET"]),
            Route("/sandbox/reset", sandbox.reset, methods=["POST"]),
        ],
        middleware=[Middleware(_RequestIds)],
        exception_handlers={HTTPException: _answer_error, Exception: _answer_error},
    )
    app.router.redirect_slashes = False
    return app


class _Sandbox:
    """The endpoints, and what they share."""

    def __init__(self, credentials: Credentials, ledger: Ledger) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._rejections = Rejections([credentials.api_key])

    async def record_events(self, request: Request) -> Response:
        self._ledger.count_request()
        try:
            self._credentials.check(request.headers)
            _check_content_type(request.headers)
            events = read_usage_events(await _read_body(request))
        except RequestRejectedError as rejected:
            return self._reject(request, rejected)
        self._ledger.record(events)
        return Response()

    async def authenticate(self, request: Request) -> Response:
        try:
            self._credentials.check_twice(request.headers)
        except RequestRejectedError as rejected:
            return self._reject(request, rejected)
        return Response()

    async def show_ledger(self, request: Request) -> Response:
        return _json(
            200, self._ledger.document(offset=_natural(request, "offset") or 0, limit=_natural(request, "limit"))
        )

    async def show_rejections(self, _request: Request) -> Response:
        return _json(200, self._rejections.document())

    async def reset(self, _request: Request) -> Response:
        self._ledger.reset()
        self._rejections.reset()
        return Response()

    def _reject(self, request: Request, rejected: RequestRejectedError) -> Response:
        self._rejections.keep(rejected, path=request.url.path, request_id=request.state.request_id)
        return _json(rejected.status_code, {"message": rejected.message})


class _RequestIds:
    """Gives every request an id, and every answer the header that tells it."""

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


async def _read_body(request: Request) -> bytes:
    """Read a body, but of one larger than MAX_BODY_BYTES no more than shows that it is."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise RequestRejectedError(413, f"The body must not exceed {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect:
        raise RequestRejectedError(400, "The connection ended before the body did.") from None
    return bytes(body)


def _natural(request: Request, name: str) -> int | None:
    """Give a query parameter that is a whole number of at most nine digits, None when it is absent."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len("999999999")):
        raise HTTPException(400, f"{name} must be a whole number, such as {name}=100.")
    return int(text)


async def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _json(error.status_code, {"message": error.detail}, error.headers)
    # Starlette answers what nobody expected outside of every middleware, so this answer names its request here.
    headers = {_REQUEST_ID: request.state.request_id}
    return _json(500, {"message": "The sandbox itself failed; its log tells why."}, headers)


def _json(status_code: int, document: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status_code, headers, media_type="application/json")
