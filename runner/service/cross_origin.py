"""Leave for web pages to use the service, by the rules of the Fetch standard (CORS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from .answers import json_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATHS = ("/v1/", "/projects/", "/analytics.js/")
"""What web pages ask for. They may use no other endpoint."""

_SECONDS = 7200
"""How long a browser may remember an answer to its preflight; Chromium takes no more."""


class CrossOrigin:
    """Lets web pages of the listed origins use the service, and no others.

    Preflights need no write key: browsers send none. Pages of other origins get 403. With `*`, all may send; only
    origins that are listed may send cookies along.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins) - {"*"}
        self._allows_all = "*" in origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, and add to other answers what browsers ask for."""
        if scope["type"] != "http" or not scope["path"].startswith(_PATHS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None and scope["method"] == "POST":
            # Not from a browser. What is asked for by GET may be kept by a cache, for browsers too.
            await self._app(scope, receive, send)
            return
        allowed = self._allowed(origin)

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.update(allowed)
                if self._origins:
                    answered.add_vary_header("Origin")
            await send(message)

        if origin is not None and not allowed:
            told = "Web pages of this origin may not use the service; the option origins of [service] lists those."
            refused = json_answer(403, {"code": "origin_not_allowed", "message": told})
            await refused(scope, receive, send_allowed)
        elif scope["method"] == "OPTIONS":
            await _leave(headers)(scope, receive, send_allowed)
        else:
            await self._app(scope, receive, send_allowed)

    def _allowed(self, origin: str | None) -> dict[str, str]:
        """Return the headers that let pages of an origin read an answer; none if they may not."""
        if origin in self._origins:
            allowed = {"Access-Control-Allow-Origin": str(origin), "Access-Control-Allow-Credentials": "true"}
        elif self._allows_all:
            allowed = {"Access-Control-Allow-Origin": "*"}
        else:
            return {}
        # Without it, Analytics.js does not see how long to wait.
        return {**allowed, "Access-Control-Expose-Headers": "Retry-After"}


def _leave(headers: Headers) -> Response:
    """Return the answer to a preflight, or to another request of this method."""
    answered = {"Allow": "GET, HEAD, OPTIONS, POST"}
    if "access-control-request-method" in headers:
        answered |= {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "authorization, content-type, x-retry-count",
            "Access-Control-Max-Age": str(_SECONDS),
        }
    return Response(None, 204, answered)
