"""The command `check`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, OK, exits
from .options import BaseUrlOption, ConfigOption, DestinationOption
from .output import echo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import AnswerError, Destination, DestinationDefinition, EventCounter, SubscriptionCount
    from ..configuration.configuration import Configuration

_MOST_TYPES, _LONGEST_TYPE = 12, 40
_MOST_PROBLEMS = 5


@exits
def check(
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Also ask the destination whether it accepts the credentials.")
    ] = False,
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            metavar="FILE",
            help="Also count what your own events would become: how many each subscription matches, how many fill each "
            "field, and which mapped properties never occur. Exits 1 if a required field is never filled, or if "
            "nothing matches. - is standard input.",
        ),
    ] = None,
) -> int:
    """Check the configuration.

    Lists all problems of settings, subscriptions and mappings at once. Probable mistakes, such as the
    findings of the definition lint (docs/lint.md), are warnings. Warnings do not change the exit code. A setting that
    hardly ever matches an event is an error here; `deliver` only warns of it.
    """
    from ..configuration.configuration import Configuration
    from ..session import http_transport

    configuration = Configuration(
        config, environment=os.environ, destination=destination, delivery={"base_url": base_url}
    )
    for finding in _findings(configuration.definition):
        echo(f"warning: {finding}", err=True)
    ready = configuration.set_up()
    # A proxy that cannot be used is found here too, as by every command that sends.
    http_transport(ready, configuration.delivery)
    names = ", ".join(subscription.name for subscription in ready.compiled_subscriptions)
    echo(f"{ready.definition.name}: settings are valid; subscriptions: {names or 'none'}")
    for warning in _warnings(ready):
        echo(f"warning: {warning}", err=True)
    mistakes = [str(problem) for problem in ready.setting_mistakes()]
    for mistake in mistakes:
        echo(f"error: {mistake}", err=True)
    code = CONFIGURATION if mistakes else OK
    if events is not None:
        code = max(code, _count_events(ready, events))
    return code if not live else max(code, _ask(ready, configuration))


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
    if not destination.compiled_subscriptions:
        yield "there is no enabled subscription, so every event will be skipped"
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
    for path in count.missing_paths:
        yield f"  warning: {path} is mapped, but no event has it"


def _shown(kind: str) -> str:
    from ...definitions import shortened

    return shortened(kind, _LONGEST_TYPE)
