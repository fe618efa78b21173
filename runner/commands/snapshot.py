"""The command `snapshot`: what the mappings of a user make of their events, recorded, and compared from then on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer
from msgspec import Raw
from msgspec.structs import replace

from ...definitions import (
    IMPLIED_HEADERS,
    Problem,
    Redactor,
    SetupError,
    UnreadableError,
    placeholder_value,
    read_event,
    shown_request,
)
from ..configuration.configuration import Configuration, environment_name
from ..snapshotting.difference import MOST_SHOWN, compare, one_line, tell
from ..snapshotting.files import MAX_BYTES, Record, RecordedRequest, Section, canonical, read_sections, write_sections
from ..sources.files import Source
from .exit_codes import FAILED, OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx

    from ...definitions import Destination, DestinationDefinition, InputField, Outcome, PlannedRequest
    from ..snapshotting.files import Key
    from ..sources.event_splitting import Chunk

_LAYOUT = 100
"""So many bytes, about, an event takes in a file beside what it holds."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run of the command is asked for: the events, the folder, and what to do with them.

    `may_record` is false where a missing snapshot is a failure and not a beginning.
    """

    events: str
    folder: Path
    update: bool = False
    show_all: bool = False
    may_record: bool = True


@dataclass(slots=True)
class Recording:
    """What becomes of events: sections by subscription, the line of each event, how often there is each outcome."""

    sections: dict[str | None, Section]
    lines: dict[Key, int] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0


def snapshot(config: Path | None, destination_name: str | None, environment: Mapping[str, str], wish: Wish) -> int:
    """Record what becomes of events, or compare it with what was recorded; give the exit code. Raises SetupError."""
    destination, redactor, stand_ins = _set_up(config, destination_name, environment)
    recorded = read_sections(wish.folder)
    if not recorded and not wish.may_record and not wish.update:
        message = "holds no snapshot, and CI only compares; record one elsewhere, or with --update, and commit it"
        raise SetupError.of([Problem(str(wish.folder), message)])
    now = record(destination, redactor, Source(wish.events))
    for line, message in now.unreadable[:MOST_SHOWN]:
        typer.echo(one_line(f"{wish.events}, line {line}: no event: {message}"), err=True)
    if len(now.unreadable) > MOST_SHOWN:
        typer.echo(f"… and {len(now.unreadable) - MOST_SHOWN:,} more lines that are no events", err=True)
    differences = compare(recorded, now.sections, now.lines) if recorded else []
    for told in tell(differences, now.lines, show_all=wish.show_all) if differences else ():
        typer.echo(redactor.text(told))
    if recorded and not wish.update:
        return _conclude(now, wish, {difference.key for difference in differences})
    write_sections(wish.folder, now.sections.values())
    done = "recorded anew" if recorded else "recorded"
    typer.echo(f"{_counted(len(now.lines))} {done} in {wish.folder}: {_outcomes(now)}")
    if stand_ins:
        typer.echo(f"credentials are not read for a snapshot; placeholders stand in for {', '.join(stand_ins)}")
    return OK


def record(destination: Destination, redactor: Redactor, source: Source) -> Recording:
    """Plan events as a delivery would, each in a request of its own, and keep what becomes of them.

    Raises SetupError when the source cannot be read to its end, holds no event, or makes more than a snapshot may hold.
    """
    sections: dict[str | None, Section] = {
        item.name: Section(subscription=item.name, action=item.action_key)
        for item in destination.compiled_subscriptions
    }
    recording = Recording({**sections, None: Section(subscription=None)})
    planner = destination.planner(max_events=1)
    occurrences: Counter[str | int] = Counter()
    try:
        for chunk in source.chunks():
            if chunk.damage is not None:
                place = f"{source.name}, line {chunk.unreadable[-1].line}"
                raise SetupError.of([Problem(place, chunk.damage)])
            plan = planner.feed_texts(chunk.texts, range(len(chunk.texts)))
            outcomes: dict[int, list[tuple[str | None, Record]]] = {}
            for outcome in plan.turned_down:
                outcomes.setdefault(outcome.index, []).append((outcome.subscription, _turned_down(outcome, redactor)))
            for request in plan.requests:
                (index,), (name,) = request.indexes, request.subscriptions
                outcomes.setdefault(index, []).append((name, _planned(request, redactor)))
            for line, message_id, records in _in_order(chunk, outcomes, redactor):
                name_of_event = line if message_id is None else message_id
                occurrences[name_of_event] += 1
                _keep(recording, line, message_id, occurrences[name_of_event], records)
    except OSError as error:
        raise SetupError.of([Problem(source.name, f"cannot be read: {error.strerror}")]) from None
    if not recording.lines:
        raise SetupError.of([Problem(source.name, "holds no events")])
    if len(recording.unreadable) == len(recording.lines):
        line, message = recording.unreadable[0]
        raise SetupError.of([Problem(source.name, f"holds no events; line {line}: {message}")])
    return recording


def _conclude(now: Recording, wish: Wish, changed: set[Key | None]) -> int:
    """Say how a comparison ended; without a key, something that all events share has changed."""
    if not changed:
        typer.echo(f"{_counted(len(now.lines))} as recorded in {wish.folder}: {_outcomes(now)}")
        return OK
    what = _counted(len(changed - {None})) if changed - {None} else "what all events share is"
    typer.echo(f"{what} not as recorded in {wish.folder}; if that is meant, record anew with --update")
    return FAILED


def _in_order(
    chunk: Chunk, outcomes: Mapping[int, list[tuple[str | None, Record]]], redactor: Redactor
) -> Iterator[tuple[int, str | None, list[tuple[str | None, Record]]]]:
    """Give the events of a chunk and what is none, by line: the line, the messageId, and the records."""
    found: list[tuple[int, str | None, list[tuple[str | None, Record]]]] = [
        (line, _message_id(text, redactor), outcomes[index])
        for index, (line, text) in enumerate(zip(chunk.lines, chunk.texts, strict=True))
    ]
    for text in chunk.unreadable:
        problems = (redactor.text(text.message),)
        found.append((text.line, None, [(None, Record(outcome="unreadable", problems=problems))]))
    return iter(sorted(found, key=lambda item: item[0]))


def _message_id(text: bytes, redactor: Redactor) -> str | None:
    try:
        found = read_event(text).get("messageId")
    except UnreadableError:
        return None
    return redactor.text(found) if isinstance(found, str) and found.strip() else None


def _keep(
    recording: Recording,
    line: int,
    message_id: str | None,
    occurrence: int,
    records: list[tuple[str | None, Record]],
) -> None:
    kept_line = line if message_id is None else None
    for name, found in records:
        section = recording.sections[name]
        if section.request is None:
            section.request = found.request
        request = None if found.request == section.request else found.request
        kept = replace(found, message_id=message_id, line=kept_line, occurrence=occurrence, request=request)
        section.events.append(kept)
        recording.lines[kept.key] = line
        recording.outcomes[found.outcome] += 1
        recording.size += _LAYOUT + len(bytes(found.body)) + len(message_id or "") + sum(map(len, found.problems))
        if found.outcome == "unreadable":
            recording.unreadable.append((line, "; ".join(found.problems)))
    if recording.size > MAX_BYTES:
        message = f"they make more than {MAX_BYTES:,} bytes, and a snapshot is of a sample; take fewer of them"
        raise SetupError.of([Problem("events", message)])


def _turned_down(outcome: Outcome, redactor: Redactor) -> Record:
    if outcome.status == "skipped":
        return Record(outcome="skipped", reason=redactor.text(outcome.detail))
    problems = tuple(redactor.text(str(problem)) for problem in outcome.problems)
    if isinstance(outcome.error, UnreadableError):
        return Record(outcome="unreadable", problems=problems)
    return Record(outcome="rejected", problems=problems)


def _planned(planned: PlannedRequest, redactor: Redactor) -> Record:
    request = planned.request
    body = redactor.text(request.content.decode("utf-8", "backslashreplace"))
    return Record(outcome="planned", request=_recorded(request, redactor), body=Raw(canonical(body.encode())))


def _recorded(request: httpx.Request, redactor: Redactor) -> RecordedRequest:
    shown = shown_request(request, redactor, all_headers=True)
    headers = {name: value for name, value in sorted(shown["headers"].items()) if name not in IMPLIED_HEADERS}
    return RecordedRequest(shown["method"], shown["url"], headers)


def _set_up(
    config: Path | None, name: str | None, environment: Mapping[str, str]
) -> tuple[Destination, Redactor, list[str]]:
    """Set a destination up without the credentials of the environment, so that a snapshot is the same everywhere.

    Placeholders stand in for what the file does not hold; what the environment holds is known to the redactor only.
    """
    given = Configuration(config, environment=environment, destination=name)
    definition = given.definition
    variables = {key: environment_name(given.destination_name, key) for key in _credentials(definition)}
    hidden = {*variables.values(), environment_name(given.destination_name, "base_url")}
    others = {variable: value for variable, value in environment.items() if variable not in hidden}
    configuration = Configuration(config, environment=others, destination=name)
    absent = [key for key in variables if _stands_in(definition.settings[key]) and key not in configuration.settings]
    configuration.settings.update({key: placeholder_value(key, definition.settings[key]) for key in absent})
    destination = configuration.set_up()
    secrets = [
        text
        for source in (given.settings, destination.settings)
        for key, setting in definition.settings.items()
        if setting.type == "password" and isinstance(text := source.get(key), str)
    ]
    return destination, Redactor(secrets), absent


def _credentials(definition: DestinationDefinition) -> list[str]:
    """Name the settings that say who the user is, and those that are secret."""
    return [
        key
        for key, setting in definition.settings.items()
        if key in definition.authentication.fields or setting.type == "password"
    ]


def _stands_in(setting: InputField) -> bool:
    """Tell whether a placeholder can stand in for a setting, and must."""
    return setting.required is True and setting.default is None and setting.type in {"string", "text", "password"}


def _outcomes(recording: Recording) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(recording.outcomes.items()))


def _counted(count: int) -> str:
    return f"{count:,} event" if count == 1 else f"{count:,} events"
