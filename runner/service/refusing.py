"""What a connection that is one too many is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answers import SECONDS_TO_COME_BACK, json_answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_TRACKING = "/v1/"


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer that there are too many connections, and end this one. SDKs come back after 429, others after 503."""
    status, code = (429, "too_many_requests") if scope["path"].startswith(_TRACKING) else (503, "busy")
    told = {"code": code, "message": "Nothing was accepted, since there are too many connections. Send it again."}
    headers = {"Retry-After": str(SECONDS_TO_COME_BACK), "Connection": "close"}
    await json_answer(status, told, headers)(scope, receive, send)
