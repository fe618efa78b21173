"""A dry run: the very requests, printed instead of sent."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from ...definitions import http_text
from ..queues.memory import MemoryQueue

if TYPE_CHECKING:
    from ...definitions import Destination
    from ..queues.contract import QueuedBatch
    from .clock import Clock
    from .dead_letter_file import LetterFile
    from .run_report import Tally


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
        self._output.write(http_text(request, self._destination.redactor))
        self._output.flush()
        self._tally.requests += 1
        self._tally.unsent += len(queued)
