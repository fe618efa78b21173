"""A run of `audience sync`, from its list to its outcome."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from .exit_codes import FAILED, INTERRUPTED, OK
from .output import inform
from .synced import Synced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ...definitions import AnswerError, Destination
    from ..audience.changes import ChangeFile
    from ..audience.members import Members
    from ..audience.members_read import SortedMembers
    from ..audience.sorting import LineSorter
    from ..configuration.configuration import Configuration
    from ..delivery.notices import Observer
    from ..delivery.planned_puts import PlannedPuts
    from ..delivery.run_report import RunReport
    from ..intent import LiveIntent
    from ..observability.options import ObserverOptions
    from ..queues.contract import Audience, AudienceHeldError, Audiences
    from ..session import Session
    from .audience_options import Wanted


@dataclass(frozen=True, slots=True)
class Delivering:
    """What a session of a sync is opened with."""

    configuration: Configuration
    destination: Destination
    report: RunReport
    observers: list[Observer]
    intent: LiveIntent | None

    def session(self, *, create: bool = True) -> AbstractAsyncContextManager[Session]:
        """Return the session, to be opened."""
        from ..session import open_session

        return open_session(
            self.destination,
            self.configuration.delivery,
            observers=self.observers,
            report=self.report,
            intent=self.intent,
            create=create,
        )


def sync(
    configuration: Configuration,
    wanted: Wanted,
    observing: ObserverOptions,
    *,
    report_file: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Sync an audience, and return the exit code. Raises SetupError if the list is refused."""
    from ..audience.changes import ChangeFile
    from ..audience.sorting import LineSorter
    from ..configuration.targets import shown_target
    from ..delivery.run_report import RunReport
    from ..event_loop import run_in_loop
    from .audience_output import print_dry_run, print_synced
    from .progress import Reading
    from .run_outcome import exit_code
    from .watching import watching

    destination = prepared(configuration, wanted)
    source = wanted.source()
    _check_files(configuration, wanted, report_file)
    intent = None if dry_run else _intent(configuration, destination, wanted)
    with LineSorter() as sorter, ChangeFile() as changes:
        if dry_run:
            synced = compare_only(configuration, destination, wanted, read_list(source, sorter), changes)
            print_dry_run(synced, configuration, as_json=as_json)
            return OK
        members, report = read_list(source, sorter), RunReport()
        inform(f"delivering to {shown_target(destination)}", error=as_json)
        with refusals(), watching(configuration, destination, observing, report, Reading((), None)) as observers:
            delivering = Delivering(configuration, destination, report, observers, intent)
            synced = run_in_loop(_run(delivering, wanted, members, changes))
        print_synced(synced, report, destination, configuration, report_file, as_json=as_json)
    is_done = synced.sent is not None and synced.sent.is_complete and not synced.sent.refused
    return exit_code(synced.ended, report) or (OK if is_done else FAILED)


def prepared(configuration: Configuration, wanted: Wanted) -> Destination:
    """Return the destination. Raises SetupError, also if it is sure already that nothing would be sent."""
    from ..delivery.delivery import account_of
    from ..outbox import outbox_may_exist, require_outbox
    from .delivering import warn_of_mistakes

    wanted.check()
    destination = configuration.set_up()
    warn_of_mistakes(destination)
    if not outbox_may_exist(require_outbox(configuration.delivery)):
        # Nothing is stored, so the audience is what the options say.
        _require_subscription(destination, wanted.audience(account_of(destination), None))
    return destination


async def _resolved(destination: Destination, wanted: Wanted, audiences: Audiences) -> tuple[Audience, Audience | None]:
    """Return the audience as the options say, and as it is stored, if it is."""
    from ..delivery.delivery import account_of

    account = account_of(destination)
    stored = await audiences.find(account, wanted.title)
    audience = wanted.audience(account, stored)
    _require_subscription(destination, audience)
    return audience, stored


def read_list(source: Members, sorter: LineSorter) -> SortedMembers:
    """Read a list to its end. Raises SetupError if it cannot be used; Ctrl-C ends the command."""
    from ..audience.members_read import read_members

    try:
        with refusals():
            return read_members(source, sorter)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Raise SetupError for what is wrong with a list or an audience, as all commands do."""
    from ...definitions import Problem, SetupError
    from ..audience.members import MembersError
    from ..queues.contract import AudienceHeldError, AudienceNameError

    try:
        yield
    except (MembersError, AudienceHeldError, AudienceNameError) as error:
        raise SetupError.of([Problem("", str(error))]) from None


def compare_only(
    configuration: Configuration, destination: Destination, wanted: Wanted, members: SortedMembers, changes: ChangeFile
) -> Synced:
    """Compare a list with what was sent, and change nothing. Raises SetupError if the list is refused."""
    from ..audience.sync import compared
    from ..event_loop import run_in_loop
    from ..outbox import opened_queue, outbox_may_exist

    async def compare() -> Synced:
        # Without an outbox nothing was sent, and none is made.
        options, exists = configuration.delivery, outbox_may_exist(configuration.delivery)
        reading = options if exists else options.model_copy(update={"outbox": None})
        async with opened_queue(reading, create=False, read_only=True) as queue:
            audience, stored = await _resolved(destination, wanted, queue.audiences)
            comparison = await compared(members, stored, queue.audiences, changes, most_removed=wanted.max_removed)
            return Synced(stored or audience, members, comparison)

    with refusals():
        return run_in_loop(compare())


async def _run(delivering: Delivering, wanted: Wanted, members: SortedMembers, changes: ChangeFile) -> Synced:
    """Compare under a hold, and send what differs."""
    from ..audience.sync import Sync, compared, held
    from ..delivery.clock import SystemClock
    from ..queues.contract import AudienceHeldError

    options, clock = delivering.configuration.delivery, SystemClock()
    async with delivering.session() as session:
        audiences = session.queue.audiences
        audience, _ = await _resolved(delivering.destination, wanted, audiences)
        async with held(audiences, audience, clock) as (stored, hold):
            comparison = await compared(members, stored, audiences, changes, most_removed=wanted.max_removed)
            syncing = Sync(delivering.destination, audiences, stored, hold, batch_size=options.batch_size, clock=clock)
            lost: list[AudienceHeldError] = []

            async def feed(puts: PlannedPuts) -> None:
                try:
                    await syncing.send(changes, puts)
                except AudienceHeldError as error:
                    lost.append(error)

            ended = await session.feed(feed)
            return Synced(stored, members, comparison, syncing.sent, ended or as_stopped(lost))


def as_stopped(lost: list[AudienceHeldError]) -> AnswerError | None:
    """Return the error of a run whose audience another sync has taken over, if that happened."""
    from ...definitions import StoppedError

    return StoppedError(str(lost[0])) if lost else None


def _require_subscription(destination: Destination, audience: Audience) -> None:
    """Raise SetupError if no subscription takes the events: all members would count as sent, and nobody was."""
    from datetime import UTC, datetime

    from ...definitions import Problem, SetupError
    from ..audience.changes import Change
    from ..audience.events import EventMaker

    maker = EventMaker(destination, audience, datetime.now(UTC))
    changes = [Change(b"member", value, None, number) for number, value in enumerate((b"true", None))]
    planner = destination.planner()
    plans = [planner.feed_texts([maker.event(change) for change in changes], range(len(changes))), planner.flush()]
    if all(outcome.status == "skipped" for plan in plans for outcome in plan.outcomes):
        message = (
            "no subscription takes the Identify calls of an audience, so nothing would be sent; add one, or remove "
            "what keeps them out of its trigger"
        )
        raise SetupError.of([Problem("subscriptions", message)])


def _intent(configuration: Configuration, destination: Destination, wanted: Wanted) -> LiveIntent:
    from .live_question import live_intent
    from .output_files import STANDARD_INPUT

    # A user who types the members cannot answer, too.
    return live_intent(configuration, destination, may_ask=wanted.members != STANDARD_INPUT)


def _check_files(configuration: Configuration, wanted: Wanted, report_file: Path | None) -> None:
    """Raise SetupError if the report cannot be written, or would overwrite something."""
    from ..outbox import outbox_path
    from .output_files import check_outputs
    from .report_file import check_report

    outbox = outbox_path(configuration.delivery)
    check_outputs({"--report": report_file}, outbox, [wanted.members, configuration.path, configuration.manifest])
    check_report(report_file)
