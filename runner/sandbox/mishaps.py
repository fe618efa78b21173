"""What goes wrong instead of an answer, when the faults in force say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from .faults import Faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Address
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from .faults import FaultPlan

HangUp = Callable[["Address | None"], None]
"""Ends the connection of a client, at once and without a word."""

_BUSY = frozenset({429, 503})
_HUGE = 10_000_000


async def happen_instead(request: Request, happens: str, faults: Faults, hang_up: HangUp) -> Response | None:
    """Do what goes wrong before anything is recorded; None when nothing does."""
    if happens.isdecimal():
        status = int(happens)
        headers = {"Retry-After": faults.retry_after} if faults.retry_after and status in _BUSY else None
        return json_response(status, {"message": f"The sandbox was told to answer {status}."}, headers)
    match happens:
        case "hang_up_before":
            hang_up(request.client)
        case "hang_up_inside":
            await anext(request.stream(), b"")
            hang_up(request.client)
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


def happen_after(request: Request, happens: str, response: Response, hang_up: HangUp) -> Response:
    """Do what goes wrong once a request is recorded, or return the answer."""
    if happens == "hang_up_after":
        hang_up(request.client)
    elif happens == "truncated":
        return _Truncated(lambda: hang_up(request.client))
    return response


class FaultEndpoints:
    """Shows the faults in force, and puts others in force. Those of `without` cannot happen here, and are refused."""

    def __init__(self, faults: FaultPlan, without: tuple[str, ...] = ()) -> None:
        self._faults = faults
        self._without = without

    async def show(self, _request: Request) -> Response:
        """Answer with the faults in force."""
        return json_response(200, self._faults.document())

    async def set(self, request: Request) -> Response:
        """Put the faults of the body in force. Raises HTTPException."""
        try:
            faults = Faults.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise HTTPException(400, f"{place}: {first['msg']}") from None
        for name in self._without:
            if name in faults.model_fields_set:
                raise HTTPException(400, f"{name}: only the Kable sandbox can do that.")
        self._faults.set(faults)
        return json_response(200, self._faults.document())


def json_response(status_code: int, document: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that is JSON."""
    return Response(orjson.dumps(document), status_code, headers, media_type="application/json")


def natural(request: Request, name: str) -> int | None:
    """Return a query parameter that is a whole number of at most nine digits, None when it is absent."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len("999999999")):
        raise HTTPException(400, f"{name} must be a whole number, such as {name}=100.")
    return int(text)


class _Truncated(Response):
    """An answer that announces more than it sends, and whose connection then ends."""

    def __init__(self, hang_up: Callable[[], None]) -> None:
        super().__init__(b'{"message": "recor', headers={"Content-Length": "1000"}, media_type="application/json")
        self._end = hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - starlette's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        self._end()
