"""How the result of a check is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import echo, inform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...definitions import Destination, EventCounter, SubscriptionCount
    from .checking import Checked
    from .json_outputs.check import CheckOutput, CountsOutput, SubscriptionOutput

_MOST_TYPES, _LONGEST_TYPE = 12, 40
_MOST_PROBLEMS = 5


def print_checked(found: Checked) -> None:
    """Print what a check has found, the problems to standard error."""
    for warning in found.warnings:
        echo(f"warning: {warning}", err=True)
    if found.ready is not None:
        for line in _outline(found.ready):
            inform(line)
    for problem in found.problems:
        echo(f"error: {problem}", err=True)
    if found.counter is not None:
        for line in _counts(found.counter, found.events):
            echo(line)
    if found.refusal is not None:
        echo(f"error: {found.refusal}", err=True)
    elif found.credentials and found.ready is not None:
        inform(f"{found.ready.definition.name} accepts the credentials")


def check_output(found: Checked) -> CheckOutput:
    """Return what a check has found, as JSON shows it."""
    from .exit_codes import OK
    from .json_outputs.check import CheckOutput, CredentialsOutput, ProblemOutput

    ready = found.ready
    refusal = None if found.refusal is None else str(found.refusal)
    return CheckOutput(
        ok=found.code == OK,
        destination=None if ready is None else ready.definition.name,
        environment=None if ready is None or ready.environment is None else ready.environment.name,
        host=None if ready is None else ready.host,
        subscriptions=[] if ready is None else [each.name for each in ready.compiled_subscriptions],
        errors=[ProblemOutput(place=problem.place, message=problem.message) for problem in found.problems],
        warnings=found.warnings,
        events=None if found.counter is None else _counts_output(found.counter, found.events),
        credentials=CredentialsOutput(accepted=refusal is None, error=refusal) if found.credentials else None,
    )


def _outline(ready: Destination) -> Iterator[str]:
    from ..configuration.targets import shown_target

    names = ", ".join(subscription.name for subscription in ready.compiled_subscriptions)
    yield f"{ready.definition.name}: settings are valid; subscriptions: {names or 'none'}"
    if ready.definition.extend_request is not None:
        yield f"sends to {shown_target(ready)}"


def _counts(counter: EventCounter, path: str) -> Iterator[str]:
    """Yield what some events would become."""
    from ...definitions import counted

    types = ", ".join(f"{_shown(kind)} {count:,}" for kind, count in counter.types.most_common(_MOST_TYPES))
    yield f"{path}: {counted(counter.events, 'event')}{f' ({types})' if types else ''}"
    for count, one, many, what in (
        (counter.unreadable, "text that is not an event", "texts that are not events", ""),
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


def _counts_output(counter: EventCounter, path: str) -> CountsOutput:
    from .json_outputs.check import CountsOutput

    return CountsOutput(
        file=path,
        events=counter.events,
        types=dict(counter.types.most_common()),
        unreadable=counter.unreadable,
        skipped=counter.skipped,
        rejected=counter.rejected,
        misspelt_flags=dict(counter.misspelt_flags.most_common()),
        subscriptions=[_subscription_output(count) for count in counter.subscriptions],
    )


def _subscription_output(count: SubscriptionCount) -> SubscriptionOutput:
    from .json_outputs.check import FieldOutput, SubscriptionOutput

    fields = [FieldOutput(key=each.key, required=each.is_required, filled=each.filled) for each in count.fields]
    return SubscriptionOutput(
        name=count.name,
        action=count.action,
        matched=count.matched,
        rejected=count.rejected,
        problems=dict(count.problems.most_common()),
        fields=fields,
        repeated=count.repeated,
        missing_paths=[*count.missing_paths],
    )
