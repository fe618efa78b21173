"""What `check` finds, for every command that runs it. `check_output` prints it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from .exit_codes import CONFIGURATION, CREDENTIALS, FAILED, OK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...definitions import AnswerError, Destination, DestinationDefinition, EventCounter, Problem
    from ..configuration.configuration import Configuration

T = TypeVar("T")


@dataclass(slots=True)
class Checked:
    """What a check has found.

    `ready` is the destination if nothing keeps it from being set up. `counter` has counted the events of `events`.
    `credentials`: whether the destination was asked about them; then `refusal` says why it does not accept them.
    """

    ready: Destination | None = None
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    events: str = ""
    counter: EventCounter | None = None
    credentials: bool = False
    refusal: AnswerError | None = None

    @property
    def code(self) -> int:
        """The exit code."""
        codes = [CONFIGURATION if self.problems else OK]
        if self.counter is not None:
            is_failed = not self.counter.matched or any(each.unfilled_required for each in self.counter.subscriptions)
            codes.append(FAILED if is_failed else OK)
        if self.refusal is not None:
            codes.append(_exit_code(self.refusal))
        return max(codes)


def checked(configuration: Configuration, *, events: str | None = None, credentials: bool = False) -> Checked:
    """Return everything that is wrong or probably wrong.

    `events` is a file whose events are counted. `credentials`: the destination is asked about them.
    """
    from ..sources.event_counting import count_events
    from ..sources.objects.addresses import shown_address
    from ..sources.paths import sources_of
    from ..transports.environment import check_environment

    found = Checked(warnings=[*_findings(configuration.definition)], events=shown_address(events or ""))
    problems: list[Problem] = []
    ready = found.ready = _gathered(problems, configuration.set_up)
    destination = ready or configuration.set_up_in_part()
    if destination is not None:
        # A proxy that cannot be used is found here too, as by every command that sends.
        _gathered(problems, lambda: check_environment(destination.address, os.environ))
        found.warnings += _warnings(destination)
    _gathered(problems, lambda: sources_of([] if events is None else [events]))
    if ready is not None:
        problems += ready.setting_mistakes()
        if not ready.compiled_subscriptions:
            found.warnings.append("there is no enabled subscription, so every event will be skipped")
    found.problems = [*dict.fromkeys(problems)]
    if ready is not None and events is not None:
        found.counter = _gathered(found.problems, lambda: count_events(ready, events))
    if ready is not None and credentials:
        found.credentials, found.refusal = True, _ask(ready, configuration)
    return found


def _gathered(problems: list[Problem], make: Callable[[], T]) -> T | None:
    """Return what a function makes, or None after adding the problems of its error."""
    from ...definitions import SetupError

    try:
        return make()
    except SetupError as error:
        problems += error.problems
        return None


def _ask(ready: Destination, configuration: Configuration) -> AnswerError | None:
    """Ask the destination about the credentials; return why it does not accept them."""
    import asyncio

    from ..session import check_credentials

    return asyncio.run(check_credentials(ready, configuration.delivery))


def _findings(definition: DestinationDefinition) -> Iterator[str]:
    """Yield the findings of the lint, each with the section of the docs that explains it."""
    from ...definitions import lint

    for finding in lint(definition):
        yield f"{finding} (docs/lint.md#{finding.code.lower()})"


def _warnings(destination: Destination) -> Iterator[str]:
    """Yield probable mistakes in the subscriptions."""
    yield from map(str, destination.probable_mistakes())
    for first, second in destination.overlaps():
        field_name = second.action.idempotency_field
        yield (
            f'"{first.name}" and "{second.name}" can both match one event and give it the same {field_name}: '
            f"{destination.definition.name} would keep the first usage event only, so the second will be rejected. "
            f"Map {field_name} differently in one of them, or make the triggers exclude each other"
        )


def _exit_code(error: AnswerError) -> int:
    from ...definitions import CredentialsError, RetryableError

    if isinstance(error, CredentialsError):
        return CREDENTIALS
    return FAILED if isinstance(error, RetryableError) else CONFIGURATION
