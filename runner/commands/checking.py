"""What `check` finds, for every command that runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, OK
from .output import echo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...definitions import (
        AnswerError,
        Destination,
        DestinationDefinition,
        EventCounter,
        Problem,
        SubscriptionCount,
    )
    from ..configuration.configuration import Configuration

T = TypeVar("T")

_MOST_TYPES, _LONGEST_TYPE = 12, 40
_MOST_PROBLEMS = 5


def run_check(configuration: Configuration, *, events: str | None = None, credentials: bool = False) -> int:
    """Print everything that is wrong or probably wrong, and return the exit code.

    `events` is a file whose events are counted. `credentials`: the destination is asked about them.
    """
    from ..sources.paths import sources_of
    from ..transports.environment import check_environment

    for finding in _findings(configuration.definition):
        echo(f"warning: {finding}", err=True)
    problems: list[Problem] = []
    ready = _gathered(problems, configuration.set_up)
    destination = ready or configuration.set_up_in_part()
    if destination is not None:
        # A proxy that cannot be used is found here too, as by every command that sends.
        _gathered(problems, lambda: check_environment(destination.address, os.environ))
        for warning in _warnings(destination):
            echo(f"warning: {warning}", err=True)
    _gathered(problems, lambda: sources_of([] if events is None else [events]))
    if ready is not None:
        problems += ready.setting_mistakes()
        if not ready.compiled_subscriptions:
            echo("warning: there is no enabled subscription, so every event will be skipped", err=True)
        _print_outline(ready)
    for problem in dict.fromkeys(problems):
        echo(f"error: {problem}", err=True)
    code = CONFIGURATION if problems else OK
    if ready is not None and events is not None:
        code = max(code, _count_events(ready, events))
    return max(code, _ask(ready, configuration)) if ready is not None and credentials else code


def _gathered(problems: list[Problem], make: Callable[[], T]) -> T | None:
    """Return what a function makes, or None after adding the problems of its error."""
    from ...definitions import SetupError

    try:
        return make()
    except SetupError as error:
        problems += error.problems
        return None


def _print_outline(ready: Destination) -> None:
    from ..configuration.targets import shown_target

    names = ", ".join(subscription.name for subscription in ready.compiled_subscriptions)
    echo(f"{ready.definition.name}: settings are valid; subscriptions: {names or 'none'}")
    if ready.definition.extend_request is not None:
        echo(f"sends to {shown_target(ready)}")


def _ask(ready: Destination, configuration: Configuration) -> int:
    """Ask the destination about the credentials, and return the exit code."""
    import asyncio

    from ..session import check_credentials

    error = asyncio.run(check_credentials(ready, configuration.delivery))
    if error is None:
        echo(f"{ready.definition.name} accepts the credentials")
        return OK
    echo(f"error: {error}", err=True)
    return _exit_code(error)


def _findings(definition: DestinationDefinition) -> Iterator[str]:
    """Yield the findings of the lint, each with the section of the docs that explains it."""
    from ...definitions import lint

    for finding in lint(definition):
        yield f"{finding} (docs/lint.md#{finding.code.lower()})"


def _warnings(destination: Destination) -> Iterator[str]:
    """Yield probable mistakes in the subscriptions."""
    yield from map(str, destination.probable_mistakes())
    for first, second in destination.overlaps():
        field = second.action.idempotency_field
        yield (
            f'"{first.name}" and "{second.name}" can both match one event and give it the same {field}: '
            f"{destination.definition.name} would keep the first usage event only, so the second will be rejected. "
            f"Map {field} differently in one of them, or make the triggers exclude each other"
        )


def _exit_code(error: AnswerError) -> int:
    from ...definitions import CredentialsError, RetryableError

    if isinstance(error, CredentialsError):
        return CREDENTIALS
    return FAILED if isinstance(error, RetryableError) else CONFIGURATION


def _count_events(destination: Destination, path: str) -> int:
    """Show what some events would become, and return the exit code: FAILED if a required field is never filled."""
    from ..sources.event_counting import count_events

    counter = count_events(destination, path)
    for line in _counts(counter, path):
        echo(line)
    is_failed = not counter.matched or any(count.unfilled_required for count in counter.subscriptions)
    return FAILED if is_failed else OK


def _counts(counter: EventCounter, path: str) -> Iterator[str]:
    from ...definitions import counted

    types = ", ".join(f"{_shown(kind)} {count:,}" for kind, count in counter.types.most_common(_MOST_TYPES))
    yield f"{path}: {counted(counter.events, 'event')}{f' ({types})' if types else ''}"
    for count, one, many, what in (
        (counter.unreadable, "text that is no event", "texts that are no events", ""),
        (counter.skipped, "event", "events", " kept away by the integrations object"),
        (counter.misspelt_flags.total(), "event", "events", _misspelt(counter)),
        (counter.rejected, "event", "events", " with a wrong type or integrations object: dead letters"),
    ):
        if count:
            yield f"  {counted(count, one, many)}{what}"
    for subscription in counter.subscriptions:
        yield from _subscription_counts(subscription)
    if not counter.matched:
        yield "error: no event matches any subscription, so nothing would be sent"


def _subscription_counts(count: SubscriptionCount) -> Iterator[str]:
    yield f"{count.name}: matches {count.matched:,}"
    if not count.matched:
        return
    if count.rejected:
        yield f"  {count.rejected:,} would be {'a dead letter' if count.rejected == 1 else 'dead letters'}:"
        yield from (f"    {number:,}: {problem}" for problem, number in count.problems.most_common(_MOST_PROBLEMS))
    width = max((len(field.key) for field in count.fields), default=0)
    for field in count.fields:
        never = "  error: required, and never filled" if field in count.unfilled_required else ""
        yield f"  {field.key.ljust(width)}  filled in {field.filled:,} of {count.matched:,}{never}"
    if count.repeated:
        number = f"{count.repeated:,} of {count.matched:,}"
        yield f"  warning: {number} repeat the ID of an earlier one, so they would be discarded as duplicates"
    for path in count.missing_paths:
        yield f"  warning: {path} is mapped, but no event has it"


def _misspelt(counter: EventCounter) -> str:
    flags = ", ".join(_shown(flag) for flag in sorted(counter.misspelt_flags)[:_MOST_TYPES])
    return f" with a flag in the integrations object that has no effect, since flags are case sensitive: {flags}"


def _shown(kind: str) -> str:
    from ...definitions import shortened

    return shortened(kind, _LONGEST_TYPE)
