"""The page about a destination, derived from its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers.status_table import ERRORS
from ..errors import DefinitionError, RetryableError, UnexpectedAnswerError
from ..json_body import indented_json
from ..text import listed, one_line, visible
from ..trigger import Trigger, compile_trigger
from .anchors import Anchors
from .document import (
    Document,
    DocumentedAction,
    DocumentedAnswer,
    DocumentedExample,
    DocumentedMethod,
    DocumentedPreset,
)
from .field_texts import FieldTexts
from .worked_examples import documented_example, made_up_example

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..action import ActionDefinition, BatchLimits
    from ..definition import DestinationDefinition
    from ..manifest_definition import Preset

CALLS = ("track", "identify", "page", "screen", "group", "alias")
"""Segment's calls, in the order of its documentation."""

_MEANINGS = {
    "delivered": ("Delivered", "Nothing more: the events have arrived."),
    "refused": (
        "Content is refused",
        "It is never sent again as it is. A batch is halved until the bad event is alone and becomes a dead letter.",
    ),
    "credentials": ("Credentials are wrong", "Sending stops and nothing is lost. It continues after the fix."),
    "configuration": ("Address is wrong", "Sending stops and nothing is lost. It continues after the fix."),
    "retryable": ("Temporary fault", "The same request is sent again, no earlier than Retry-After asks."),
}


def document_of(definition: DestinationDefinition) -> Document:
    """Say all that is known of a destination. Never raises, whatever a valid definition holds."""
    anchors = Anchors()
    triggers = dict(_triggers(definition))
    calls = tuple(call for call in CALLS if any(_takes(trigger, call) for trigger in triggers.values()))
    examples = [documented_example(definition, example, anchors) for example in definition.documentation.examples]
    told = definition.documentation
    actions = tuple(_actions(definition, anchors, examples))
    return Document(
        name=one_line(definition.name),
        slug=one_line(definition.slug),
        description=one_line(definition.description),
        integrations_name=one_line(definition.name),
        calls=tuple(call.capitalize() for call in calls),
        owner=one_line(told.owner),
        support=one_line(told.support),
        website=one_line(told.website),
        mode=definition.mode,
        authentication=definition.authentication.scheme,
        getting_started=tuple(map(one_line, told.getting_started)),
        settings=tuple(FieldTexts(anchors, "setting", {}, are_settings=True).fields(definition.settings)),
        methods=tuple(_methods(definition, calls, examples, anchors)),
        presets=tuple(_presets(definition, {action.key: action.anchor for action in actions})),
        actions=actions,
        engage=tuple(map(one_line, told.engage)),
        answers=tuple(_answers(definition)),
        request_id_header=one_line(definition.request_id_header or ""),
    )


def _triggers(definition: DestinationDefinition) -> Iterator[tuple[str, Trigger]]:
    texts = [preset.subscribe for preset in definition.presets if preset.partner_action in definition.actions]
    texts += [action.default_subscription for action in definition.actions.values()]
    for text in filter(None, texts):
        trigger = _compiled(text)
        if trigger is not None:
            yield text, trigger


def _compiled(text: str | None) -> Trigger | None:
    if text is None:
        return None
    try:
        return compile_trigger(text, is_published=True)
    except DefinitionError:
        return None


def _takes(trigger: Trigger | None, call: str) -> bool:
    return trigger is not None and trigger.may_overlap(compile_trigger(f'type = "{call}"'))


def _actions(
    definition: DestinationDefinition, anchors: Anchors, examples: list[DocumentedExample]
) -> Iterator[DocumentedAction]:
    for key, action in definition.actions.items():
        shown = tuple(
            example.anchor for example in examples if any(request.action == key for request in example.requests)
        )
        anchor = anchors.name(f"action {key}")
        trigger = _compiled(action.default_subscription)
        call_type = next((call for call in CALLS if _takes(trigger, call)), "track")
        texts = FieldTexts(anchors, f"field {key}", definition.settings, are_settings=False)
        yield DocumentedAction(
            anchor=anchor,
            key=one_line(key),
            title=one_line(action.title) or one_line(key),
            description=one_line(action.description),
            trigger=one_line(action.default_subscription or ""),
            notes=tuple(map(one_line, _notes(action))),
            fields=tuple(texts.fields(action.fields)),
            default_mapping=_default_mapping(action),
            example=None if shown else made_up_example(definition, key, call_type, anchors),
            examples=shown,
        )


def _default_mapping(action: ActionDefinition) -> str:
    defaults = {key: field.default for key, field in action.fields.items() if field.default is not None}
    return visible(indented_json(defaults)) if defaults else ""


def _notes(action: ActionDefinition) -> Iterator[str]:
    if action.batch is not None:
        yield _batch(action.batch)
    elif action.has_perform_batch:
        yield "One request may carry several events."
    if action.batch_keys:
        yield f"The events of one request have the same {listed(_labels(action, *action.batch_keys), 'and')}."
    if action.idempotency_field is not None:
        (label,) = _labels(action, action.idempotency_field)
        yield f"An event with a {label} that has been processed already is discarded as a duplicate."
    if action.order_field is not None:
        (label,) = _labels(action, action.order_field)
        yield f"Events with the same {label} arrive in their order."
    if action.platform != "cloud":
        yield f"For the platform {action.platform}."
    if action.sync_mode is not None:
        yield "Asks for a sync mode."
    if action.hooks:
        yield f"Has hooks: {', '.join(action.hooks)}."
    if action.hidden:
        yield "Not shown in Segment's app."


def _batch(batch: BatchLimits) -> str:
    return f"One request carries at most {batch.events:,} events and {batch.bytes:,} bytes."


def _labels(action: ActionDefinition, *keys: str) -> list[str]:
    return [action.fields[key].label for key in keys]


def _presets(definition: DestinationDefinition, anchors: Mapping[str, str]) -> Iterator[DocumentedPreset]:
    for preset in definition.presets:
        key = one_line(preset.partner_action)
        action = definition.actions.get(preset.partner_action)
        yield DocumentedPreset(
            name=one_line(preset.name),
            action_key=key,
            action_title=one_line(action.title) if action is not None else key,
            action_anchor=anchors[key] if action is not None else "",
            when=_when(preset) if action is not None else "Never: there is no such action",
            is_trigger=action is not None and bool(preset.subscribe),
            mapping=visible(indented_json(preset.mapping)) if preset.mapping else "",
        )


def _when(preset: Preset) -> str:
    if preset.subscribe:
        return one_line(preset.subscribe)
    return one_line(f"The event {preset.event_slug} of Segment" if preset.event_slug else "Never by itself")


def _methods(
    definition: DestinationDefinition, calls: tuple[str, ...], examples: list[DocumentedExample], anchors: Anchors
) -> Iterator[DocumentedMethod]:
    presets = [preset for preset in definition.presets if preset.partner_action in definition.actions]
    triggers = [(preset.name, _compiled(preset.subscribe)) for preset in presets]
    for call in dict.fromkeys((*calls, *(example.call_type for example in examples))):
        yield DocumentedMethod(
            anchor=anchors.name(f"method {call}"),
            call_type=call,
            title=call.capitalize(),
            presets=tuple(one_line(name) for name, trigger in triggers if call in calls and _takes(trigger, call)),
            examples=tuple(example for example in examples if example.call_type == call),
        )


def _answers(definition: DestinationDefinition) -> Iterator[DocumentedAnswer]:
    for answer in definition.answers:
        meaning, consequence = _MEANINGS[answer.meaning]
        yield DocumentedAnswer(
            statuses=answer.statuses,
            meaning=meaning,
            error=ERRORS[answer.meaning].__name__ if answer.meaning in ERRORS else "",
            consequence=consequence,
            description=one_line(answer.description),
        )
    yield DocumentedAnswer(
        statuses=("any other",),
        meaning="Not documented",
        error=UnexpectedAnswerError.__name__,
        consequence=_MEANINGS["configuration"][1],
        description="the events may have arrived or not.",
    )
    yield DocumentedAnswer(
        statuses=("no answer",),
        meaning=_MEANINGS["retryable"][0],
        error=RetryableError.__name__,
        consequence=_MEANINGS["retryable"][1],
        description="the network failed, or it took too long.",
    )
