"""Why an event becomes what it becomes: for each subscription its trigger, its fields, its problems, its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import MappingError, Problem, RejectedError
from ..mapping import describe_mapping
from ..missing import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..destination import Destination
    from .compiled_subscription import CompiledSubscription
    from .plan import Outcome, PlannedRequest


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """One field of a payload: what the mapping says, where that comes from, what it gave, what is sent.

    `mapped` and `sent` are MISSING if there is nothing. `renamed_by` is the setting that renames properties within it.
    `reads`: the paths of the event that the mapping can read, each as its keys; no keys mean the whole event.
    """

    key: str
    label: str
    mapping: str
    origin: str
    mapped: Any
    sent: Any
    renamed_by: str | None = None
    reads: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionExplanation:
    """What one subscription makes of an event. `why_not` is empty when its trigger matches.

    `decided_by`: the conditions of the trigger that decided, each as a part of `trigger`. `source` is the function that
    makes a payload of an event: its mapping and fields as Python.
    """

    name: str
    action: str
    trigger: str
    why_not: str
    source: str
    decided_by: tuple[str, ...] = ()
    fields: tuple[FieldExplanation, ...] = ()
    problems: tuple[Problem, ...] = ()
    request: PlannedRequest | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happens to an event; `turned_away` says why no subscription was asked, when that is so."""

    turned_away: str
    subscriptions: tuple[SubscriptionExplanation, ...]


def explain(destination: Destination, event: Any) -> Explanation:
    """Explain one event, by the same plan that delivers it."""
    if not hasattr(destination, "compiled_subscriptions"):
        raise TypeError(f"a Destination is expected, but this is {type(destination).__name__}")
    plan = destination.plan([event])
    for outcome in plan.outcomes:
        if outcome.status == "skipped" and outcome.reason == "integrations":
            return Explanation(f"skipped: {outcome.detail}", ())
        if outcome.status == "rejected" and outcome.subscription is None:
            return Explanation(f"rejected: {outcome.error}", ())
    outcomes = {outcome.subscription: outcome for outcome in plan.outcomes}
    requests = {name: request for request in plan.requests for name in request.subscriptions}
    return Explanation(
        "",
        tuple(
            _explain_subscription(subscription, event, outcomes.get(subscription.name), requests.get(subscription.name))
            for subscription in destination.compiled_subscriptions
        ),
    )


def _explain_subscription(
    subscription: CompiledSubscription, event: dict[str, Any], outcome: Outcome | None, request: PlannedRequest | None
) -> SubscriptionExplanation:
    name, action, trigger = subscription.name, subscription.action_key, str(subscription.trigger)
    decided_by = subscription.trigger.deciding(event)
    if outcome is None:
        why_not = subscription.trigger.explain(event) or "it does not match"
        return SubscriptionExplanation(name, action, trigger, why_not, subscription.payload.source, decided_by)
    return SubscriptionExplanation(
        name,
        action,
        trigger,
        why_not="",
        source=subscription.payload.source,
        decided_by=decided_by,
        fields=tuple(_explain_fields(subscription, event)),
        problems=outcome.problems,
        request=request,
    )


def _explain_fields(subscription: CompiledSubscription, event: dict[str, Any]) -> Iterator[FieldExplanation]:
    mapped, sent = _values(subscription, event)
    for key, source in subscription.sources.items():
        field = subscription.action.fields.get(key)
        yield FieldExplanation(
            key,
            field.label if field is not None else key,
            describe_mapping(source.mapping),
            f"the setting {source.setting}" if source.origin == "setting" else f"the {source.origin}",
            mapped.get(key, MISSING),
            sent.get(key, MISSING),
            setting if (setting := field and field.renames_setting) and subscription.settings.get(setting) else None,
            subscription.field_keys(key),
        )


def _values(subscription: CompiledSubscription, event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        mapped = subscription.mapping(event)
    except MappingError:
        return {}, {}
    if not isinstance(mapped, dict):
        return {}, {}
    try:
        return mapped, subscription.prepared_payload(event, event)
    except RejectedError:
        return mapped, {}
