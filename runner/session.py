"""The session: everything that a sending command needs, opened together and closed together.

It opens queue and transport, builds the policies, and handles signals. Every command that sends uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from ..definitions import AnswerError, Problem, SetupError, http_text, read_base_url
from .delivery.clock import SystemClock
from .delivery.delivery import Delivery, Rules
from .delivery.dry_run import DryRun
from .delivery.intake import Intake
from .delivery.notices import Notice, to_all
from .delivery.replay import ReplayReport, replay_letters
from .delivery.retry_policy import SECONDS_AN_HOUR, RetryPolicy
from .delivery.run_report import RunReport
from .intent import LiveIntent
from .outbox import kept_id_days, opened_queue, outbox_may_exist
from .planners.opening import planners_for
from .queues.contract import Lane, QueueFullError
from .transports.environment import check_environment
from .transports.http import HttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from io import RawIOBase

    from ..definitions import Destination
    from .configuration.delivery_options import DeliveryOptions
    from .configuration.recipe import Recipe
    from .delivery.acceptor import Acceptor
    from .delivery.clock import Clock
    from .delivery.notices import Observer
    from .delivery.planned_puts import PlannedPuts
    from .planners.server import PlannerServer
    from .queues.contract import DeadLetter, DeadLetterFilter, Queue
    from .sources.contract import Source
    from .transports.contract import Transport

_OBJECTS_BEFORE_COLLECTION = 200_000
_SWITCH_SECONDS = 0.00002
_MOST_CONNECTIONS = 100
"""Requests in flight of all accounts of a service together."""

_HANGUP = getattr(signal, "SIGHUP", None)
_ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Session:
    """One run of a sending command. Open it with `open_session`."""

    def __init__(
        self,
        destination: Destination,
        options: DeliveryOptions,
        queue: Queue,
        delivery: Delivery,
        report: RunReport,
        *,
        sends: bool = True,
    ) -> None:
        self.destination = destination
        self.queue = queue
        self.report = report
        self._options = options
        self._delivery = delivery
        self._sends = sends

    async def run(self, sources: Sequence[Source]) -> AnswerError | None:
        """Deliver the events of some sources and of the queue; return why the run ended early, if it did."""
        self._require_sending()
        with handled_signals(self._delivery.interrupt):
            return await self._delivery.run(sources)

    async def feed(self, feeding: Callable[[PlannedPuts], Awaitable[None]]) -> AnswerError | None:
        """Deliver what `feeding` puts that plans by itself, and the rest of the queue, as `run` does."""
        self._require_sending()
        with handled_signals(self._delivery.interrupt):
            return await self._delivery.feed(feeding)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Acceptor]:
        """Deliver what the acceptor accepts during the block, and then the rest of the queue."""
        self._require_sending()
        with handled_signals(self._delivery.interrupt):
            async with self._delivery.running() as acceptor:
                yield acceptor

    def interrupt(self) -> None:
        """End the run cleanly, as SIGTERM does: requests in flight may finish, the rest stays queued."""
        self._delivery.interrupt()

    async def replay(self, chosen: DeadLetterFilter, *, dry_run: bool = False) -> ReplayReport:
        """Queue dead letters again, some at a time; a dry run only counts. Raises SetupError if the queue is full."""
        if not dry_run:
            self._require_sending()
        letters, report = self.queue.dead_letters, ReplayReport()
        try:
            await replay_letters(
                letters,
                await letters.ids(chosen),
                self.destination,
                self._delivery.account,
                report=report,
                next_token=None if dry_run else self._delivery.next_token,
                batch_size=self._options.batch_size,
            )
        except QueueFullError as error:
            stay = f"the remaining dead letters stay, so {error.advice} and run again"
            raise SetupError.of([Problem("outbox", f"accepts no more events: {error}; {stay}")]) from None
        return report

    async def make_due(self) -> int:
        """Make all events of this account due now; return how many were due later."""
        lanes = [Lane(self._delivery.account, action) for action in self.destination.definition.actions]
        return await self.queue.make_due(lanes)

    async def waiting(self) -> int:
        """Return how many events of this account are queued and not being sent."""
        lanes = (await self.queue.status()).lanes
        return sum(lane.queued - lane.leased for lane in lanes if lane.account == self._delivery.account)

    def _require_sending(self) -> None:
        if not self._sends:
            raise RuntimeError("this session was opened for a dry run")


@contextlib.asynccontextmanager
async def open_session(
    destination: Destination,
    options: DeliveryOptions,
    *,
    observers: Sequence[Observer] = (),
    report: RunReport | None = None,
    write_dead_letter: Callable[[DeadLetter, str | None], None] = lambda _letter, _reason: None,
    clock: Clock | None = None,
    transport: Transport | None = None,
    create: bool = True,
    intent: LiveIntent | None = None,
    dry_run: bool = False,
    recipe: Recipe | None = None,
    planner_server: PlannerServer | None = None,
) -> AsyncIterator[Session]:
    """Open everything that a sending command needs. A session for a dry run sends nothing.

    Raises SetupError, and LiveIntentError if real customers would be billed and neither the options nor the intent
    allow it. Then no outbox was made, and nothing was accepted.

    Large inputs are planned by other processes. `planner_server` forks them (see `fork_planner_server`); without it,
    `recipe` sets up the same destination in a fresh one. Without either, everything is planned in this process.
    """
    clock = clock or SystemClock()
    report = report or RunReport()
    report.describe(destination)
    intent = intent or LiveIntent()
    if options.live:
        intent = replace(intent, is_meant=True)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(suited_interpreter())
        if transport is None:
            # Before the queue: a proxy that cannot be used is found before anything is accepted.
            transport = await stack.enter_async_context(http_transport(destination, options))
        if create and not dry_run and not outbox_may_exist(options):
            await intent.check(destination, None, clock)
        queue = await stack.enter_async_context(opened_queue(options, clock, create=create))
        if not dry_run:
            await intent.check(destination, queue, clock)
        salt = await queue.salt()
        planners = planners_for(destination, options, recipe, planner_server, to_all(observers), salt=salt)
        if planners is not None:
            await stack.enter_async_context(planners)
        delivery = Delivery(
            destination,
            queue,
            transport,
            rules_of(options),
            report=report,
            clock=clock,
            observers=observers,
            write_dead_letter=write_dead_letter,
            planners=planners,
        )
        if not dry_run:
            name = report.environment or ""
            to_all(observers)(Notice(kind="started", account=delivery.account, environment=name, host=destination.host))
        yield Session(destination, options, queue, delivery, report, sends=not dry_run)


async def print_requests(
    destination: Destination,
    options: DeliveryOptions,
    sources: Sequence[Source],
    report: RunReport,
    output: RawIOBase,
    *,
    write_dead_letter: Callable[[DeadLetter, str | None], None] = lambda _letter, _reason: None,
) -> None:
    """Print the requests that a run would send."""
    report.describe(destination)
    dry_run = DryRun(
        output,
        destination,
        report,
        lambda request: http_text(request, destination.redactor),
        batch_size=options.batch_size,
        counts_nobodies=options.on_missing_client_id == "count",
        write_dead_letter=write_dead_letter,
    )
    intake = Intake(dry_run, clock=SystemClock())
    await intake.run(sources)
    report.sources = intake.results


def http_transport(destination: Destination, options: DeliveryOptions) -> HttpTransport:
    """Return the transport. Proxies of the environment are used for https.

    Raises SetupError if the environment names a proxy or certificates that cannot be used.
    """
    address = destination.address
    check_environment(address, os.environ)
    return HttpTransport(
        connections=options.concurrency * max(1, len(destination.definition.actions)),
        timeout=options.timeout,
        trust_environment=address.scheme == "https",
    )


async def check_credentials(destination: Destination, options: DeliveryOptions) -> AnswerError | None:
    """Ask the destination whether it accepts the credentials; return None if it does, or cannot be asked."""
    request = destination.authentication_request()
    if request is None:
        return None
    async with http_transport(destination, options) as http:
        try:
            return destination.read_authentication(await http.send(request))
        except AnswerError as error:
            return error


def service_transport(options: DeliveryOptions) -> HttpTransport:
    """Return a transport for many accounts at any of the destination's hosts. Raises SetupError, likewise."""
    if options.base_url is not None:
        check_environment(read_base_url(options.base_url), os.environ)
    return HttpTransport(connections=_MOST_CONNECTIONS, timeout=options.timeout, trust_environment=True)


def rules_of(options: DeliveryOptions, *, is_endless: bool = False) -> Rules:
    """Return the rules of a run, or of a service, which is endless."""
    if options.outbox:
        policy = RetryPolicy(seconds=options.give_up_hours * SECONDS_AN_HOUR)
    else:
        policy = RetryPolicy(seconds=None, attempts=options.attempts)
    return Rules(
        policy,
        batch_size=options.batch_size,
        concurrency=options.concurrency,
        rate=options.rate,
        longest_wait=None if is_endless else options.wait,
        grace=options.grace,
        keep_days=kept_id_days(options),
        allow_old=options.allow_old,
        counts_nobodies=options.on_missing_client_id == "count",
    )


@contextlib.contextmanager
def handled_signals(interrupt: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """Let SIGTERM, Ctrl-C and the end of a terminal (SIGHUP) end a run cleanly.

    A service has no terminal: there, SIGHUP asks it to `reload` its configuration.
    """
    loop = asyncio.get_running_loop()
    handled = []
    for number in _ENDING_SIGNALS:
        is_reload = number == _HANGUP and reload is not None
        # The user may want the run to continue, as with nohup.
        if number == _HANGUP and not is_reload and signal.getsignal(number) is signal.SIG_IGN:
            continue
        # Not every platform and thread can; there, Ctrl-C simply ends the program.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, reload if is_reload and reload is not None else interrupt)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def suited_interpreter() -> Iterator[None]:
    """Let Python collect cycles less often, since events make none, and let its threads take turns sooner.

    One thread plans and one writes to the outbox. SQLite gives its turn away with each statement, so a commit would
    wait 5 ms many times: with 20 µs, the answers of a busy service come in a third of the time.
    """
    thresholds, seconds = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, *thresholds[1:])
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(seconds)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
