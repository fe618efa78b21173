"""The metrics of the service, for Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ..queues.contract import QueueFullError, QueueOpenError
from .answers import INTERNAL_ERROR, AnswerError, ErrorAnswer, error_answer
from .operations import Described, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from ..delivery.clock import Clock
    from ..observability.service_metrics import ServiceMetrics
    from ..queues.contract import Queue
    from .accounts import ServedAccounts

PATH = "/metrics"

_SECONDS = 5.0
"""How old the counts of the queue may be. Counting takes a while in a queue of many accounts, and anybody may ask."""


def service_metrics(destination: str) -> ServiceMetrics | None:
    """Return what counts, or None without the extra that it needs."""
    if find_spec("prometheus_client") is None:
        return None
    from ..observability.service_metrics import ServiceMetrics  # noqa: PLC0415 - its library comes with an extra

    return ServiceMetrics(destination)


class MetricsPage:
    """The endpoint. Without `metrics` it answers what to install."""

    def __init__(self, metrics: ServiceMetrics | None, queue: Queue, accounts: ServedAccounts, clock: Clock) -> None:
        self._metrics = metrics
        self._queue = queue
        self._accounts = accounts
        self._clock = clock
        self._counted_at: float | None = None
        self._queued: Mapping[str, int] = {}
        # Those who ask at once wait for one count.
        self._counting = asyncio.Lock()

    @property
    def count(self) -> Callable[[str, str], None] | None:
        """What counts an answer, by its endpoint and status."""
        return None if self._metrics is None else self._metrics.count_request

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route(PATH, self._answer, methods=["GET"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        answers = {
            200: Described("The metrics, as Prometheus reads them.", {"type": "string"}, "text/plain"),
            404: Described("The extra `metrics` is not installed.", ErrorAnswer),
            500: INTERNAL_ERROR,
        }
        return [Operation("get", PATH, "readMetrics", "Health", "Return metrics for Prometheus.", answers)]

    async def _answer(self, _request: Request) -> Response:
        if self._metrics is None:
            advice = "Metrics need the extra `metrics`: pip install 'kable-destination[metrics]'."
            return error_answer(AnswerError(404, "not_installed", advice))
        from ..observability.service_metrics import CONTENT_TYPE  # noqa: PLC0415 - its library comes with an extra

        async with self._counting:
            await self._count()
        waiting = {account.name: account.waiting_events for account in self._accounts}
        return Response(self._metrics.page(waiting, self._queued), media_type=CONTENT_TYPE)

    async def _count(self) -> None:
        now = self._clock.monotonic()
        if self._counted_at is not None and now - self._counted_at < _SECONDS:
            return
        # A queue that is locked or away must not hide the other metrics: its last counts stay.
        with contextlib.suppress(QueueFullError, QueueOpenError):
            self._queued = await self._queue.queued()
        self._counted_at = now
