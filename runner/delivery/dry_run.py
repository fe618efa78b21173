"""A dry run: the very requests, printed instead of sent."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from ..queues.memory import MemoryQueue

if TYPE_CHECKING:
    import httpx

    from ...definitions import Destination, Redactor
    from ..queues.contract import QueuedBatch
    from .clock import Clock
    from .dead_letter_file import LetterFile
    from .run_report import Tally

IMPLIED_HEADERS = frozenset({"host", "content-length"})
"""Headers that HTTP itself adds, which are not shown."""


class DryRun(MemoryQueue):
    """A queue that writes each request as HTTP would, instead of keeping it.

    Request line, headers with the secrets masked, an empty line, the body.
    """

    def __init__(
        self, output: IO[bytes], destination: Destination, tally: Tally, clock: Clock, letters: LetterFile | None
    ) -> None:
        super().__init__(clock, letters)
        self._output = output
        self._destination = destination
        self._tally = tally

    def _hold(self, queued: QueuedBatch) -> None:
        request = self._destination.request_for(queued.batch).request
        self._output.write(request_text(request, self._destination.redactor))
        self._output.flush()
        self._tally.requests += 1
        self._tally.unsent += len(queued)


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
