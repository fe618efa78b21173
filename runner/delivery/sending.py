"""Sending one leased batch until the result of each of its events is known, or until it must wait."""

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
    UnexpectedAnswerError,
)
from ..queues.contract import Settlement, dead_letter_of
from .notices import Notice, dead_notice
from .retry_policy import LONGEST_OBEYED, asked_wait
from .waiting import ends_before

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from ...definitions import Destination, Result
    from ..queues.contract import DeadLetter, Lease, Reason
    from ..transports.contract import Transport
    from .clock import Clock
    from .limiter import Limiter
    from .notices import Kind, Observer
    from .retry_policy import RetryPolicy

SHORT_WAIT = 5.0
"""Waits up to so many seconds are waited for here; a longer one is left to the queue."""

_MOST_SHORT_WAITS = 3
_BUSY = frozenset({429, 503})
_CLIENT_ERRORS = range(400, 500)


class Interrupted(Exception):  # noqa: N818 - it is not an error
    """Sending ends here, and the rest stays queued as it is: somebody asked to stop, or the wait is long."""


@dataclass(slots=True)
class Progress:
    """What is known of a leased batch, by the positions of its events.

    - `stopped`: why the lane must stop.
    - `is_doubtful`: the response that says so may be about the content of this batch.
    - `is_content`: another batch got through, so such a response is about the content.
    - `may_wait`: what fails may be tried again later; if not, it becomes a dead letter.
    - `is_probing`: there is no other batch, so an event of this one that gets through shows the same.
    """

    lease: Lease
    delivered: list[int] = field(default_factory=list)
    dead: dict[int, DeadLetter] = field(default_factory=dict)
    retry: list[int] = field(default_factory=list)
    due: float = 0.0
    attempts: int = 0
    error: AnswerError | None = None
    stopped: StoppedError | None = None
    is_doubtful: bool = False
    is_content: bool = False
    may_wait: bool = True
    is_probing: bool = False

    @property
    def positions(self) -> Sequence[int]:
        """Which events have no result yet."""
        count = self.lease.queued.count
        if not self.delivered and not self.dead and not self.retry:
            return range(count)
        done = {*self.delivered, *self.dead, *self.retry}
        return [position for position in range(count) if position not in done]

    def settlement(self) -> Settlement:
        """Return what the queue must know. Events that are not named stay queued."""
        return Settlement(self.lease, self.delivered, self.dead, self.retry, self.due, self.attempts, self.error)


@dataclass(slots=True)
class Sender:
    """Sends leased batches. A batch that is refused for its content is halved until the faulty event is alone.

    `destination` may be replaced by one with other credentials. `stopping` is set when nothing may wait any more. No
    wait is longer than `longest_wait` seconds.
    """

    destination: Destination
    transport: Transport
    policy: RetryPolicy
    clock: Clock
    notify: Observer
    stopping: asyncio.Event
    longest_wait: float = SHORT_WAIT

    async def send(self, progress: Progress, limiter: Limiter, *, patiently: bool = True) -> None:
        """Send what is left of a batch, and note the results. Raises nothing that a server can cause.

        A failed request is sent again after a short wait, a few times (`patiently`). When nothing got through lately,
        one attempt shows that as well, and each batch would wait for itself.
        """
        sending = _Sending(self, progress, limiter, short_waits=_MOST_SHORT_WAITS if patiently else 0)
        try:
            await (sending.probe if progress.is_probing else sending.send)(progress.positions)
        except (Interrupted, asyncio.CancelledError):
            # The results that are known by now are kept.
            pass
        except StoppedError as error:
            _forget_frames(error)
            progress.stopped = error
            progress.error = error

    async def unless_stopped(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait for something that may take long. Raises Interrupted when the run is stopped first."""
        if not await ends_before(self.stopping, waiting):
            raise Interrupted


class _Sending:
    """One lease on its way, part by part."""

    def __init__(self, sender: Sender, progress: Progress, limiter: Limiter, *, short_waits: int) -> None:
        self.progress = progress
        self._sender = sender
        self._lease = progress.lease
        self._limiter = limiter
        self._short_waits = short_waits
        self._credentials_are_good = False
        self._failed = 0

    async def send(self, positions: Sequence[int]) -> None:
        """Send some of the events. Raises Interrupted and StoppedError."""
        self._failed = 0
        whole = self._lease.queued
        queued = whole if len(positions) == whole.count else whole.part(positions)
        try:
            results = await self._results(queued.request or self._sender.destination.request_for(queued.batch))
        except RejectedError as error:
            await self._refuse(positions, error, "rejected")
        except RetryableError as error:
            _forget_frames(error)
            self._postpone(positions, error)
        else:
            common = _common_error(results)
            if isinstance(common, StoppedError):
                common = self._refusal(common)
            if isinstance(common, RefusedError):
                await self._refuse(positions, common, "refused")
            else:
                self._take(positions, results)

    async def probe(self, positions: Sequence[int]) -> None:
        """Send the first event alone, or else the last: if one gets through, what refuses the batch is its content.

        Raises Interrupted, and StoppedError if none gets through.
        """
        progress, refusal = self.progress, None
        for position in (positions[0], positions[-1]):
            try:
                await self.send([position])
            except StoppedError as error:
                refusal = error
                if self._lease.queued.batch.shard is not None:
                    # Later events of a key must not overtake earlier ones.
                    break
            if position in progress.delivered:
                progress.is_doubtful, progress.is_content = False, True
                await self.send(progress.positions)
                return
        if refusal is not None:
            raise refusal

    def _refusal(self, error: StoppedError) -> RefusedError:
        """Return the refusal that a response means which would stop the lane. Raises the error if it may mean that."""
        status = error.status_code or 0
        is_tested = isinstance(error, CredentialsError) and self._sender.destination.definition.authentication.test
        if is_tested or not (status in _CLIENT_ERRORS or isinstance(error, UnexpectedAnswerError)):
            raise error
        if not self.progress.is_content:
            self.progress.is_doubtful = True
            raise error
        message = f"{error.message} (though other batches get through)"
        return RefusedError(message, status_code=error.status_code, request_id=error.request_id)

    async def _results(self, planned: PlannedRequest) -> list[Result]:
        step: PlannedRequest | list[Result] = planned
        while isinstance(step, PlannedRequest):
            step = await self._answered(step)
        error = _common_error(step)
        if isinstance(error, CredentialsError) and await self._are_credentials_good():
            message = f"{error.message} (though the credentials are good)"
            refused = RefusedError(message, status_code=error.status_code, request_id=error.request_id)
            step = [msgspec.structs.replace(result, error=refused) for result in step]
        return step

    async def _answered(self, planned: PlannedRequest) -> list[Result] | PlannedRequest:
        """Send one request, again after short waits. Raises RetryableError if the next attempt must wait longer."""
        waits = 0
        while True:
            try:
                return await self._attempt(planned)
            except RetryableError as error:
                _forget_frames(error)
                wait = self._fail(error)
                waits += 1
                if wait > self._sender.longest_wait or waits > self._short_waits or self._is_over():
                    raise
                await self._sender.unless_stopped(self._sender.clock.sleep(wait))

    async def _attempt(self, planned: PlannedRequest) -> list[Result] | PlannedRequest:
        sender = self._sender
        await self._allowed()
        began = sender.clock.monotonic()
        status, request_id, error, good = None, None, None, None
        try:
            response = await sender.transport.send(planned.request)
            status, seconds = response.status_code, sender.clock.monotonic() - began
            step = sender.destination.read(planned, response)
            if isinstance(step, list):
                error, request_id = _common_error(step), step[0].request_id
            good = seconds if error is None else None
        except RetryableError as failure:
            error, seconds = failure, sender.clock.monotonic() - began
        finally:
            self._limiter.release(good)
        self._notify(
            "attempted",
            events=len(planned.batch.indexes),
            attempt=self._attempts + 1,
            status=status,
            request_id=request_id,
            seconds=seconds,
            error=error.message if error is not None else "",
        )
        if isinstance(error, RetryableError):
            raise error
        return step

    async def _allowed(self) -> None:
        """Wait for the right to send a request. Raises Interrupted if the lane pauses for long."""
        while not self._sender.stopping.is_set() and self._limiter.pause <= self._sender.longest_wait:
            if self._limiter.try_acquire():
                return
            await self._sender.unless_stopped(self._limiter.change())
        raise Interrupted

    async def _are_credentials_good(self) -> bool:
        """Ask the destination whether it accepts the credentials. Raises RetryableError if it does not say."""
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
        """Halve what was refused; an event that was refused alone is dead."""
        if len(positions) == 1:
            self._bury(positions[0], error, reason)
            return
        self._notify("halved", events=len(positions), error=error.message)
        middle = len(positions) // 2
        await self.send(positions[:middle])
        if self._lease.queued.batch.shard is not None and self.progress.retry:
            # Later events of a key must not overtake earlier ones that wait for the next attempt.
            return
        await self.send(positions[middle:])

    def _take(self, positions: Sequence[int], results: Sequence[Result]) -> None:
        """Take over the result of each event."""
        if [result.error for result in results].count(None) == len(results):
            self.progress.delivered += positions
            self._notify("delivered", events=len(positions))
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
            self._notify("delivered", events=len(delivered))
        if again:
            self._count_failure()
            self._postpone(again, silence)

    def _postpone(self, positions: Sequence[int], error: RetryableError) -> None:
        """Leave events in the queue for later, or give them up."""
        self.progress.error = error
        if self._is_over() or not self.progress.may_wait:
            for position in positions:
                self._bury(position, error, "exhausted")
            return
        sender, now = self._sender, self._sender.clock.now()
        asked = asked_wait(error.retry_after, now)
        obeyed = min(asked, LONGEST_OBEYED)
        wait = sender.policy.wait(self._attempts)
        due = sender.policy.due(wait, obeyed, self._lease.accepted_at, now.timestamp())
        self.progress.retry += positions
        self.progress.due = max(self.progress.due, due)
        kind: Kind = "parked" if asked > LONGEST_OBEYED else "postponed"
        self._notify(kind, events=len(positions), wait=due - now.timestamp(), asked=asked, error=error.message)

    @property
    def _attempts(self) -> int:
        return self._lease.attempts + self._failed

    def _count_failure(self) -> None:
        """Count for the part that is being sent. A batch has failed as often as the part that failed most."""
        self._failed += 1
        self.progress.attempts = max(self.progress.attempts, self._failed)

    def _fail(self, error: RetryableError) -> float:
        """Count a failed attempt, slow the lane down, and return the seconds to wait."""
        self._count_failure()
        asked = asked_wait(error.retry_after, self._sender.clock.now())
        wait = max(asked, self._sender.policy.wait(self._attempts))
        if error.status_code in _BUSY:
            self._leave_alone(wait, asked)
        else:
            self._limiter.slow_down(0.0)
        return wait

    def _is_over(self) -> bool:
        now = self._sender.clock.now().timestamp()
        return self._sender.policy.is_over(self._attempts, self._lease.accepted_at, now)

    def _leave_alone(self, wait: float, asked: float) -> None:
        """Leave a server alone for a while, since it says that it is busy, and send fewer requests after that."""
        pause = min(wait, LONGEST_OBEYED)
        self._limiter.slow_down(pause, asked=min(asked, LONGEST_OBEYED))
        self._notify("slowed", wait=pause, in_flight=self._limiter.allowed, per_second=self._limiter.per_second)

    def _bury(self, position: int, error: AnswerError | RejectedError, reason: Reason) -> None:
        letter = self.progress.dead[position] = dead_letter_of(self._lease.queued, position, error, reason)
        self._sender.notify(dead_notice(letter))

    def _notify(self, kind: Kind, **what: Any) -> None:
        queued = self._lease.queued
        self._sender.notify(Notice(kind=kind, account=queued.account, action=queued.batch.action, **what))


def _forget_frames(error: AnswerError) -> None:
    """Cut the traceback off an error that was caught.

    Its frames hold the error itself, and the batch. Cycles are collected very rarely during a run, so with a server
    that is down every batch would stay in memory.
    """
    error.__traceback__ = None
    error.__context__ = None


def _common_error(results: Sequence[Result]) -> AnswerError | None:
    """Return the error that all results share because the response was about the request as a whole."""
    first = results[0].error
    if first is None:
        return None
    return first if all(result.error is first for result in results) else None
