"""Whether the service is alive, and whether it takes events."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Literal

import msgspec
from starlette.routing import Route

from ..queues.contract import Put, QueueFullError, QueueOpenError, Token
from .answers import INTERNAL_ERROR, json_answer
from .operations import Described, Operation

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ..delivery.clock import Clock
    from ..queues.contract import Queue
    from .accounts import Waiting

_RECORD = "service/ready"
_SECONDS = 1.0


class HealthAnswer(msgspec.Struct, omit_defaults=True):
    """How the service is, and why, if it takes no events."""

    status: Literal["alive", "ready", "ending", "full"]
    message: str = ""


class Health:
    """Answers the questions of a load balancer or an orchestrator. `waiting` knows of events that found no room."""

    def __init__(self, queue: Queue, waiting: Waiting, clock: Clock) -> None:
        self._queue = queue
        self._waiting = waiting
        self._clock = clock
        self._token = Token(secrets.randbits(62), 0)
        self._asked_at: float | None = None
        self._problem: str | None = None
        self._is_ending = False

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/healthz", self._alive, methods=["GET"]),
            Route("/readyz", self._ready, methods=["GET"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        alive = {200: Described("This process runs.", HealthAnswer), 500: INTERNAL_ERROR}
        ready = {
            200: Described("The service takes events.", HealthAnswer),
            500: INTERNAL_ERROR,
            503: Described("It takes none: the queue is full, or it is about to end.", HealthAnswer),
        }
        return [
            Operation("get", "/healthz", "isAlive", "Health", "Say whether the service is alive.", alive),
            Operation("get", "/readyz", "isReady", "Health", "Say whether the service takes events.", ready),
        ]

    def end(self) -> None:
        """Be ready no more: the service is about to end."""
        self._is_ending = True

    async def _alive(self, _request: Request) -> Response:
        """Answer that this process runs."""
        return json_answer(200, HealthAnswer("alive"))

    async def _ready(self, _request: Request) -> Response:
        """Answer whether events are taken: something is written to the queue, at most once a second."""
        if self._is_ending:
            return json_answer(503, HealthAnswer("ending", "The service is about to end."))
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= _SECONDS:
            self._asked_at = now
            self._problem = await self._try()
        problem = self._take_refusal() or self._problem
        if problem is not None:
            return json_answer(503, HealthAnswer("full", problem))
        return json_answer(200, HealthAnswer("ready"))

    def _take_refusal(self) -> str | None:
        """Return why events were refused since the last look. Only another event shows whether there is room by now."""
        full, self._waiting.full = self._waiting.full, None
        return None if full is None else f"The queue takes no events: {full}."

    async def _try(self) -> str | None:
        """Return why nothing can be written to the queue; None if it can."""
        self._token = self._token._replace(number=self._token.number + 1)
        value = json.dumps({"at": self._clock.now().timestamp()}).encode()
        try:
            await self._queue.put(Put(self._token, records={_RECORD: value}))
        except (QueueFullError, QueueOpenError) as error:
            return f"The queue takes no events: {error}."
        return None
