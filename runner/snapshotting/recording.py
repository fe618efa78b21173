"""The recording of what happens to events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Raw
from msgspec.structs import replace

from ...definitions import IMPLIED_HEADERS, Problem, SetupError, UnreadableError, read_event, shown_request
from ..sources.contract import SourceError
from .files import MAX_BYTES, Record, RecordedRequest, Section, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from ...definitions import Destination, Outcome, Plan, PlannedRequest, Redactor
    from ..sources.contract import Chunk, Source
    from .files import Key

_LAYOUT = 100
"""About how many bytes an event takes in a file beside its contents."""


@dataclass(slots=True)
class Recording:
    """What happens to events: sections by subscription, the line of each event, the count of each outcome."""

    # What may be long is in no repr: asyncio makes one of the result of its main task when it ends.
    sections: dict[str | None, Section] = field(repr=False)
    lines: dict[Key, int] = field(default_factory=dict, repr=False)
    outcomes: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[int, str]] = field(default_factory=list, repr=False)
    size: int = 0


async def record(destination: Destination, redactor: Redactor, source: Source) -> Recording:
    """Plan events as a delivery would, each in its own request, and return what happens to them.

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
        async for chunk in source.chunks(None):
            if chunk.is_damaged:
                place = f"{source.name}, line {chunk.unreadable[-1].place}"
                raise SetupError.of([Problem(place, chunk.unreadable[-1].message)])
            plan = planner.feed_texts(chunk.texts, range(len(chunk.texts)))
            for line, message_id, records in _in_order(chunk, _by_event(plan, redactor), redactor):
                name_of_event = line if message_id is None else message_id
                occurrences[name_of_event] += 1
                _keep(recording, line, message_id, occurrences[name_of_event], records)
    except SourceError as error:
        raise SetupError.of([Problem("", str(error))]) from None
    if not recording.lines:
        raise SetupError.of([Problem(source.name, "holds no events")])
    if len(recording.unreadable) == len(recording.lines):
        line, message = recording.unreadable[0]
        raise SetupError.of([Problem(source.name, f"holds no events; line {line}: {message}")])
    return recording


def _by_event(plan: Plan, redactor: Redactor) -> Mapping[int, list[tuple[str | None, Record]]]:
    outcomes: dict[int, list[tuple[str | None, Record]]] = {}
    for outcome in plan.turned_down:
        outcomes.setdefault(outcome.index, []).append((outcome.subscription, _turned_down(outcome, redactor)))
    for request in plan.requests:
        # The planner fills each request with one event here.
        (index,), (name,) = request.indexes, request.subscriptions
        outcomes.setdefault(index, []).append((name, _planned(request, redactor)))
    return outcomes


def _in_order(
    chunk: Chunk, outcomes: Mapping[int, list[tuple[str | None, Record]]], redactor: Redactor
) -> Iterator[tuple[int, str | None, list[tuple[str | None, Record]]]]:
    """Yield the events of a chunk and what is not an event, by line: the line, the messageId, the records."""
    found: list[tuple[int, str | None, list[tuple[str | None, Record]]]] = [
        (line, _message_id(text, redactor), outcomes[index])
        for index, (line, text) in enumerate(zip(chunk.places, chunk.texts, strict=True))
    ]
    for text in chunk.unreadable:
        problems = (redactor.text(text.message),)
        found.append((text.place, None, [(None, Record(outcome="unreadable", problems=problems))]))
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
