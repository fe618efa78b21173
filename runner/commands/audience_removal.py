"""What `audience remove` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .audience_state import ask, named
from .exit_codes import FAILED, OK
from .output import inform, say

if TYPE_CHECKING:
    from ...definitions import AnswerError, Destination
    from ..audience.sending import Sent
    from ..configuration.configuration import Configuration
    from ..delivery.planned_puts import PlannedPuts
    from ..delivery.run_report import RunReport
    from ..observability.options import ObserverOptions
    from ..queues.contract import Audience
    from .syncing import Delivering


def remove(configuration: Configuration, name: str, *, yes: bool, as_json: bool) -> int:
    """Remove an audience and send nothing."""
    from ...definitions import counted

    audience = named(configuration, name)
    if not _is_meant(audience, yes=yes, notify=False):
        return FAILED
    ask(configuration, lambda audiences: audiences.remove(audience.account, name), read_only=False)
    if as_json:
        _print_json(audience)
    else:
        inform(f"{name} is removed, with {counted(audience.members, 'member')}; nothing was sent")
    return OK


def remove_and_notify(
    configuration: Configuration, name: str, observing: ObserverOptions, *, yes: bool, as_json: bool
) -> int:
    """Send that all members leave, and remove the audience once that is accepted."""
    from ..configuration.targets import shown_target
    from ..delivery.run_report import RunReport
    from ..event_loop import run_in_loop
    from .audience_output import refused_lines
    from .live_question import live_intent
    from .progress import Reading
    from .run_outcome import exit_code, why_stopped
    from .syncing import Delivering, refusals
    from .watching import watching

    destination = configuration.set_up()
    intent = live_intent(configuration, destination, may_ask=True)
    audience = named(configuration, name)
    if not _is_meant(audience, yes=yes, notify=True):
        return FAILED
    inform(f"delivering to {shown_target(destination)}", error=as_json)
    report = RunReport()
    with refusals(), watching(configuration, destination, observing, report, Reading((), None)) as observers:
        sent, ended = run_in_loop(_run(Delivering(configuration, destination, report, observers, intent), audience))
    is_removed = sent.is_complete and not sent.refused
    if ended is not None:
        say(why_stopped(ended, report, destination.redactor), error=True)
    if as_json:
        _print_json(audience, sent, report, destination, ended)
    else:
        for line in report.summary().splitlines():
            inform(line)
        inform(f"{name} is removed" if is_removed else f"{name} is not removed yet; run the same command again")
    for line in refused_lines(sent):
        say(f"warning: {destination.redactor.text(line)}", error=True)
    return exit_code(ended, report) or (OK if is_removed else FAILED)


async def _run(delivering: Delivering, audience: Audience) -> tuple[Sent, AnswerError | None]:
    from ...definitions import Problem, SetupError
    from ..audience.sync import Sync, held
    from ..delivery.clock import SystemClock
    from ..delivery.delivery import account_of
    from ..queues.contract import AudienceHeldError
    from .syncing import as_stopped

    destination, options = delivering.destination, delivering.configuration.delivery
    if audience.account != account_of(destination):
        message = f"belongs to {audience.account}; use the settings of that account to notify its members"
        raise SetupError.of([Problem(audience.name, message)])
    clock = SystemClock()
    async with (
        delivering.session(create=False) as session,
        held(session.queue.audiences, audience, clock, create=False) as (stored, hold),
    ):
        removing = Sync(destination, session.queue.audiences, stored, hold, batch_size=options.batch_size, clock=clock)
        lost: list[AudienceHeldError] = []

        async def feed(puts: PlannedPuts) -> None:
            try:
                await removing.send_removal(puts)
            except AudienceHeldError as error:
                lost.append(error)

        ended = await session.feed(feed)
        return removing.sent, ended or as_stopped(lost)


def _is_meant(audience: Audience, *, yes: bool, notify: bool) -> bool:
    from ...definitions import counted
    from .asking import is_confirmed

    what = "send that all of them left" if notify else "send nothing"
    members = counted(audience.members, "member")
    if is_confirmed(f"Remove {audience.name} with {members} for good, and {what}?", yes=yes):
        return True
    say("nothing was removed", error=True)
    return False


def _print_json(
    audience: Audience,
    sent: Sent | None = None,
    report: RunReport | None = None,
    destination: Destination | None = None,
    ended: AnswerError | None = None,
) -> None:
    from .audience_output import refused_output
    from .json_outputs.audience import AudienceRemoveOutput
    from .output import json_text
    from .run_outcome import run_output, why_stopped

    say(
        json_text(
            AudienceRemoveOutput(
                audience=audience.name,
                trait=audience.key,
                members=audience.members,
                removed=sent is None or (sent.is_complete and not sent.refused),
                refused=refused_output(sent, destination),
                run=run_output(report, destination.redactor) if report and destination else None,
                ended=why_stopped(ended, report, destination.redactor) if ended and report and destination else None,
            )
        )
    )
