"""The dry run: a sink after the planner that prints requests instead of queueing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..queues.recent_ids import RecentIds
from .receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from io import RawIOBase

    import httpx

    from ...definitions import Destination, PlannedRequest
    from ..queues.contract import DeadLetter
    from ..sources.contract import Chunk
    from .run_report import RunReport


class DryRun:
    """Accepts chunks like an acceptor, and prints the requests that carry their events.

    An event whose ID was printed before is not printed again, and counts as a duplicate.
    """

    def __init__(
        self,
        output: RawIOBase,
        destination: Destination,
        report: RunReport,
        show: Callable[[httpx.Request], bytes],
        *,
        batch_size: int | None = None,
        counts_nobodies: bool = False,
        write_dead_letter: Callable[[DeadLetter, str | None], None] = lambda _letter, _reason: None,
    ) -> None:
        self._output = output
        self._destination = destination
        self._planner = destination.planner(max_events=batch_size)
        self._report = report
        self._counts_nobodies = counts_nobodies
        self._show = show
        self._write_dead_letter = write_dead_letter
        self._seen = RecentIds()

    async def accept(self, chunk: Chunk, *, patient: bool = False) -> Receipt:  # noqa: ARG002 - nothing is ever full
        """Print the requests of a chunk, and return its receipt."""
        receipt = Receipt(chunk, self._counts_nobodies)
        receipt.reject_unreadable("")
        for plan in (self._planner.feed_texts(chunk.texts, chunk.places), self._planner.flush()):
            receipt.misspelt_flags |= plan.misspelt_flags
            for outcome in plan.turned_down:
                receipt.note(outcome, outcome.index, "")
            self._print(plan.requests)
        self._report.note_receipts([receipt])
        for letter in receipt.rejected:
            self._write_dead_letter(letter, None)
        return receipt

    def _print(self, requests: Iterable[PlannedRequest]) -> None:
        for planned in requests:
            batch = planned.batch
            fresh = [at for at, key in enumerate(batch.idempotency_keys) if key is None or self._is_new(key)]
            self._report.duplicates += len(batch) - len(fresh)
            self._report.unsent += len(batch)
            if not fresh:
                continue
            shown = planned if len(fresh) == len(batch) else self._destination.request_for(batch.part(fresh))
            self._output.write(self._show(shown.request))
            self._report.requests += 1

    def _is_new(self, key: str) -> bool:
        if self._seen.find(key) is not None:
            return False
        self._seen.add((key,), 1)
        return True
