"""What a draft makes of one event: verdicts, payloads with the source of each value, and the requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from msgspec.structs import replace
from starlette.routing import Route

from ....definitions import (
    MISSING,
    Redactor,
    UnreadableError,
    curl_command,
    explain,
    http_text,
    json_line,
    read_event,
    shortened,
    shown_request,
    visible,
    visible_json,
)
from ...configuration.environment import environment_name
from .drafts import Draft  # noqa: TC001 - msgspec reads it at run time
from .messages import Asked, Message, PageError, Place, RequestShown, answer, body_of, places, reader
from .operation import page_operation

if TYPE_CHECKING:
    import httpx
    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import Destination, FieldExplanation, SubscriptionExplanation
    from ..operations import Operation
    from .drafts import Drafts, Prepared

MOST_EVENT_BYTES = 1024 * 1024
"""A larger event is not previewed: its requests would fill the page."""

MOST_BYTES = 4 * MOST_EVENT_BYTES
_LONGEST_VALUE = 2_000
_MOST_POINTERS = 50
_UNMASKED = Redactor()


class AskedPreview(Asked, frozen=True, kw_only=True):
    """A draft, and an event as the text that somebody has typed."""

    draft: Draft
    event: str


class FieldPreview(Message, frozen=True, kw_only=True):
    """A field of a payload.

    - `mapping`: what it is mapped to, in words; `origin`: where that comes from.
    - `mapped`, `sent`: what the mapping gives, and what is sent, as JSON that may be shortened; null: nothing.
    - `paths`: JSON pointers to the values of the event that the mapping reads, as far as they are there.
    - `renamed_by`: the setting that renames properties within it.
    """

    key: str
    label: str
    mapping: str
    origin: str
    paths: list[str]
    mapped: str | None
    is_sent: bool
    sent: str | None
    renamed_by: str | None


class FieldProblem(Message, frozen=True, kw_only=True):
    """Why the event is rejected: the field, and the reason."""

    field: str
    message: str


class SubscriptionPreview(Message, frozen=True, kw_only=True):
    """What a subscription makes of the event.

    - `index`: its place in the draft, or among the presets.
    - `decided_by`: the parts of `trigger` that decided. `why_not`: why it does not match.
    - `http`, `curl`: the request as text; empty if there is none.
    """

    index: int
    name: str
    action: str
    trigger: str
    matches: bool
    why_not: str | None
    decided_by: list[str]
    fields: list[FieldPreview]
    problems: list[FieldProblem]
    request: RequestShown | None
    http: str
    curl: str


class Preview(Message, frozen=True, kw_only=True):
    """What a draft makes of an event.

    `problems` are those of the draft and of the text. `is_complete`: the draft can send. `target` is where it would
    send, and `is_live` whether real customers would be billed. `turned_away` says why no subscription was asked.
    """

    problems: list[Place]
    is_complete: bool = False
    target: str | None
    environment: str | None
    is_live: bool
    turned_away: str | None = None
    subscriptions: list[SubscriptionPreview] = msgspec.field(default_factory=list)


class Previews:
    """The endpoint of previews."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._read = reader(AskedPreview)

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route("/page/api/preview", self._answer, methods=["POST"])]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoint says about itself."""
        return [
            page_operation("post", "/page/api/preview", "preview", "Preview an event.", Preview, body=AskedPreview),
        ]

    async def _answer(self, request: Request) -> Response:
        body = await body_of(request, MOST_BYTES)
        # In a thread: a mapping may take a while, and other requests need not wait.
        return await asyncio.to_thread(self._previewed, body)

    def _previewed(self, body: bytes) -> Response:
        asked = self._read(body)
        prepared = self._drafts.prepare(asked.draft)
        return answer(preview(prepared, asked.event, self._drafts.configuration.destination_name), prepared.redactor)


def preview(prepared: Prepared, text: str, name: str) -> Preview:
    """Return what a draft makes of an event. `name` begins the environment variables in curl commands."""
    destination, problems = prepared.destination, places(prepared.problems)
    event: Any = MISSING
    try:
        event = readable_event(text)
    except PageError as error:
        problems += error.problems
    environment = None if destination is None else destination.environment
    found = Preview(
        problems=problems,
        is_complete=prepared.is_complete,
        target=None if destination is None else destination.target,
        environment=None if environment is None else environment.name,
        is_live=destination is not None and destination.is_live,
    )
    if destination is None or event is MISSING:
        return found
    explanation = explain(destination, event)
    return replace(
        found,
        turned_away=explanation.turned_away or None,
        subscriptions=[
            _subscription(destination, name, event, index, each)
            for index, each in zip(prepared.positions, explanation.subscriptions, strict=False)
        ],
    )


def readable_event(text: str) -> Any:
    """Return the event in a text. Raises PageError, naming the line and the column."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise _unreadable("holds half of a surrogate pair, which is not a character") from None
    if len(raw) > MOST_EVENT_BYTES:
        raise _unreadable(f"is longer than {MOST_EVENT_BYTES:,} bytes, which is the most that a preview takes")
    try:
        return read_event(raw)
    except UnreadableError as error:
        try:
            # JSON that is not an event is shown with the reason why it would be rejected.
            return orjson.loads(raw)
        except orjson.JSONDecodeError as fault:
            # orjson knows the line, but takes an integer of many digits for an infinity.
            if "infinity" in fault.msg:
                raise _unreadable(error.message) from None
            place = {"line": fault.lineno, "column": fault.colno}
            raise _unreadable(f"is not JSON: {fault.msg}", **place) from None


def _unreadable(message: str, **place: int) -> PageError:
    found = Place(place="event", message=message, **place)
    return PageError(400, "invalid_event", f"The event {message}.", [found])


def _subscription(
    destination: Destination, name: str, event: Any, index: int, explained: SubscriptionExplanation
) -> SubscriptionPreview:
    request = None if explained.request is None else explained.request.request
    # The answer as a whole is masked; to search a large body twice more takes longer than all the rest.
    shown = None if request is None else shown_request(request, _UNMASKED)
    return SubscriptionPreview(
        index=index,
        name=explained.name,
        action=explained.action,
        trigger=explained.trigger,
        matches=not explained.why_not,
        why_not=explained.why_not or None,
        decided_by=[*explained.decided_by],
        fields=[_field(event, field) for field in explained.fields],
        problems=[FieldProblem(field=problem.place, message=problem.message) for problem in explained.problems],
        request=None if request is None or shown is None else RequestShown(**{**shown, "body": _body(request)}),
        http="" if request is None else http_text(request, _UNMASKED).decode("utf-8", "replace").rstrip("\n"),
        curl="" if request is None else curl_of(destination, name, request),
    )


def curl_of(destination: Destination, name: str, request: httpx.Request) -> str:
    """Return a request as a curl command, in which environment variables take the place of secrets."""
    variables = {
        value: environment_name(name, key)
        for key, field in destination.definition.settings.items()
        if field.type == "password" and isinstance(value := destination.settings.get(key), str)
    }
    # Masked before it is quoted for a shell, which takes a secret with a quotation mark apart.
    return curl_command(request, destination.redactor, variables)


def _body(request: httpx.Request) -> str:
    """Return the body of a request over several lines, every number as it is sent."""
    try:
        return visible_json(msgspec.json.format(request.content, indent=2).decode())
    except (ValueError, RecursionError):
        return visible(request.content.decode("utf-8", "backslashreplace"))


def _field(event: Any, field: FieldExplanation) -> FieldPreview:
    found = (pointer for keys in field.reads if (pointer := _pointer(event, keys)) is not None)
    return FieldPreview(
        key=field.key,
        label=field.label,
        mapping=field.mapping,
        origin=field.origin,
        paths=[*dict.fromkeys(found)][:_MOST_POINTERS],
        mapped=_json(field.mapped),
        is_sent=field.sent is not MISSING,
        sent=_json(field.sent),
        renamed_by=field.renamed_by,
    )


def _json(value: Any) -> str | None:
    return None if value is MISSING else shortened(json_line(value), _LONGEST_VALUE)


def _pointer(event: Any, keys: tuple[str, ...]) -> str | None:
    """Return the JSON pointer (RFC 6901) of what is at a path; None if nothing is there. No keys: the whole event."""
    value = event
    for key in keys:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)
