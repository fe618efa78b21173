"""The commands `dead-letters`: list, show, replay, discard."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .exit_codes import FAILED, OK, exits
from .options import (
    CONTEXT_SETTINGS,
    AccountOption,
    BaseUrlOption,
    ConfigOption,
    DestinationOption,
    LiveOption,
    LogOption,
    OutboxOption,
    TracesOption,
)
from .output import echo
from .parsing import Command, Group

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime

    from ...definitions import AnswerError, Destination, Redactor
    from ..configuration.configuration import Configuration
    from ..delivery.notices import Observer
    from ..delivery.replay import Obstacle
    from ..delivery.run_report import RunReport
    from ..observability.options import ObserverOptions
    from ..queues.contract import DeadLetterFilter, DeadLetters
    from ..session import ReplayReport

T = TypeVar("T")

dead_letters = typer.Typer(
    name="dead-letters",
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    help="List, show, replay or discard dead letters.",
    context_settings=CONTEXT_SETTINGS,
    rich_markup_mode=None,
)


class LetterReason(StrEnum):
    """Why an event is a dead letter."""

    UNREADABLE = "unreadable"
    REJECTED = "rejected"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"


ReasonOption = Annotated[LetterReason | None, typer.Option("--reason", help="Only dead letters with this reason.")]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="WHEN", help="Only dead letters since this time (2026-03-04T05:06) or this long ago (12h)."
    ),
]

_LONGEST_MESSAGE = 300
_MOST_GROUPS = 20
LARGEST_ID = 2**63 - 1
"""No store has larger numbers."""

_ADVICE: dict[Obstacle, str] = {
    "of another account": "replay them with the settings of that account",
    "unreadable": "fix the source and deliver it",
    "rejected again": "fix the mapping first",
    "not wanted any more": "fix the triggers, or discard them",
}


@dead_letters.command("list", cls=Command)
@exits
def list_letters(
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
) -> int:
    """List dead letters, grouped by message."""
    import asyncio
    from collections import Counter

    from ...definitions import shortened
    from .output import time_text

    configuration = _configuration(config, outbox)
    chosen = _filter(reason, since)
    redactor = configuration.redactor()
    groups = asyncio.run(_ask(configuration, lambda letters: letters.groups(chosen)))
    if not groups:
        echo("no dead letters")
        return OK
    for group in groups:
        words = redactor.text(group.message)
        first, last = time_text(group.first_at), time_text(group.last_at)
        echo(
            f"{group.count:,} {group.reason}, {last if group.count == 1 else f'{first} to {last}'}, "
            f"the newest is {group.newest}"
        )
        echo(f"    {shortened(words, _LONGEST_MESSAGE)}")
    reasons: Counter[str] = Counter()
    for group in groups:
        reasons[group.reason] += group.count
    counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
    echo(f"dead letters: {counts}")
    echo(f"to look at one: kable-destination dead-letters show {groups[0].newest}")
    return OK


@dead_letters.command("show", cls=Command)
@exits
def show_letter(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the dead letter.", min=1, max=LARGEST_ID)],
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
) -> int:
    """Show one dead letter as JSON.

    The JSON has the reason, where the event came from, the event, and what was sent.
    """
    import asyncio

    from ...definitions import Problem, SetupError
    from ..delivery.dead_letter_file import shown
    from .output import print_json, time_text

    configuration = _configuration(config, outbox)
    redactor = configuration.redactor()
    found = asyncio.run(_ask(configuration, lambda letters: letters.read([number])))
    if not found:
        raise SetupError.of([Problem("ID", f"there is no dead letter {number}")])
    (kept,) = found
    letter = kept.letter
    print_json(
        {
            "id": kept.id,
            "at": time_text(kept.at),
            "account": letter.account,
            **shown(letter, redactor),
            "payload": _shown_payload(letter.payload, redactor),
        }
    )
    return OK


@dead_letters.command("replay", cls=Command)
@exits
def replay_letters(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    account: AccountOption = None,
    base_url: BaseUrlOption = None,
    live: LiveOption = False,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would happen, and change nothing.")] = False,
    log_format: LogOption = None,
    traces: TracesOption = False,
) -> int:
    """Send dead letters again.

    Exhausted events are sent unchanged. Refused and rejected events are mapped again, with the current mappings. An
    event that is queued or was delivered under the same ID is not sent again. Events that wait for a retry are sent
    at once, too.
    """
    from ..observability.options import ObserverOptions
    from .configured import configured

    configuration = configured(
        config, destination=destination, account=account, base_url=base_url, outbox=outbox, live=live or None
    )
    return _replay(configuration, _filter(reason, since), ObserverOptions(log_format, None, traces), dry_run=dry_run)


@dead_letters.command("discard", cls=Command)
@exits
def discard_letters(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="Numbers of dead letters.", min=1, max=LARGEST_ID)
    ] = None,
    *,
    config: ConfigOption = None,
    outbox: OutboxOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Discard all dead letters.")] = False,
) -> int:
    """Delete dead letters. You cannot undo this."""
    import asyncio

    from ...definitions import Problem, SetupError, counted

    if [bool(numbers), bool(reason or since), everything].count(True) != 1:
        message = "say which: numbers, or --reason and --since, or --all"
        raise SetupError.of([Problem("discard", message)])
    configuration = _configuration(config, outbox)
    chosen = _filter(reason, since, numbers)
    count = asyncio.run(_ask(configuration, lambda letters: letters.discard(chosen), read_only=False))
    echo(f"{counted(count, 'dead letter')} discarded")
    return OK


def _shown_payload(payload: bytes | None, redactor: Redactor) -> Any:
    """Return a payload as JSON, or as text if it cannot be read or is nested too deeply."""
    import msgspec

    if payload is None:
        return None
    try:
        return redactor.value(msgspec.json.decode(payload))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return redactor.text(payload.decode("utf-8", "backslashreplace"))


def _configuration(config: Path | None, outbox: str | None) -> Configuration:
    from .configured import configured

    return configured(config, outbox=outbox)


async def _ask(
    configuration: Configuration, question: Callable[[DeadLetters], Awaitable[T]], *, read_only: bool = True
) -> T:
    """Ask the dead letters of the outbox. Raises SetupError."""
    from ..outbox import outbox_of

    async with outbox_of(configuration.delivery, read_only=read_only) as queue:
        return await question(queue.dead_letters)


def _filter(reason: LetterReason | None, since: str | None, ids: list[int] | None = None) -> DeadLetterFilter:
    """Return the filter of the options. Raises SetupError."""
    from datetime import UTC, datetime

    from ..queues.contract import DeadLetterFilter

    return DeadLetterFilter(
        ids or None,
        None if reason is None else reason.value,
        None if since is None else _time(since, datetime.now(UTC)).timestamp(),
    )


def _time(text: str, now: datetime) -> datetime:
    import re
    from datetime import UTC, datetime, timedelta

    from ...definitions import Problem, SetupError

    try:
        if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
            unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[ago[2]]
            return now - timedelta(**{unit: int(ago[1])})
        moment = datetime.fromisoformat(text)
        # The first and the last day of the calendar have moments that no zone but their own can name.
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        example = "a time such as 2026-03-04T05:06, or 90m, 12h, 3d for how long ago"
        raise SetupError.of([Problem("--since", f'"{text[:40]}" is not a time; write {example}')]) from None


def _replay(
    configuration: Configuration, chosen: DeadLetterFilter, observing: ObserverOptions, *, dry_run: bool
) -> int:
    """Send dead letters, and what is queued already: an earlier replay may have been cut short."""
    from ..delivery.run_report import RunReport
    from ..event_loop import run_in_loop
    from ..observability.observers import open_observers
    from ..outbox import outbox_name
    from .run_outcome import exit_code, kept_in_outbox, why_stopped

    destination, report = configuration.set_up(), RunReport()
    observers = open_observers(
        observing, destination=configuration.destination_name, redactor=destination.redactor, announce=echo
    )
    with observers as opened:
        done = run_in_loop(_run_replay(configuration, destination, chosen, opened, report, dry_run=dry_run))
    if done is None:
        echo("no dead letters to replay")
        return OK
    replayed, waiting, ended = done
    stay = FAILED if any(replayed.counts[obstacle] for obstacle in _ADVICE) else OK
    if dry_run:
        for line in _rejections(replayed, destination.redactor):
            echo(line)
        for line in _results(replayed.counts, waiting, would=True):
            echo(line)
        return stay
    if ended is not None:
        echo(why_stopped(ended, report, destination.redactor), err=True)
    for line in (*_results(replayed.counts, waiting), report.summary()):
        echo(line)
    for line in kept_in_outbox(report, outbox_name(configuration.delivery)):
        echo(line)
    return exit_code(ended, report) or stay


async def _run_replay(
    configuration: Configuration,
    destination: Destination,
    chosen: DeadLetterFilter,
    observers: list[Observer],
    report: RunReport,
    *,
    dry_run: bool,
) -> tuple[ReplayReport, int, AnswerError | None] | None:
    """Queue dead letters and deliver; return what became of them, or None if there was nothing to do."""
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
        waiting = await session.waiting()
        replayed = await session.replay(chosen, dry_run=dry_run)
        if dry_run:
            return replayed, waiting, None
        if not replayed.counts and not waiting:
            return None
        # Whoever replays wants to see the result now, whatever the lane waits for.
        await session.make_due()
        return replayed, waiting, await session.run([])


def _rejections(replayed: ReplayReport, redactor: Redactor) -> Iterator[str]:
    """Yield why dead letters would be rejected again, the most frequent reasons first."""
    from ...definitions import counted, shortened

    for message, count in replayed.rejections.most_common(_MOST_GROUPS):
        words = shortened(redactor.text(message), _LONGEST_MESSAGE)
        yield f"{count:,} would be rejected again, such as {replayed.examples[message]}: {words}"
    left = list(replayed.rejections.items())
    if (more := len(left) - _MOST_GROUPS) > 0:
        yield f"and {counted(more, 'more reason')}"


def _results(results: Counter[str], waiting: int, *, would: bool = False) -> Iterator[str]:
    yield f"{'would be sent again' if would else 'sent again'}: {results['queued']:,}"
    if waiting:
        yield f"{'would be sent too' if would else 'sent too'}, since queued before: {waiting:,}"
    for state in ("queued before", "delivered before"):
        if results[state]:
            yield f"{state} under the same ID, so no longer dead letters: {results[state]:,}"
    for obstacle, advice in _ADVICE.items():
        if results[obstacle]:
            yield f"{obstacle}: {results[obstacle]:,}, kept; {advice}"
