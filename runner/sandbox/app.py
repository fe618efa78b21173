"""The sandbox as an application: Kable's two endpoints, and what lets a person look behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from .credentials import Credentials
from .faults import FaultPlan, Faults
from .ledger import Ledger
from .rejections import Reason, Rejections, RequestRejectedError
from .usage_events import read_usage_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Address
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HangUp = Callable[["Address | None"], None]
"""Ends the connection of a client, at once and without a word."""

MAX_BODY_BYTES = 1_000_000
"""Kable's own limit is not public; this is the one that the destination keeps to."""

_REQUEST_ID = "X-REQUEST-ID"
_BUSY = frozenset({429, 503})
_HUGE = 10_000_000


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
    sandbox = _Sandbox(Credentials(client_id, api_key), ledger or Ledger(), faults or FaultPlan(), hang_up)
    app = Starlette(
        routes=[
            Route("/api/v1/events/create", sandbox.record_events, methods=["POST"]),
            Route("/api/v1/authenticate", sandbox.authenticate, methods=["POST"]),
            Route("/sandbox/ledger", sandbox.show_ledger, methods=["GET"]),
            Route("/sandbox/rejections", sandbox.show_rejections, methods=["GET"]),
            Route("/sandbox/reset", sandbox.reset, methods=["POST"]),
            Route("/sandbox/faults", sandbox.show_faults, methods=["GET"]),
            Route("/sandbox/faults", sandbox.set_faults, methods=["POST"]),
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
        if (instead := await self._happen_instead(request, happens)) is not None:
            return instead
        try:
            self._credentials.check(request.headers)
            _check_content_type(request.headers)
            events = read_usage_events(await self._read_body(request), self._faults.faults.max_events)
            response = self._refuse(events)
        except RequestRejectedError as rejected:
            return self._reject(request, rejected)
        if happens == "hang_up_after":
            self._hang_up(request.client)
        elif happens == "truncated":
            return _Truncated(lambda: self._hang_up(request.client))
        return response

    async def _happen_instead(self, request: Request, happens: str) -> Response | None:
        """Do what goes wrong before anything is recorded; None when nothing does."""
        faults = self._faults.faults
        if happens.isdecimal():
            status = int(happens)
            headers = {"Retry-After": faults.retry_after} if faults.retry_after and status in _BUSY else None
            return _json(status, {"message": f"The sandbox was told to answer {status}."}, headers)
        match happens:
            case "hang_up_before":
                self._hang_up(request.client)
            case "hang_up_inside":
                await anext(request.stream(), b"")
                self._hang_up(request.client)
            case "silent":
                await request.body()
                while (await request.receive())["type"] != "http.disconnect":
                    pass
            case "not_json":
                return Response("<html><body>Please log in to the network.</body></html>", media_type="text/html")
            case "huge":
                return Response(b"x" * _HUGE, media_type="text/plain")
            case "redirect":
                return Response(status_code=307, headers={"Location": str(request.url)})
            case _:
                return None
        return Response(status_code=500)

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
        return _json(207, {"results": results})

    async def show_faults(self, _request: Request) -> Response:
        return _json(200, self._faults.document())

    async def set_faults(self, request: Request) -> Response:
        try:
            self._faults.set(Faults.model_validate_json(await request.body() or b"{}"))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise HTTPException(400, f"{place}: {first['msg']}") from None
        return _json(200, self._faults.document())

    async def authenticate(self, request: Request) -> Response:
        status = self._faults.faults.authenticate
        if status is not None:
            return _json(status, {"message": f"The sandbox was told to answer {status}."})
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
        return _json(rejected.status_code, {"message": rejected.message})


class _Truncated(Response):
    """An answer that announces more than it sends, and whose connection then ends."""

    def __init__(self, hang_up: Callable[[], None]) -> None:
        super().__init__(b'{"message": "recor', headers={"Content-Length": "1000"}, media_type="application/json")
        self._end = hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - starlette's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        self._end()


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


def _natural(request: Request, name: str) -> int | None:
    """Return a query parameter that is a whole number of at most nine digits, None when it is absent."""
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
    return _json(500, {"message": "The sandbox itself failed; its log says why."}, headers)


def _json(status_code: int, document: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status_code, headers, media_type="application/json")
