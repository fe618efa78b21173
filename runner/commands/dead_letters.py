"""The commands of dead letters: look at them, send them again, forget them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from ...definitions import Problem, Redactor, SetupError, shortened
from ..delivery.clock import SystemClock
from ..delivery.dead_letter_file import shown
from ..delivery.delivery import Delivery
from ..delivery.replay import LETTERS_AT_ONCE, plan_replays
from ..delivery.run_report import Tally
from ..observability.observers import instruments
from ..queues.contract import QueueFullError
from ..queues.sqlite import Choice, Inspection, Outbox, OutboxError
from .deliver import (
    about_the_outbox,
    exit_code,
    note_next_due,
    open_queue,
    rules_of,
    stop_on_signals,
    transport,
    why,
)
from .exit_codes import FAILED, OK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ...definitions import AnswerError, Destination
    from ..configuration.configuration import Configuration
    from ..delivery.notices import Hook
    from ..delivery.replay import Obstacle
    from ..observability.observers import Watching
    from ..queues.contract import Reason

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"(\d{1,6})([smhd])")
_LONGEST_MESSAGE = 300
_OBSTACLES: dict[Obstacle, str] = {
    "of another account": "replay them with the settings of that account",
    "unreadable": "mend the source and deliver it",
    "rejected again": "mend the mapping first",
    "not wanted any more": "mend the triggers, or discard them",
}


def choice(reason: Reason | None, since: str | None) -> Choice:
    """Read which dead letters are meant. Raises SetupError."""
    return Choice(reason, None if since is None else _moment(since, datetime.now(UTC)).timestamp())


def _moment(text: str, now: datetime) -> datetime:
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        example = "a time such as 2026-03-04T05:06, or 90m, 12h, 3d for so long ago"
        raise SetupError.of([Problem("--since", f'"{text[:40]}" is no moment; write {example}')]) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@contextmanager
def inspection(configuration: Configuration) -> Iterator[Inspection]:
    """Open the outbox of a configuration. Raises SetupError."""
    try:
        with Inspection(outbox_path(configuration)) as opened:
            yield opened
    except OutboxError as error:
        raise SetupError.of([Problem("outbox", str(error))]) from None


def outbox_path(configuration: Configuration) -> Path:
    """Give the path of the outbox. Raises SetupError where there is none."""
    path = configuration.delivery.outbox_path
    if path is None:
        raise SetupError.of([Problem("outbox", "is turned off; --outbox names a file")])
    return path


def told(moment: float) -> str:
    """Write a moment (seconds since 1970) for a person."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}Z"


def list_letters(configuration: Configuration, chosen: Choice) -> int:
    """Print dead letters in groups that say the same."""
    redactor = redactor_of(configuration)
    with inspection(configuration) as opened:
        groups = opened.groups(chosen)
    console = _console()
    if not groups:
        console.print("no dead letters")
        return OK
    for group in groups:
        words = redactor.text(group.message)
        period = told(group.last_at) if group.count == 1 else f"{told(group.first_at)} to {told(group.last_at)}"
        console.print(f"{group.count:,} {group.reason}, {period}, the newest is {group.newest}")
        console.print(f"    {shortened(words, _LONGEST_MESSAGE)}")
    reasons: Counter[str] = Counter()
    for group in groups:
        reasons[group.reason] += group.count
    counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
    console.print(f"dead letters: {counts}")
    console.print(f"to look at one: kable-destination dead-letters show {groups[0].newest}")
    return OK


def show_letter(configuration: Configuration, number: int) -> int:
    """Print one dead letter as JSON. Raises SetupError where there is none of that number."""
    redactor = redactor_of(configuration)
    with inspection(configuration) as opened:
        kept = opened.letter(number)
    if kept is None:
        raise SetupError.of([Problem("ID", f"there is no dead letter {number}")])
    letter = kept.letter
    about = {
        "id": kept.id,
        "at": told(kept.at),
        "account": letter.account,
        **shown(letter, redactor),
        "payload": None if letter.payload is None else redactor.value(msgspec.json.decode(letter.payload)),
    }
    print(msgspec.json.format(msgspec.json.encode(about), indent=2).decode())  # noqa: T201 - the command's output
    return OK


def discard_letters(configuration: Configuration, chosen: Choice, numbers: Iterable[int]) -> int:
    """Forget dead letters for good: some by their numbers, or all that are meant."""
    with inspection(configuration) as opened:
        named = list(numbers)
        count = opened.discard(named or opened.numbers(chosen))
    print(f"{count:,} dead letters discarded")  # noqa: T201 - the command's output
    return OK


def replay_letters(configuration: Configuration, chosen: Choice, *, dry_run: bool, watching: Watching) -> int:
    """Send dead letters again, and what is queued already: perhaps a replay that was cut short. Raises SetupError."""
    destination = configuration.set_up()
    with inspection(configuration) as opened:
        numbers = opened.numbers(chosen)
        waiting = _waiting(opened, Delivery.account_of(destination))
        if dry_run:
            return _foretell(configuration, destination, opened, numbers, waiting)
    if not numbers and not waiting:
        print("no dead letters to replay")  # noqa: T201 - the command's output
        return OK
    tally = Tally()
    with instruments(watching, destination.redactor) as hooks:
        ended, results = asyncio.run(_replay(configuration, destination, numbers, tally, hooks))
    console = _console()
    if ended is not None:
        stopped = why(ended, tally, destination.redactor)
        Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(stopped)
    for line in _told(results, waiting):
        console.print(line)
    console.print(tally.summary())
    for line in about_the_outbox(tally, outbox_path(configuration)):
        console.print(line)
    stays = any(results[obstacle] for obstacle in _OBSTACLES)
    return exit_code(ended, tally) or (FAILED if stays else OK)


def _waiting(opened: Inspection, account: str) -> int:
    """Count the usage events of an account that are queued and that nobody is sending."""
    lanes = opened.lanes(SystemClock().now().timestamp())
    return sum(lane.queued - lane.leased for lane in lanes if lane.account == account)


async def _replay(
    configuration: Configuration, destination: Destination, numbers: list[int], tally: Tally, hooks: list[Hook]
) -> tuple[AnswerError | None, Counter[str]]:
    """Queue the letters, some at a time, then send what is queued."""
    options = configuration.delivery
    clock = SystemClock()
    results: Counter[str] = Counter()
    queue = open_queue(options, clock, None)
    if not isinstance(queue, Outbox):
        raise SetupError.of([Problem("outbox", "is turned off")])
    async with queue, transport(destination, options) as http:
        delivery = Delivery(destination, queue, http, rules_of(options), tally=tally, clock=clock, hooks=hooks)
        stop_on_signals(delivery)
        for start in range(0, len(numbers), LETTERS_AT_ONCE):
            with inspection(configuration) as opened:
                letters = list(opened.letters(numbers[start : start + LETTERS_AT_ONCE]))
            replays = plan_replays(destination, delivery.account, letters, batch_size=options.batch_size)
            results.update(replays.staying)
            try:
                results.update(await queue.replay(replays.batches))
            except QueueFullError as error:
                stay = f"the dead letters that are left stay, so {error.advice} and run again"
                raise SetupError.of([Problem("outbox", f"takes nothing more: {error}; {stay}")]) from None
        ended = await delivery.run([])
        await note_next_due(queue, delivery, tally)
    return ended, results


def _foretell(
    configuration: Configuration, destination: Destination, opened: Inspection, numbers: list[int], waiting: int
) -> int:
    """Tell what a replay would do, and change nothing."""
    account = Delivery.account_of(destination)
    results: Counter[str] = Counter()
    console = _console()
    for start in range(0, len(numbers), LETTERS_AT_ONCE):
        letters = list(opened.letters(numbers[start : start + LETTERS_AT_ONCE]))
        replays = plan_replays(destination, account, letters, batch_size=configuration.delivery.batch_size)
        results.update(replays.staying)
        results["queued"] += sum(len(again.numbers) for again in replays.batches)
        for number, error in replays.rejections.items():
            console.print(f"dead letter {number} would be rejected again: {destination.redactor.text(error.message)}")
    for line in _told(results, waiting, would=True):
        console.print(line)
    return FAILED if any(results[obstacle] for obstacle in _OBSTACLES) else OK


def _told(results: Counter[str], waiting: int, *, would: bool = False) -> Iterator[str]:
    """Tell what became, or would become, of dead letters, and of what was queued before."""
    yield f"{'would be sent again' if would else 'sent again'}: {results['queued']:,}"
    if waiting:
        yield f"{'would be sent too' if would else 'sent too'}, since queued before: {waiting:,}"
    for state in ("queued before", "delivered before"):
        if results[state]:
            yield f"{state} under the same id, and no dead letters any more: {results[state]:,}"
    for obstacle, advice in _OBSTACLES.items():
        if results[obstacle]:
            yield f"{obstacle}: {results[obstacle]:,}, kept; {advice}"


def redactor_of(configuration: Configuration) -> Redactor:
    """Mask the secrets of the settings, where there are good ones."""
    try:
        return configuration.set_up().redactor
    except SetupError:
        return Redactor(value for value in configuration.settings.values() if isinstance(value, str))


def _console(**more: Any) -> Console:
    return Console(markup=False, highlight=False, soft_wrap=True, **more)
