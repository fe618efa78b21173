"""The endpoint that starts a lane again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import Route

from ...outbox import limits_of
from ...queues.contract import Lane, QueueFullError
from .messages import Asked, Message, PageError, answer, body_of, reader
from .operation import page_operation
from .queue_status import LaneShown, shown_lane

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import DestinationDefinition, Redactor
    from ...queues.contract import LaneStatus
    from ..operations import Operation
    from .known_accounts import KnownAccounts
    from .queue_status import QueueReadings
    from .watched_queue import WatchedQueue

PATH = "/page/api/lanes/resume"
_MOST_BYTES = 10_000
# Each lane may have asked again by itself since.
_REQUEST_ID = re.compile(r" \(request id [^)]*\)")


class AskedResume(Asked, frozen=True, kw_only=True):
    """The lane to start again."""

    account: str
    action: str


class Resumed(Message, frozen=True, kw_only=True):
    """The lane as it is now, and what happens next."""

    lane: LaneShown
    message: str


class Lanes:
    """Starts lanes again that have stopped or pause; with a lane, those of its account that the same reason stopped."""

    def __init__(
        self,
        queue: WatchedQueue,
        readings: QueueReadings,
        accounts: KnownAccounts,
        definition: DestinationDefinition,
        redactor: Redactor,
    ) -> None:
        self._queue = queue
        self._readings = readings
        self._accounts = accounts
        self._definition = definition
        self._redactor = redactor
        self._read = reader(AskedResume)

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route(PATH, self._answer, methods=["POST"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        return [page_operation("post", PATH, "resumeLane", "Start a lane again.", Resumed, body=AskedResume)]

    async def _answer(self, request: Request) -> Response:
        asked = self._read(await body_of(request, _MOST_BYTES))
        lane = Lane(asked.account, asked.action)
        async with self._queue.opened(read_only=False) as queue:
            lanes = (await queue.status()).lanes
            named = next((found for found in lanes if (found.account, found.action) == lane), None)
            if named is None:
                raise PageError(404, "no_such_lane", "There is no such lane in the outbox.")
            # Wrong credentials stop all lanes of an account, and the right ones open all of them.
            same = {Lane(each.account, each.action) for each in lanes if _is_like(each, named)} | {lane}
            try:
                for each in same:
                    await queue.mark(each)
                await queue.make_due([*same])
            except QueueFullError as error:
                raise PageError(503, "outbox_full", f"The outbox cannot be written: {error}; {error.advice}.") from None
            self._readings.forget()
            self._accounts.wake(lane.account, has_stopped=True)
            (now,) = [found for found in (await queue.status()).lanes if (found.account, found.action) == lane]
            limits = await limits_of(queue)
        shown = shown_lane(now, limits, self._definition, self._accounts)
        return answer(Resumed(lane=shown, message=self._next(lane, now.queued)), self._redactor)

    def _next(self, lane: Lane, queued: int) -> str:
        """Return what happens next, for people."""
        if not queued:
            return "The lane is open again. It holds no events."
        if self._accounts.is_sent_here(lane.account):
            return "The lane is open again, and its events are being sent."
        return (
            "The lane is open again. A service that delivers for it sends its events within a minute. "
            "If none runs, run: kable-destination deliver."
        )


def _is_like(lane: LaneStatus, named: LaneStatus) -> bool:
    """Return whether a lane has stopped for the same reason as another one of its account."""
    if not (lane.stopped and named.stopped and lane.account == named.account):
        return False
    return _REQUEST_ID.sub("", lane.error or "") == _REQUEST_ID.sub("", named.error or "")
