"""What `preview` shows of an event, for every command that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from ...definitions import Destination, FieldExplanation, SubscriptionExplanation
    from .json_outputs.preview import FieldPreview, PreviewOutput, SubscriptionPreview

_LONGEST_VALUE = 120


def preview_text(destination: Destination, destination_name: str, event: Any, *, explain_code: bool = False) -> str:
    """Return what happens to an event, with every secret masked."""
    from ...definitions import explain, visible

    explanation = explain(destination, event)
    lines = [f"for {destination.target}", ""]
    if explanation.turned_away:
        lines.append(f"The event is {explanation.turned_away}.")
    else:
        for subscription in explanation.subscriptions:
            lines += _subscription(destination, destination_name, subscription)
            if explain_code:
                lines += ["  code", *(f"    {line}".rstrip() for line in subscription.source.splitlines()), ""]
    return visible(destination.redactor.text("\n".join(lines).rstrip("\n")))


def preview_output(destination: Destination, event: Any, *, explain_code: bool = False) -> PreviewOutput:
    """Return what happens to an event, as JSON shows it, with every secret masked."""
    from ...definitions import explain
    from .json_outputs.preview import PreviewOutput

    explanation = explain(destination, event)
    environment = destination.environment
    turned_away = destination.redactor.text(explanation.turned_away)
    return PreviewOutput(
        destination=destination.definition.name,
        environment=None if environment is None else environment.name,
        host=destination.host,
        turned_away=turned_away or None,
        subscriptions=[
            _subscription_preview(destination, each, explain_code=explain_code) for each in explanation.subscriptions
        ],
    )


def _subscription_preview(
    destination: Destination, explained: SubscriptionExplanation, *, explain_code: bool
) -> SubscriptionPreview:
    from ...definitions import shown_request
    from .json_outputs.preview import RequestPreview, SubscriptionPreview

    redactor, request = destination.redactor, explained.request
    return SubscriptionPreview(
        name=explained.name,
        action=explained.action,
        trigger=explained.trigger,
        matches=not explained.why_not,
        why_not=explained.why_not or None,
        fields=[_field_preview(destination, field) for field in explained.fields],
        problems=[redactor.text(str(problem)) for problem in explained.problems],
        request=None if request is None else RequestPreview(**shown_request(request.request, redactor)),
        code=redactor.text(explained.source) if explain_code else None,
    )


def _field_preview(destination: Destination, field: FieldExplanation) -> FieldPreview:
    from ...definitions import MISSING
    from .json_outputs.preview import FieldPreview

    redactor = destination.redactor
    return FieldPreview(
        key=field.key,
        mapping=redactor.text(field.mapping),
        origin=field.origin,
        is_mapped=field.mapped is not MISSING,
        mapped=None if field.mapped is MISSING else redactor.value(field.mapped),
        is_sent=field.sent is not MISSING,
        sent=None if field.sent is MISSING else redactor.value(field.sent),
        renamed_by=field.renamed_by,
    )


def _subscription(destination: Destination, name: str, explained: SubscriptionExplanation) -> Iterator[str]:
    yield f"{explained.name} → {explained.action}"
    yield f"  trigger   {explained.trigger}"
    if explained.why_not:
        yield f"  no match  {explained.why_not}"
        yield ""
        return
    yield "  matches   yes"
    yield ""
    yield from _fields(explained.fields)
    for problem in explained.problems:
        yield f"  rejected  {problem}"
    if explained.request is not None:
        yield from _request(destination, name, explained.request.request)
    yield ""


def _fields(fields: tuple[FieldExplanation, ...]) -> Iterator[str]:
    from ...definitions import MISSING

    width = max((len(field.key) for field in fields), default=0)
    for field in fields:
        shown = _json(field.mapped) if field.sent is MISSING else _json(field.sent)
        yield f"  {field.key.ljust(width)}  {shown}"
        yield f"  {' ' * width}  from {field.mapping} ({field.origin}){_conversion(field)}"
        if field.renamed_by is not None:
            said = "a mapped value replaces a property of the same name"
            yield f"  {' ' * width}  renamed by the setting {field.renamed_by}: {said}"
    yield ""


def _conversion(field: FieldExplanation) -> str:
    from ...definitions import MISSING

    if field.mapped is MISSING:
        return ": the event has nothing there"
    if field.sent is MISSING or field.sent == field.mapped:
        return ""
    return f", where it is {_json(field.mapped)}"


def _request(destination: Destination, name: str, request: httpx.Request) -> Iterator[str]:
    from ...definitions import curl_command, indented_json, shown_request
    from ..configuration.environment import environment_name

    variables = {
        destination.settings[key]: environment_name(name, key)
        for key, field in destination.definition.settings.items()
        if field.type == "password" and isinstance(destination.settings.get(key), str)
    }
    yield "  request"
    yield indented_json(shown_request(request, destination.redactor))
    yield ""
    yield "  curl"
    yield curl_command(request, destination.redactor, variables)


def _json(value: Any) -> str:
    from ...definitions import MISSING, json_line, shortened

    return "—" if value is MISSING else shortened(json_line(value), _LONGEST_VALUE)
