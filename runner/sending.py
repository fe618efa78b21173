"""One planned request on its way: sent, sent again while that makes sense, until there is a result for each event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from ..definitions import PlannedRequest, Result, RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..definitions import Destination, RetryAfter
    from .clock import Clock
    from .tally import Tally
    from .transport import Transport

LONGEST_WAIT = 60.0
"""Seconds. A server that asks for more patience is not asked again in this run."""

_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 10.0


class Interrupted(Exception):  # noqa: N818 - not an error: somebody asked
    """The run is stopping, and this request was waiting for its next attempt."""


class Sender:
    """Sends planned requests, with randomised exponential backoff that never comes earlier than `Retry-After`."""

    def __init__(
        self, destination: Destination, transport: Transport, *, attempts: int, clock: Clock, tally: Tally
    ) -> None:
        self._destination = destination
        self._transport = transport
        self._attempts = attempts
        self._clock = clock
        self._tally = tally
        self._stopping = asyncio.Event()
        self._backoff = wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_BACKOFF)

    def stop(self) -> None:
        """Let nothing wait for another attempt any more."""
        self._stopping.set()

    async def send(self, planned: PlannedRequest) -> list[Result]:
        """Send a request, and what follows in its exchange. Raises Interrupted."""
        step: PlannedRequest | list[Result] = planned
        while isinstance(step, PlannedRequest):
            step = await self._send_until_settled(step)
        return step

    async def _send_until_settled(self, planned: PlannedRequest) -> list[Result] | PlannedRequest:
        retrying = AsyncRetrying(
            sleep=self._wait,
            wait=self._seconds_to_wait,
            stop=_either(stop_after_attempt(self._attempts), self._asked_for_too_long),
            retry=retry_if_exception_type(RetryableError),
            before_sleep=self._count_retry,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, planned)
        except RetryableError as error:
            return [
                Result(index, planned.action, subscription, error, error.status_code, error.request_id)
                for index, subscription in zip(planned.indexes, planned.subscriptions, strict=True)
            ]

    async def _attempt(self, planned: PlannedRequest) -> list[Result] | PlannedRequest:
        self._tally.requests += 1
        response = await self._transport.send(planned.request)
        step = self._destination.read(planned, response)
        if isinstance(step, list):
            for result in step:
                if isinstance(result.error, RetryableError):
                    raise result.error
        return step

    def _seconds_to_wait(self, state: RetryCallState) -> float:
        return max(self._backoff(state), self._asked_wait(_error_of(state).retry_after))

    def _asked_for_too_long(self, state: RetryCallState) -> bool:
        return self._asked_wait(_error_of(state).retry_after) > LONGEST_WAIT

    def _asked_wait(self, asked: RetryAfter) -> float:
        if asked.moment is not None:
            return max(0.0, (asked.moment - self._clock.now()).total_seconds())
        return asked.seconds or 0.0

    def _count_retry(self, _state: RetryCallState) -> None:
        self._tally.retries += 1

    async def _wait(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
        if self._stopping.is_set():
            raise Interrupted


def _error_of(state: RetryCallState) -> RetryableError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, RetryableError)  # noqa: S101 - the only class that is retried
    return error


def _either(
    first: Callable[[RetryCallState], bool], second: Callable[[RetryCallState], bool]
) -> Callable[[RetryCallState], bool]:
    return lambda state: first(state) or second(state)
