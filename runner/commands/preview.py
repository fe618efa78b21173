"""The command `preview`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exit_codes import OK, exits
from .options import BaseUrlOption, ConfigOption, DestinationOption
from .output import echo

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from ...definitions import Destination, FieldExplanation, SubscriptionExplanation

_LONGEST_VALUE = 120


@exits
def preview(
    event: Annotated[str, typer.Argument(metavar="EVENT.json", help="One event as JSON; - is standard input.")],
    *,
    config: ConfigOption = None,
    destination: DestinationOption = None,
    base_url: BaseUrlOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also show the Python that mapping and fields were compiled to.")
    ] = False,
) -> int:
    """Preview one event without sending it.

    Shows what each subscription makes of the event, and the request.
    """
    from ..configuration.configuration import Configuration

    configuration = Configuration(
        config, environment=os.environ, destination=destination, delivery={"base_url": base_url}
    )
    ready = configuration.set_up()
    echo(_preview(ready, configuration.destination_name, _read(event), explain_code=explain))
    return OK


def _read(path: str) -> Any:
    import orjson

    from ...definitions import Problem, SetupError, UnreadableError, read_event

    text = _text(path)
    try:
        return read_event(text)
    except UnreadableError as error:
        try:
            # JSON that is no event is shown with the reason why it would be rejected.
            return orjson.loads(text)
        except orjson.JSONDecodeError as fault:
            # orjson knows the line, but takes an integer of many digits for an infinity.
            is_number = "infinity" in fault.msg
            said = f"it {error.message}" if is_number else f"{fault.msg} (line {fault.lineno} column {fault.colno})"
            raise SetupError.of([Problem(path, f"is not one JSON event: {said}")]) from None


def _text(path: str) -> bytes:
    """Read a file, or standard input (`-`). Raises SetupError."""
    from ...definitions import Problem, SetupError
    from ..sources.event_splitting import MAX_EVENT_BYTES

    try:
        if path == "-":
            text = b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_EVENT_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                text = file.read(MAX_EVENT_BYTES + 1)
    except OSError as error:
        raise SetupError.of([Problem(path, f"cannot be read: {error.strerror}")]) from None
    except ValueError as error:
        raise SetupError.of([Problem(path, f"is not a path: {error}")]) from None
    if len(text) > MAX_EVENT_BYTES:
        raise SetupError.of([Problem(path, f"is longer than {MAX_EVENT_BYTES:,} bytes, so it is hardly an event")])
    return text


def _preview(destination: Destination, destination_name: str, event: Any, *, explain_code: bool) -> str:
    """Return what becomes of an event, with every secret masked."""
    from ...definitions import explain, visible

    explanation = explain(destination, event)
    if explanation.turned_away:
        lines = [f"The event is {explanation.turned_away}."]
    else:
        lines = []
        for subscription in explanation.subscriptions:
            lines += _subscription(destination, destination_name, subscription)
            if explain_code:
                lines += ["  code", *(f"    {line}".rstrip() for line in subscription.source.splitlines()), ""]
    return visible(destination.redactor.text("\n".join(lines).rstrip("\n")))


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
