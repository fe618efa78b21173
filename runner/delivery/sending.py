"""Sending one leased batch until it is known what became of each of its events, or until it must wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ...definitions import (
    AnswerError,
    CredentialsError,
    PlannedRequest,
    RefusedError,
    RejectedError,
    RetryableError,
    StoppedError,
)
from ..queues.contract import Settlement, letter_of
from .notices import Occurrence
from .retry_policy import LONGEST_OBEYED, asked_wait
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from ...definitions import Destination, Result
    from ..queues.contract import Lease, Letter, Reason
    from ..transports.http import Transport
    from .clock import Clock
    from .limiter import Limiter
    from .notices import Hook, Kind
    from .retry_policy import Patience

SHORT_WAIT = 5.0
"""Waits up to so many seconds are waited for here; a longer one is left to the queue."""

_MOST_SHORT_WAITS = 3
_BUSY = frozenset({429, 503})


class Interrupted(Exception):  # noqa: N818 - it is not an error
    """What waits goes back as it is: somebody asked to stop, or the wait is long."""


@dataclass(slots=True)
class Progress:
    """What is known of a leased batch, by the positions of its events, and why its lane must stop, when it must."""

    lease: Lease
    delivered: list[int] = field(default_factory=list)
    dead: dict[int, Letter] = field(default_factory=dict)
    retry: list[int] = field(default_factory=list)
    due: float = 0.0
    attempts: int = 0
    error: AnswerError | None = None
    stopped: StoppedError | None = None

    def settlement(self) -> Settlement:
        """Tell the queue; what is not known goes back as it was."""
        return Settlement(self.lease, self.delivered, self.dead, self.retry, self.due, self.attempts, self.error)


@dataclass(frozen=True, slots=True)
class Sender:
    """Takes leased batches to their end. A list that is refused for its content is halved until the culprit is alone.

    `stopping` is set when nothing may wait any more.
    """

    destination: Destination
    transport: Transport
    patience: Patience
    clock: Clock
    tell: Hook
    stopping: asyncio.Event

    async def send(self, lease: Lease, limiter: Limiter, *, patiently: bool = True) -> Progress:
        """Send a batch; tell what became of it. It raises nothing that a server can cause.

        What fails is tried again after short waits, unless nothing got through of late: then one attempt is enough to
        see that, and each batch would wait for itself.
        """
        sending = _Sending(self, lease, limiter, short_waits=_MOST_SHORT_WAITS if patiently else 0)
        try:
            await sending.send(range(len(lease.queued)))
        except (Interrupted, asyncio.CancelledError):
            # What has been answered by now is known all the same.
            pass
        except StoppedError as error:
            sending.progress.stopped = error
            sending.progress.error = error
        return sending.progress

    async def unless_stopped(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait for something that may take long. Raises Interrupted."""
        if not await ends_before(self.stopping, waiting):
            raise Interrupted


class _Sending:
    """One lease on its way, part by part."""

    def __init__(self, sender: Sender, lease: Lease, limiter: Limiter, *, short_waits: int) -> None:
        self.progress = Progress(lease)
        self._sender = sender
        self._lease = lease
        self._limiter = limiter
        self._short_waits = short_waits
        self._credentials_are_good = False
        self._failed = 0

    async def send(self, positions: Sequence[int]) -> None:
        """Send some of the events. Raises Interrupted and StoppedError."""
        self._failed = 0
        whole = self._lease.queued
        queued = whole if len(positions) == len(whole) else whole.part(positions)
        try:
            results = await self._results(queued.request or self._sender.destination.request_for(queued.batch))
        except RejectedError as error:
            await self._refuse(positions, error, "rejected")
        except RetryableError as error:
            self._postpone(positions, error)
        else:
            common = _common_error(results)
            if isinstance(common, StoppedError):
                raise common
            if isinstance(common, RefusedError):
                await self._refuse(positions, common, "refused")
            else:
                self._take(positions, results)

    async def _results(self, planned: PlannedRequest) -> list[Result]:
        step: PlannedRequest | list[Result] = planned
        while isinstance(step, PlannedRequest):
            step = await self._answered(step)
        error = _common_error(step)
        if error is None:
            self._limiter.speed_up()
        elif isinstance(error, CredentialsError) and await self._are_credentials_good():
            message = f"{error.message} (though the credentials are good)"
            refused = RefusedError(message, status_code=error.status_code, request_id=error.request_id)
            step = [msgspec.structs.replace(result, error=refused) for result in step]
        return step

    async def _answered(self, planned: PlannedRequest) -> list[Result] | PlannedRequest:
        """Send one request, again after short waits. Raises RetryableError when the next attempt is far."""
        waits = 0
        while True:
            try:
                return await self._attempt(planned)
            except RetryableError as error:
                wait = self._fail(error)
                waits += 1
                if wait > SHORT_WAIT or waits > self._short_waits or self._is_over():
                    raise
                await self._sender.unless_stopped(self._sender.clock.sleep(wait))

    async def _attempt(self, planned: PlannedRequest) -> list[Result] | PlannedRequest:
        sender = self._sender
        await self._allowed()
        began = sender.clock.monotonic()
        status, request_id, error = None, None, None
        try:
            response = await sender.transport.send(planned.request)
            status = response.status_code
            step = sender.destination.read(planned, response)
            if isinstance(step, list):
                error, request_id = _common_error(step), step[0].request_id
        except RetryableError as failure:
            error = failure
        finally:
            self._limiter.release()
        self._tell(
            "attempted",
            events=len(planned.batch),
            attempt=self._attempts + 1,
            status=status,
            request_id=request_id,
            seconds=sender.clock.monotonic() - began,
            error=error.message if error is not None else "",
        )
        if isinstance(error, RetryableError):
            raise error
        return step

    async def _allowed(self) -> None:
        """Wait for the right to send a request. Raises Interrupted where the lane pauses for long."""
        while not self._sender.stopping.is_set() and self._limiter.pause <= SHORT_WAIT:
            if self._limiter.try_acquire():
                return
            await self._sender.unless_stopped(self._limiter.change())
        raise Interrupted

    async def _are_credentials_good(self) -> bool:
        """Ask the destination whether it accepts the credentials. Raises RetryableError when it does not say."""
        sender = self._sender
        request = sender.destination.authentication_request()
        if self._credentials_are_good or request is None:
            return self._credentials_are_good
        await self._allowed()
        try:
            response = await sender.transport.send(request)
        finally:
            self._limiter.release()
        error = sender.destination.read_authentication(response)
        if isinstance(error, RetryableError):
            self._fail(error)
            raise error
        self._credentials_are_good = error is None
        return self._credentials_are_good

    async def _refuse(self, positions: Sequence[int], error: AnswerError | RejectedError, reason: Reason) -> None:
        """Halve what was refused; what is alone is dead."""
        if len(positions) == 1:
            self._bury(positions[0], error, reason)
            return
        self._tell("halved", events=len(positions), error=error.message)
        middle = len(positions) // 2
        await self.send(positions[:middle])
        await self.send(positions[middle:])

    def _take(self, positions: Sequence[int], results: Sequence[Result]) -> None:
        """Note the result of each event."""
        if [result.error for result in results].count(None) == len(results):
            self.progress.delivered += positions
            self._tell("delivered", events=len(positions))
            return
        delivered: list[int] = []
        again: list[int] = []
        for position, result in zip(positions, results, strict=True):
            if result.error is None:
                delivered.append(position)
            elif isinstance(result.error, RetryableError):
                again.append(position)
                silence = result.error
            else:
                self._bury(position, result.error, "refused")
        self.progress.delivered += delivered
        if delivered:
            self._tell("delivered", events=len(delivered))
        if again:
            self._count_failure()
            self._postpone(again, silence)

    def _postpone(self, positions: Sequence[int], error: RetryableError) -> None:
        """Leave events for later, or give them up."""
        self.progress.error = error
        if self._is_over():
            for position in positions:
                self._bury(position, error, "exhausted")
            return
        sender, now = self._sender, self._sender.clock.now()
        asked = asked_wait(error.retry_after, now)
        obeyed = min(asked, LONGEST_OBEYED)
        wait = sender.patience.wait(self._attempts)
        due = sender.patience.due(wait, obeyed, self._lease.accepted_at, now.timestamp())
        self.progress.retry += positions
        self.progress.due = max(self.progress.due, due)
        kind: Kind = "parked" if asked > LONGEST_OBEYED else "postponed"
        self._tell(kind, events=len(positions), wait=due - now.timestamp(), asked=asked, error=error.message)

    @property
    def _attempts(self) -> int:
        return self._lease.attempts + self._failed

    def _count_failure(self) -> None:
        """Count for the part that is being sent; the batch has failed as often as the unluckiest of its parts."""
        self._failed += 1
        self.progress.attempts = max(self.progress.attempts, self._failed)

    def _fail(self, error: RetryableError) -> float:
        """Count an attempt that failed, and slow the lane down where that is asked; give the seconds to wait."""
        self._count_failure()
        wait = self._wait_after(error)
        self._slow_down(wait if error.status_code in _BUSY else 0.0)
        return wait

    def _is_over(self) -> bool:
        now = self._sender.clock.now().timestamp()
        return self._sender.patience.is_over(self._attempts, self._lease.accepted_at, now)

    def _wait_after(self, error: RetryableError) -> float:
        asked = asked_wait(error.retry_after, self._sender.clock.now())
        return max(asked, self._sender.patience.wait(self._attempts))

    def _slow_down(self, wait: float) -> None:
        """Send fewer requests at once; a server that says it is busy is left alone for a while too."""
        pause = min(wait, LONGEST_OBEYED)
        self._limiter.slow_down(pause)
        if pause:
            self._tell("slowed", wait=pause, allowed=self._limiter.allowed)

    def _bury(self, position: int, error: AnswerError | RejectedError, reason: Reason) -> None:
        self.progress.dead[position] = letter_of(self._lease.queued, position, error, reason)
        self._tell("dead", events=1, reason=reason, error=error.message)

    def _tell(self, kind: Kind, **what: Any) -> None:
        queued = self._lease.queued
        self._sender.tell(Occurrence(kind=kind, account=queued.account, action=queued.batch.action, **what))


def _common_error(results: Sequence[Result]) -> AnswerError | None:
    """Give the error that all results share because the answer spoke of the request as a whole."""
    first = results[0].error
    if first is None:
        return None
    return first if all(result.error is first for result in results) else None
