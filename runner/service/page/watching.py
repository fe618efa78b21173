"""The endpoints that show a delivery: the state of its queue, and live figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from .live import LiveFigures
from .messages import answer
from .operation import page_operation
from .queue_status import StatusShown, shown_status

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import DestinationDefinition, Redactor
    from ..operations import Operation
    from .known_accounts import KnownAccounts
    from .live import Live
    from .queue_status import QueueReadings

STATUS_PATH = "/page/api/status"
LIVE_PATH = "/page/api/live"


class Watching:
    """Answers what the page shows of a delivery."""

    def __init__(
        self,
        readings: QueueReadings,
        live: Live,
        accounts: KnownAccounts,
        definition: DestinationDefinition,
        redactor: Redactor,
    ) -> None:
        self._readings = readings
        self._live = live
        self._accounts = accounts
        self._definition = definition
        self._redactor = redactor

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route(STATUS_PATH, self._answer_status, methods=["GET"]),
            Route(LIVE_PATH, self._answer_live, methods=["GET"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [
            page_operation("get", STATUS_PATH, "readStatus", "Show what the queue holds.", StatusShown),
            page_operation(
                "get",
                LIVE_PATH,
                "watchDelivery",
                "Send live figures, one message a second.",
                LiveFigures,
                media_type="text/event-stream",
            ),
        ]

    async def _answer_status(self, _request: Request) -> Response:
        reading = await self._readings.latest()
        return answer(shown_status(self._readings.name, reading, self._definition, self._accounts), self._redactor)

    async def _answer_live(self, _request: Request) -> Response:
        # A queue that is not there is found before the stream begins.
        return self._live.stream(await self._readings.latest(), self._redactor)
