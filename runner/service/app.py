"""The service as an application."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from .answers import json_answer
from .cross_origin import CrossOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")
_CODES = {404: "not_found", 405: "method_not_allowed"}


def create_app(
    routes: Sequence[Route], *, origins: Sequence[str] = (), count: Callable[[str, str], None] | None = None
) -> ASGIApp:
    """Return an application of some routes. Web pages of the `origins` may use it.

    `count` is called with the endpoint and the status of each answer.

    It answers in JSON whatever happens, and never redirects: SDKs lose events then.
    """
    app = Starlette(routes=routes, exception_handlers={HTTPException: _answer_error, Exception: _answer_fault})
    app.router.redirect_slashes = False
    found = CrossOrigin(app, origins)
    return PlainPaths(found if count is None else Counted(found, routes, count))


class Counted:
    """Counts answers by the endpoint, which is a path of the routes or `other`, and by the status."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route], count: Callable[[str, str], None]) -> None:
        self._app = app
        self._count = count
        self._plain = {route.path: route.path for route in routes if not route.param_convertors}
        self._others = [(route.path_regex.match, route.path) for route in routes if route.param_convertors]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, and count its answer."""
        status = "none"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._count(self._endpoint(scope["path"]), status)

    def _endpoint(self, path: str) -> str:
        """Return the path of the route: any client could make up others, and each would be kept as a label."""
        if (plain := self._plain.get(path)) is not None:
            return plain
        return next((name for matches, name in self._others if matches(path)), "other")


class Replaceable:
    """An application that another one may replace between two requests."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request."""
        await self.app(scope, receive, send)


class PlainPaths:
    """Reads repeated slashes in a path as one, and leaves out those at its end, as SDKs put them there.

    Nothing happens if the client has gone before it is answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request."""
        path: str = scope.get("path", "")
        if "//" in path or path.endswith("/"):
            scope["path"] = _SLASHES.sub("/", path).rstrip("/") or "/"

        async def send_to_open(message: Message) -> None:
            # A client may go before it has its answer, and a closed connection raises either.
            try:
                await send(message)
            except (RuntimeError, OSError):
                return

        await self._app(scope, receive, send_to_open)


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for these
    code = _CODES.get(error.status_code, "error")
    return json_answer(error.status_code, {"code": code, "message": f"{error.detail}."}, error.headers)


async def _answer_fault(_request: Request, _error: Exception) -> Response:
    return json_answer(500, {"code": "internal_error", "message": "The service has failed; its log says why."})
