"""What `dead-letters replay` does and prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .exit_codes import FAILED, OK
from .letter_options import chosen_ids
from .output import echo, inform, say

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from ...definitions import AnswerError, Destination, Redactor
    from ..configuration.configuration import Configuration
    from ..delivery.notices import Observer
    from ..delivery.replay import Obstacle, ReplayReport
    from ..delivery.run_report import RunReport
    from ..observability.options import ObserverOptions
    from ..queues.contract import DeadLetterFilter

_LONGEST_MESSAGE = 300
_MOST_GROUPS = 20
_ADVICE: dict[Obstacle, str] = {
    "of another account": "replay them with the settings of that account",
    "unreadable": "fix the source and deliver it",
    "rejected again": "fix the mapping first",
    "not wanted any more": "fix the triggers, or discard them",
}


class _Done(NamedTuple):
    """What happened to dead letters, how many events were queued before, and why the run ended early."""

    replayed: ReplayReport
    waiting: int
    ended: AnswerError | None


def replay_letters(
    configuration: Configuration, chosen: DeadLetterFilter, observing: ObserverOptions, *, dry_run: bool, as_json: bool
) -> int:
    """Send dead letters, and what is queued already: an earlier replay may have been cut short."""
    from ..delivery.run_report import RunReport
    from ..event_loop import run_in_loop
    from ..observability.observers import open_observers
    from .run_outcome import exit_code

    destination, report = configuration.set_up(), RunReport()
    observers = open_observers(
        observing, destination=configuration.destination_name, redactor=destination.redactor, announce=echo
    )
    with observers as opened:
        done = run_in_loop(_run_replay(configuration, destination, chosen, opened, report, dry_run=dry_run))
    stay = FAILED if any(done.replayed.counts[obstacle] for obstacle in _ADVICE) else OK
    has_run = not dry_run and _is_anything(done)
    if as_json:
        _print_json(done, report if has_run else None, destination.redactor, dry_run=dry_run)
    elif dry_run:
        for line in (*_rejections(done.replayed, destination.redactor), *_results(done, would=True)):
            echo(line)
    elif has_run:
        _print_run(configuration, done, report, destination.redactor)
    else:
        inform("no dead letters to replay")
    return (exit_code(done.ended, report) if has_run else OK) or stay


async def _run_replay(
    configuration: Configuration,
    destination: Destination,
    chosen: DeadLetterFilter,
    observers: list[Observer],
    report: RunReport,
    *,
    dry_run: bool,
) -> _Done:
    """Queue dead letters and deliver; return what happened to them."""
    from ..intent import LiveIntent
    from ..outbox import require_outbox
    from ..session import open_session

    opening = open_session(
        destination,
        require_outbox(configuration.delivery),
        observers=observers,
        report=report,
        create=False,
        intent=LiveIntent(advice=configuration.live_advice),
        dry_run=dry_run,
    )
    async with opening as session:
        # An ID that is not there is a mistake, and then nothing is sent.
        await chosen_ids(session.queue.dead_letters, chosen)
        waiting = await session.waiting()
        done = _Done(await session.replay(chosen, dry_run=dry_run), waiting, None)
        if dry_run or not _is_anything(done):
            return done
        # A user who replays wants to see the result now, even if the lane waits.
        await session.make_due()
        return done._replace(ended=await session.run([]))


def _is_anything(done: _Done) -> bool:
    return bool(done.replayed.counts or done.waiting)


def _print_run(configuration: Configuration, done: _Done, report: RunReport, redactor: Redactor) -> None:
    from ..outbox import outbox_name
    from .run_outcome import kept_in_outbox, why_stopped

    if done.ended is not None:
        say(why_stopped(done.ended, report, redactor), error=True)
    for line in (*_results(done), report.summary()):
        inform(line)
    for line in kept_in_outbox(report, outbox_name(configuration.delivery)):
        inform(line)


def _rejections(replayed: ReplayReport, redactor: Redactor) -> Iterator[str]:
    """Yield why dead letters would be rejected again, the most frequent reasons first."""
    from ...definitions import counted, shortened

    for message, count in replayed.rejections.most_common(_MOST_GROUPS):
        words = shortened(redactor.text(message), _LONGEST_MESSAGE)
        yield f"{count:,} would be rejected again, such as {replayed.examples[message]}: {words}"
    left = list(replayed.rejections.items())
    if (more := len(left) - _MOST_GROUPS) > 0:
        yield f"and {counted(more, 'more reason')}"


def _results(done: _Done, *, would: bool = False) -> Iterator[str]:
    results: Counter[str] = done.replayed.counts
    yield f"{'would be sent again' if would else 'sent again'}: {results['queued']:,}"
    if done.waiting:
        yield f"{'would be sent too' if would else 'sent too'}, since queued before: {done.waiting:,}"
    for state in ("queued before", "delivered before"):
        if results[state]:
            yield f"{state} under the same ID, so no longer dead letters: {results[state]:,}"
    for obstacle, advice in _ADVICE.items():
        if results[obstacle]:
            yield f"{obstacle}: {results[obstacle]:,}, kept; {advice}"


def _print_json(done: _Done, report: RunReport | None, redactor: Redactor, *, dry_run: bool) -> None:
    from .json_output import print_output
    from .json_outputs.dead_letters import KeptLetters, Rejection, ReplayOutput
    from .run_outcome import run_output, why_stopped

    counts, replayed = done.replayed.counts, done.replayed
    rejections = [
        Rejection(message=redactor.text(message), count=count, example=replayed.examples[message])
        for message, count in replayed.rejections.most_common()
    ]
    print_output(
        ReplayOutput(
            dry_run=dry_run,
            again=counts["queued"],
            waiting=done.waiting,
            queued_before=counts["queued before"],
            delivered_before=counts["delivered before"],
            gone=counts["gone"],
            kept=KeptLetters(**{obstacle.replace(" ", "_"): counts[obstacle] for obstacle in _ADVICE}),
            rejections=rejections,
            run=None if report is None else run_output(report, redactor),
            ended=None if done.ended is None or report is None else why_stopped(done.ended, report, redactor),
        )
    )
