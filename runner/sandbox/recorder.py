"""A sandbox for any destination: it accepts each request, and records it for a person to look at."""

from __future__ import annotations

import base64
import re
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from ...definitions import Redactor
from .faults import FaultPlan
from .mishaps import FaultEndpoints, HangUp, happen_after, happen_instead, json_response, natural

if TYPE_CHECKING:
    from starlette.requests import Request

MOST_REQUESTS, MOST_BYTES = 10_000, 100_000_000
"""So many of the latest requests are kept, and so many bytes of their bodies."""

MAX_BODY_BYTES = 10_000_000
KABLE_ONLY = ("refuse", "results_per_event", "max_events", "authenticate")
"""Faults that only the Kable sandbox can inject: for them it must know what an event is."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_SECRET = re.compile(r"auth|cookie|credential|key|passw|secret|signature|token", re.IGNORECASE)
_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Token) ", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&])([^=&#]*)=([^&#]*)")
_MASK = "••••••••"


class RequestLog:
    """The latest requests, without secrets. It may be read from any thread while the sandbox serves.

    Masked are the values of headers and query parameters whose names say that they are secret, and the given secrets
    wherever they are.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._redactor = redactor or Redactor()
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests: deque[tuple[int, dict[str, Any]]] = deque()
            self._count = self._bytes = 0

    def add(self, request: Request, body: bytes) -> None:
        """Record a request."""
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        record = {
            "method": request.method,
            "path": self._redactor.text(_PARAMETER.sub(_masked_parameter, target)),
            "headers": {name: self._header(name, value) for name, value in request.headers.items()},
            **self._body(body),
        }
        with self._lock:
            self._count += 1
            self._bytes += len(body)
            self._requests.append((len(body), record))
            while len(self._requests) > MOST_REQUESTS or self._bytes > MOST_BYTES:
                self._bytes -= self._requests.popleft()[0]

    def document(self, *, offset: int = 0, limit: int | None = None) -> dict[str, Any]:
        """Return the JSON document of `GET /sandbox/requests`: all are counted, and the latest are kept, in order."""
        with self._lock:
            kept = [record for _, record in self._requests]
            end = None if limit is None else offset + limit
            return {"count": self._count, "kept": len(kept), "requests": kept[offset:end]}

    def _header(self, name: str, value: str) -> str:
        if _SECRET.search(name):
            scheme = _SCHEME.match(value)
            return f"{scheme[0] if scheme else ''}{_MASK}"
        return self._redactor.text(value)

    def _body(self, body: bytes) -> dict[str, Any]:
        """Return a body as JSON if it is JSON, or as text, or else as base64."""
        try:
            text = self._redactor.text(body.decode())
        except UnicodeDecodeError:
            return {"body": None, "body_base64": base64.b64encode(body).decode()}
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            return {"body": text or None}
        # As it came: to read and write it again could change its numbers.
        return {"body": orjson.Fragment(text)}


def create_recorder(
    *, log: RequestLog | None = None, faults: FaultPlan | None = None, hang_up: HangUp = lambda _: None
) -> Starlette:
    """Make a sandbox that answers each request with 200 and an empty JSON object.

    `faults` says how it misbehaves; `hang_up` ends the connection of a client.
    """
    plan = faults or FaultPlan()
    recorder = _Recorder(log or RequestLog(), plan, hang_up)
    endpoints = FaultEndpoints(plan, KABLE_ONLY)
    app = Starlette(
        routes=[
            Route("/sandbox/requests", recorder.show, methods=["GET"]),
            Route("/sandbox/reset", recorder.reset, methods=["POST"]),
            Route("/sandbox/faults", endpoints.show, methods=["GET"]),
            Route("/sandbox/faults", endpoints.set, methods=["POST"]),
            Route("/{path:path}", recorder.record, methods=_METHODS),
        ],
        exception_handlers={HTTPException: _answer_error},
    )
    app.router.redirect_slashes = False
    return app


class _Recorder:
    """The endpoints, and what they share."""

    def __init__(self, log: RequestLog, faults: FaultPlan, hang_up: HangUp) -> None:
        self._log = log
        self._faults = faults
        self._hang_up = hang_up

    async def record(self, request: Request) -> Response:
        happens = self._faults.next()
        await self._faults.wait()
        instead = await happen_instead(request, happens, self._faults.faults, self._hang_up)
        if instead is not None:
            return instead
        body = bytearray()
        most = self._faults.faults.max_bytes or MAX_BODY_BYTES
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    return json_response(413, {"message": f"The body must not exceed {most} bytes."})
        except ClientDisconnect:
            return json_response(400, {"message": "The connection ended before the body did."})
        self._log.add(request, bytes(body))
        return happen_after(request, happens, json_response(200, {}), self._hang_up)

    async def show(self, request: Request) -> Response:
        return json_response(
            200, self._log.document(offset=natural(request, "offset") or 0, limit=natural(request, "limit"))
        )

    async def reset(self, _request: Request) -> Response:
        self._log.reset()
        return Response()


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={_MASK if _SECRET.search(found[2]) else found[3]}"


async def _answer_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return json_response(status, {"message": error.detail if isinstance(error, HTTPException) else str(error)})
