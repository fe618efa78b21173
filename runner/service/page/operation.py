"""What an endpoint of the page's API says about itself, for the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..answers import INTERNAL_ERROR
from ..operations import Described, Operation
from .messages import Fault

if TYPE_CHECKING:
    from ..operations import Schema

MARK = "X-Kable-Page"
"""The header of every request. No form and no link can send it, and no page of another origin may."""

_REFUSALS = {
    400: Described("The request cannot be read, or the draft has mistakes: nothing was done.", Fault),
    401: Described("The page needs its token.", Fault),
    403: Described("The request does not come from the page, or it may not do this.", Fault),
    404: Described("There is no such thing.", Fault),
    421: Described("The page is not there under this host name.", Fault),
    429: Described("There are too many requests.", Fault, comes_back=True),
    500: INTERNAL_ERROR,
}
_REFUSALS_OF_BODIES = {
    408: Described("The body did not arrive in time.", Fault),
    409: Described("The state is another one than the page has shown: nothing was done.", Fault),
    413: Described("The request is too large.", Fault),
    415: Described("The Content-Type is not application/json.", Fault),
    503: Described("The outbox cannot be written, since its disk or its limit is full. Nothing was done.", Fault),
}


def page_operation(
    method: Literal["get", "post"],
    path: str,
    name: str,
    summary: str,
    answer: type | Schema,
    *,
    body: type | None = None,
    media_type: str = "application/json",
    path_parameters: dict[str, str] | None = None,
) -> Operation:
    """Return what an endpoint says about itself: what it answers, and what it reads if it is asked by POST."""
    answers = {200: Described("Done.", answer, media_type), **_REFUSALS}
    if body is not None:
        answers |= _REFUSALS_OF_BODIES
    return Operation(
        method,
        path,
        name,
        "Page",
        summary,
        answers,
        body=body,
        security=((), ("pageToken",)),
        headers={MARK: "Always 1."},
        path_parameters=path_parameters or {},
    )
