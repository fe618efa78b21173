"""A draft as text: as the TOML of a configuration, as JSON and as a snapshot test; and back from text."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from starlette.routing import Route

from ....definitions import SetupError, one_line, placeholder_value
from ...configuration.configuration import SECTIONS
from ...configuration.toml_file import parse_toml
from ...configuration.toml_text import toml_key, toml_text
from .browser_numbers import inexact_numbers
from .drafts import Draft, DraftSubscription
from .messages import Asked, Message, PageError, Place, answer, body_of, reader
from .operation import page_operation
from .previews import MOST_BYTES, readable_event
from .python_text import python_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from ....definitions import DestinationDefinition
    from ..operations import Operation
    from .drafts import Drafts

_MOST_TEXT_BYTES = 1024 * 1024
_TOO_DEEP = "is nested too deeply to be a configuration"
_AT_LINE = re.compile(r"\(line (\d+), column (\d+)\)")
_DRAFT = ("destination", "settings", "subscriptions")


class AskedExport(Asked, frozen=True, kw_only=True):
    """A draft, and the text of an event for the snapshot test."""

    draft: Draft
    event: str | None = None


class AskedImport(Asked, frozen=True, kw_only=True):
    """A draft as text."""

    text: str
    format: str


class Export(Message, frozen=True, kw_only=True):
    """A draft as text, without secrets. `snapshot_test` is null without an event. `problems`: what TOML cannot say."""

    toml: str
    json: str
    snapshot_test: str | None
    problems: list[Place]


class ImportedDraft(Message, frozen=True, kw_only=True):
    """The draft that a text describes."""

    destination: str
    settings: dict[str, Any]
    subscriptions: list[dict[str, Any]] | None


class Imported(Message, frozen=True, kw_only=True):
    """A draft from text, or why there is none. Problems may also be beside a draft: what was left out of it."""

    draft: ImportedDraft | None
    problems: list[Place]


class Exports:
    """The endpoints of drafts as text."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._read_export = reader(AskedExport)
        self._read_import = reader(AskedImport)

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/page/api/export", self._export, methods=["POST"]),
            Route("/page/api/import", self._import, methods=["POST"]),
        ]

    @staticmethod
    def operations() -> list[Operation]:
        """Return what the endpoints say about themselves."""
        return [
            page_operation(
                "post", "/page/api/export", "exportDraft", "Write a draft as text.", Export, body=AskedExport
            ),
            page_operation(
                "post", "/page/api/import", "importDraft", "Read a draft from text.", Imported, body=AskedImport
            ),
        ]

    async def _export(self, request: Request) -> Response:
        body = await body_of(request, MOST_BYTES)
        return await asyncio.to_thread(self._exported, body)

    async def _import(self, request: Request) -> Response:
        body = await body_of(request, 2 * _MOST_TEXT_BYTES)
        return answer(await asyncio.to_thread(self._imported, body), self._drafts.redactor)

    def _exported(self, body: bytes) -> Response:
        asked = self._read_export(body)
        try:
            found = self._written(asked)
        except (RecursionError, orjson.JSONEncodeError):
            raise PageError(
                400, "invalid_draft", "The draft or the event is nested too deeply to be written."
            ) from None
        return answer(found, self._drafts.prepare(asked.draft).redactor)

    def _written(self, asked: AskedExport) -> Export:
        draft, definition = asked.draft, self._drafts.definition(asked.draft.destination)
        problems: list[Place] = []
        base_url = self._drafts.configuration.delivery.base_url
        is_own = draft.destination == self._drafts.configuration.given_name
        return Export(
            toml="\n".join(_toml(draft, definition, base_url if is_own else None, problems)) + "\n",
            json=_indented(_plain(draft)),
            snapshot_test=None
            if asked.event is None
            else _snapshot_test(draft, definition, readable_event(asked.event)),
            problems=problems,
        )

    def _imported(self, body: bytes) -> Imported:
        asked = self._read_import(body)
        if len(asked.text) > _MOST_TEXT_BYTES:
            raise PageError(413, "too_large", "The text is larger than 1 MiB, so it is hardly a configuration.")
        try:
            return self._drafted(_document(asked.text, asked.format))
        except PageError as error:
            if not error.problems:
                raise
            return Imported(draft=None, problems=[*error.problems])
        except RecursionError:
            return Imported(draft=None, problems=[Place(place="text", message=_TOO_DEEP)])

    def _drafted(self, document: Mapping[str, Any]) -> Imported:
        problems = [
            Place(place=key, message="there is no such key; there are " + ", ".join(SECTIONS))
            for key in document
            if key not in SECTIONS
        ]
        problems += [
            Place(place=key, message="is not part of what the page edits, and was left out")
            for key in document
            if key in SECTIONS and key not in _DRAFT
        ]
        given = {key: document[key] for key in _DRAFT if key in document}
        if inexact := [*inexact_numbers(given, "")]:
            return Imported(draft=None, problems=[*problems, *inexact])
        given.setdefault("destination", self._drafts.configuration.given_name)
        try:
            draft = msgspec.convert(_as_json(given), Draft)
        except msgspec.ValidationError as error:
            message, _, at = str(error).partition(" - at `$")
            return Imported(draft=None, problems=[*problems, Place(place=_place(at), message=_lower(message))])
        settings = dict(draft.settings)
        for key, field in self._drafts.definition(draft.destination).settings.items():
            if field.type == "password" and settings.pop(key, None) is not None:
                told = "is a secret and was left out; type it into its field, or set its environment variable"
                problems.append(Place(place=f"settings.{key}", message=told))
        subscriptions = None if draft.subscriptions is None else [*map(_plain_subscription, draft.subscriptions)]
        imported = ImportedDraft(destination=draft.destination, settings=settings, subscriptions=subscriptions)
        return Imported(draft=imported, problems=problems)


def _document(text: str, kind: str) -> dict[str, Any]:
    """Return the document in a text. Raises PageError, with the line and the column."""
    if kind == "toml":
        try:
            # As a file is read: neither is part of a line.
            return parse_toml(text.removeprefix("\ufeff").replace("\r\n", "\n"), "text")
        except SetupError as error:
            raise _unreadable(error.problems[0].message.partition("\n")[0], text) from None
    if kind != "json":
        raise PageError(400, "invalid_request", "The format of a text is toml or json.")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _unreadable(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})", text) from None
    except UnicodeEncodeError:
        raise _unreadable("holds half of a surrogate pair, which is not a character", text) from None
    if not isinstance(found, dict):
        raise _unreadable("should be a JSON object (line 1, column 1)", text)
    return found


def _unreadable(message: str, text: str) -> PageError:
    found = _AT_LINE.search(message)
    if found is None:
        # Of what is wrong at the end of a document, the reader of TOML names no place.
        at = {"line": text.count("\n") + 1, "column": len(text) - text.rfind("\n")}
    else:
        at = {"line": int(found[1]), "column": int(found[2])}
    return PageError(400, "invalid_text", message, [Place(place="text", message=message, **at)])


def _as_json(value: Any) -> Any:
    """Return a value of TOML as JSON has it: moments are texts there."""
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [*map(_as_json, value)]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _place(at: str) -> str:
    """Return the path of a fault as problems name places."""
    return at.strip("`").lstrip(".") or "text"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _plain(draft: Draft) -> dict[str, Any]:
    """Return what of a draft belongs into a file."""
    found: dict[str, Any] = {"destination": draft.destination, "settings": draft.settings}
    if draft.subscriptions is not None:
        found["subscriptions"] = [*map(_plain_subscription, draft.subscriptions)]
    return found


def _plain_subscription(each: DraftSubscription) -> dict[str, Any]:
    found: dict[str, Any] = {"name": each.name} if each.name else {}
    found |= {"partnerAction": each.partner_action, "subscribe": each.subscribe, "mapping": each.mapping}
    return found if each.enabled else {**found, "enabled": False}


def _toml(
    draft: Draft, definition: DestinationDefinition, base_url: str | None, problems: list[Place]
) -> Iterator[str]:
    yield f"destination = {toml_text(draft.destination)}"
    yield from ("", "[settings]")
    for field in definition.settings.values():
        if field.type == "password":
            yield f"# {one_line(field.label)}: set its environment variable, or write it to .env beside this file."
    yield from _members(draft.settings, "settings", problems)
    for index, each in enumerate(draft.subscriptions or ()):
        yield from ("", "[[subscriptions]]")
        plain = _plain_subscription(each)
        mapping = plain.pop("mapping")
        yield from _members(plain, f"subscriptions[{index}]", problems)
        if mapping:
            yield from ("", "[subscriptions.mapping]")
            yield from _members(mapping, f"subscriptions[{index}].mapping", problems)
    if base_url is not None:
        yield from ("", "[delivery]", f"baseUrl = {toml_text(base_url)}")


def _members(table: Mapping[str, Any], place: str, problems: list[Place]) -> Iterator[str]:
    for key, value in table.items():
        try:
            yield f"{toml_key(key)} = {toml_text(value)}"
        except ValueError:
            told = "holds null, which TOML does not have; use a directive that gives nothing, or the JSON"
            problems.append(Place(place=f"{place}.{key}", message=told))
            yield f"# {toml_key(key)} is left out: it holds null, which TOML does not have."


def _indented(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def _snapshot_test(draft: Draft, definition: DestinationDefinition, event: Any) -> str:
    """Return a test file. Its settings have placeholders for secrets, as snapshots have."""
    settings = dict(draft.settings)
    for key, field in definition.settings.items():
        if field.type == "password" and field.required is True:
            settings[key] = placeholder_value(key, field)
    if draft.destination.endswith(".json"):
        loading = f"DestinationDefinition.from_manifest(json.loads(Path({python_text(draft.destination)}).read_text()))"
        imports, names = "import json\nfrom pathlib import Path\n", "Destination, DestinationDefinition, Subscription"
    else:
        loading = f'entry_points(group="destination_actions")[{python_text(draft.destination)}].load()'
        imports, names = "from importlib.metadata import entry_points\n", "Destination, Subscription"
    subscriptions, given = "None  # the presets", "SUBSCRIPTIONS"
    if draft.subscriptions is not None:
        subscriptions = python_text([*map(_plain_subscription, draft.subscriptions)])
        given = "[Subscription.model_validate(each) for each in SUBSCRIPTIONS]"
    else:
        names = names.removesuffix(", Subscription")
    return f'''"""What the mapping makes of an event. Record it: pytest --snapshot-update"""

{imports}
from kable_destination.definitions import {names}, shown_request

SETTINGS = {python_text(settings)}
SUBSCRIPTIONS = {subscriptions}
EVENT = {python_text(event)}


def test_the_event_makes_the_recorded_requests(readable_snapshot):
    definition = {loading}
    destination = Destination(definition, SETTINGS, {given})
    plan = destination.plan([EVENT])
    outcomes = [
        {{"subscription": each.subscription, "status": each.status, "problems": [*map(str, each.problems)]}}
        for each in plan.outcomes
    ]
    requests = [shown_request(each.request, destination.redactor) for each in plan.requests]
    assert {{"outcomes": outcomes, "requests": requests}} == readable_snapshot(name="mapping")
'''
