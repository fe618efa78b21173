"""Worked examples: an event is planned by the engine that delivers, and the result is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..definition import WorkedExample
from ..destination import Destination
from ..errors import DestinationError, RejectedError
from ..json_body import indented_json
from ..planning.subscription import Subscription
from ..sample_events import sample_event
from ..sample_values import sample_mapping, sample_settings
from ..shown_request import body_text, own_headers
from ..text import one_line, visible
from .document import DocumentedExample, DocumentedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..definition import DestinationDefinition
    from ..planning.plan import Outcome, PlannedRequest
    from .anchors import Anchors

_MADE_UP = "A made-up event, with the default mappings. A required field that has none holds a made-up value."
_IN_A_CALL = ("userId", "anonymousId", "event", "name", "category", "groupId", "previousId", "properties", "traits")


@dataclass(frozen=True, slots=True)
class _Becomes:
    """What happens to an event: requests, or a payload, or a sentence."""

    requests: tuple[DocumentedRequest, ...] = ()
    payload: str = ""
    outcome: str = ""


def documented_example(
    definition: DestinationDefinition, example: WorkedExample, anchors: Anchors
) -> DocumentedExample:
    """Plan an example of the definition's own, under the presets."""
    return _documented(definition, example, None, anchors)


def made_up_example(
    definition: DestinationDefinition, action_key: str, call_type: str, anchors: Anchors
) -> DocumentedExample:
    """Plan a made-up event for one action, with the default mappings."""
    action = definition.actions[action_key]
    subscription = Subscription(
        name=action.title,
        partner_action=action_key,
        subscribe=f'type = "{call_type}"',
        mapping=sample_mapping(action),
    )
    example = WorkedExample(title="Example", text=_MADE_UP, event=sample_event(call_type, action))
    return _documented(definition, example, [subscription], anchors)


def _documented(
    definition: DestinationDefinition,
    example: WorkedExample,
    subscriptions: Sequence[Subscription] | None,
    anchors: Anchors,
) -> DocumentedExample:
    becomes = _becomes(definition, example, subscriptions)
    call_type = str(example.event.get("type", "track"))
    secret = {key for key, field in definition.settings.items() if field.type == "password"}
    told = {key: value for key, value in example.settings.items() if key not in secret}
    return DocumentedExample(
        anchor=anchors.name(f"example {call_type} {example.title}"),
        title=one_line(example.title),
        text=one_line(example.text),
        call_type=one_line(call_type),
        call=_call(call_type, example.event),
        event=visible(indented_json(example.event)),
        settings=visible(indented_json(told)) if told else "",
        requests=becomes.requests,
        payload=becomes.payload,
        outcome=one_line(becomes.outcome),
    )


def _call(call_type: str, event: Mapping[str, Any]) -> str:
    given = {key: event[key] for key in _IN_A_CALL if key in event}
    return f"analytics.{one_line(call_type)}({visible(indented_json(given))});"


def _becomes(
    definition: DestinationDefinition, example: WorkedExample, subscriptions: Sequence[Subscription] | None
) -> _Becomes:
    try:
        settings = sample_settings(definition.settings, example.settings)
        destination = Destination(definition, settings, subscriptions, is_example=True)
        plan = destination.plan([example.event])
        planned = tuple(_request(destination, made) for made in plan.requests)
        if planned:
            return _Becomes(requests=planned)
        if definition.extend_request is None:
            return _payload(destination, example.event)
        return _Becomes(outcome=_turned_down(destination, plan.turned_down))
    except DestinationError as error:
        # A page is public, so it shows the class of an author's exception and not its value.
        if error.__cause__ is not None:
            return _Becomes(outcome=_code_failed(error.__cause__))
        return _Becomes(outcome=f"No request can be shown: {error.message}.")
    except Exception as error:  # noqa: BLE001 - an author's code may fail in any way, and the page is still a page
        return _Becomes(outcome=_code_failed(error))


def _code_failed(error: BaseException) -> str:
    return f"No request can be shown: the destination's code failed ({type(error).__name__})."


def _payload(destination: Destination, event: Mapping[str, Any]) -> _Becomes:
    for subscription in destination.compiled_subscriptions:
        if not subscription.trigger(event):
            continue
        try:
            payload = destination.redactor.value(subscription.payload(event))
        except RejectedError as error:
            return _Becomes(outcome=f"This event would be rejected: {destination.redactor.text(error.message)}.")
        return _Becomes(
            payload=visible(indented_json(payload)),
            outcome="The definition holds no code that builds a request, so here is the payload for it.",
        )
    return _Becomes(outcome="No subscription wants this event.")


def _turned_down(destination: Destination, outcomes: Sequence[Outcome]) -> str:
    for outcome in outcomes:
        if outcome.error is not None:
            return f"This event would be rejected: {destination.redactor.text(outcome.error.message)}."
    return "No subscription wants this event."


def _request(destination: Destination, planned: PlannedRequest) -> DocumentedRequest:
    request, redactor = planned.request, destination.redactor
    return DocumentedRequest(
        action=planned.action,
        subscription=one_line(planned.subscriptions[0]),
        line=one_line(redactor.text(f"{request.method} {request.url}")),
        headers=tuple((name, one_line(value)) for name, value in own_headers(request, redactor)),
        body=body_text(request, redactor),
    )
