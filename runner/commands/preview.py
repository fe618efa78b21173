"""The preview of one event: what every subscription makes of it, and the request as JSON and as a curl command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import orjson

from ...definitions import MISSING
from ...definitions.planning.explanation import explain
from ..configuration.configuration import environment_name
from ..delivery.dry_run import IMPLIED_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from ...definitions import Destination
    from ...definitions.planning.explanation import FieldExplanation, SubscriptionExplanation

_MAX_SHOWN = 120


def preview(destination: Destination, destination_name: str, event: Any, *, explain_code: bool = False) -> str:
    """Tell what becomes of an event, as text for a person, with every secret masked.

    `explain_code` adds the Python that each subscription's mapping and fields were compiled to.
    """
    explanation = explain(destination, event)
    if explanation.turned_away:
        lines = [f"The event is {explanation.turned_away}."]
    else:
        lines = []
        for subscription in explanation.subscriptions:
            lines += _subscription(destination, destination_name, subscription)
            if explain_code:
                lines += ["  code", *(f"    {line}".rstrip() for line in subscription.source.splitlines()), ""]
    return _visible(destination.redactor.text("\n".join(lines).rstrip("\n")))


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
    width = max((len(field.key) for field in fields), default=0)
    for field in fields:
        shown = _json(field.mapped) if field.sent is MISSING else _json(field.sent)
        yield f"  {field.key.ljust(width)}  {shown}"
        yield f"  {' ' * width}  from {field.mapping} ({field.origin}){_conversion(field)}"
    yield ""


def _conversion(field: FieldExplanation) -> str:
    if field.mapped is MISSING:
        return ": the event has nothing there"
    if field.sent is MISSING or field.sent == field.mapped:
        return ""
    return f", where it is {_json(field.mapped)}"


def _request(destination: Destination, name: str, request: httpx.Request) -> Iterator[str]:
    headers = {key: destination.redactor.text(value) for key, value in _headers(request)}
    shown = {"method": request.method, "url": str(request.url), "headers": headers, "body": _body(request)}
    yield "  request"
    yield orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
    yield ""
    yield "  curl"
    yield curl(destination, name, request)


def curl(destination: Destination, name: str, request: httpx.Request) -> str:
    """Write a request as a curl command that runs in a POSIX shell, with its secrets taken from the environment."""
    variables = {
        destination.settings[key]: environment_name(name, key)
        for key, field in destination.definition.settings.items()
        if field.type == "password" and isinstance(destination.settings.get(key), str)
    }
    parts = ["curl", "--request", request.method, shlex.quote(str(request.url))]
    for key, value in _headers(request):
        if value in variables:
            parts += ["--header", f'"{key}: ${variables[value]}"']
        else:
            parts += ["--header", shlex.quote(f"{key}: {value}")]
    if request.content:
        parts += ["--data-raw", shlex.quote(request.content.decode("utf-8"))]
    return " ".join(parts)


def _headers(request: httpx.Request) -> Iterator[tuple[str, str]]:
    for raw_key, raw_value in request.headers.raw:
        key = raw_key.decode("ascii")
        if key.lower() not in IMPLIED_HEADERS:
            yield key, raw_value.decode("latin-1")


def _body(request: httpx.Request) -> Any:
    try:
        return orjson.loads(request.content)
    except orjson.JSONDecodeError:
        return request.content.decode("utf-8", "replace")


def _json(value: Any) -> str:
    if value is MISSING:
        return "—"
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def _visible(text: str) -> str:
    """Show control characters instead of obeying them: an event must not steer somebody's terminal."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)
