"""A dry run: the very requests, printed instead of sent."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NoReturn

from .sending import Interrupted

if TYPE_CHECKING:
    import httpx

    from ..definitions import PlannedRequest, Redactor
    from .tally import Tally

IMPLIED_HEADERS = frozenset({"host", "content-length"})
"""Headers that HTTP itself adds, which are not shown."""


class DryRun:
    """Writes each request as HTTP would: request line, headers with the secrets masked, an empty line, the body."""

    def __init__(self, output: IO[bytes], redactor: Redactor, tally: Tally) -> None:
        self._output = output
        self._redactor = redactor
        self._tally = tally

    async def send(self, planned: PlannedRequest) -> NoReturn:
        """Print the request. Raises Interrupted, since nothing was sent."""
        self._tally.requests += 1
        self._output.write(request_text(planned.request, self._redactor))
        self._output.flush()
        raise Interrupted

    def stop(self) -> None:
        """Do nothing: nothing waits."""


def request_text(request: httpx.Request, redactor: Redactor) -> bytes:
    """Write a request as text; the body stands on a line of its own, byte for byte unless it holds a secret."""
    lines = [f"{request.method} {request.url}"]
    lines += [
        f"{name.decode('ascii')}: {redactor.text(value.decode('latin-1'))}"
        for name, value in request.headers.raw
        if name.decode("ascii").lower() not in IMPLIED_HEADERS
    ]
    body = request.content
    shown = redactor.text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return "\n".join(lines).encode() + b"\n\n" + shown + b"\n\n"
