"""How two snapshots differ, event by event and field by field, as text."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...definitions import json_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .files import Key, Record, RecordedRequest, Section
    from .renames import Rename

MOST_SHOWN = 20
"""So many events, fields of an event and fields of the summary are shown unless all are asked for."""

_LONGEST_VALUE = 120
_BEFORE_DIFFERENCE = 20
_PLAIN_KEY = re.compile(r"[^\W\d][\w$-]*")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not as recorded; None means that there was or is nothing."""

    field: str
    was: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as recorded under one subscription: of the event that `key` names, or, without one, of all events."""

    key: Key | None
    subscription: str | None
    changes: tuple[Change, ...]


def compare(
    recorded: Mapping[str | None, Section],
    current: Mapping[str | None, Section],
    order: Iterable[Key],
    renamed: Iterable[Rename] = (),
) -> list[Difference]:
    """Return every difference: those of whole subscriptions first, then event by event, in the current order.

    `renamed` subscriptions have their present names in both.
    """
    differences = [
        Difference(None, rename.after, (Change("name", json_line(rename.before), json_line(rename.after)),))
        for rename in renamed
    ]
    differences += _about_subscriptions(recorded, current)
    was, now = _by_event(recorded), _by_event(current)
    for key in (*order, *(key for key in was if key not in now)):
        differences += _about_event(key, was.get(key, {}), now.get(key, {}))
    return differences


def report(differences: list[Difference], lines: Mapping[Key, int], *, show_all: bool = False) -> Iterator[str]:
    """Yield the lines of a report: first as many events as a person will read, then how many changed by field.

    `lines` says on which line each event is now.
    """
    shown: set[Key | None] = set()
    keys = {difference.key for difference in differences if difference.key is not None}
    for difference in differences:
        key = difference.key
        if key is not None and key not in shown and len(shown - {None}) >= MOST_SHOWN and not show_all:
            break
        shown.add(key)
        yield one_line(_title(difference, lines))
        changes = difference.changes if show_all else difference.changes[:MOST_SHOWN]
        for change in changes:
            was, now = _around_difference(change.was, change.now)
            yield one_line(f"  {_shortened(change.field)}: was {was}, now {now}")
        if len(changes) < len(difference.changes):
            yield f"  … and {len(difference.changes) - len(changes):,} more fields; --all shows them"
    if hidden := len(keys - shown):
        yield f"… and {hidden:,} more {_noun(hidden)}; --all shows them"
    yield ""
    yield from _by_field(differences, show_all=show_all)


def one_line(text: str) -> str:
    """Escape what would break a line, or steer a terminal."""
    return visible(text, keep_lines=False)


def _about_subscriptions(
    recorded: Mapping[str | None, Section], current: Mapping[str | None, Section]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*current, *recorded)):
        if name is None:
            continue
        was, now = recorded.get(name), current.get(name)
        changes = list(_changes(_section_fields(was), _section_fields(now)))
        if was is not None and now is not None and was.request is not None and now.request is not None:
            changes += _changes(_request_fields(was.request), _request_fields(now.request))
        if changes:
            yield Difference(None, name, tuple(changes))


def _section_fields(section: Section | None) -> dict[str, str]:
    return {} if section is None else {"subscription": "there", "action": section.action or "none"}


def _request_fields(request: RecordedRequest | None) -> dict[str, str]:
    if request is None:
        return {}
    headers = {f"header {name}": json_line(value) for name, value in request.headers.items()}
    return {"request line": f"{request.method} {request.url}", **headers}


def _by_event(sections: Mapping[str | None, Section]) -> dict[Key, dict[str | None, Record]]:
    events: dict[Key, dict[str | None, Record]] = {}
    for name, section in sections.items():
        for record in section.events:
            events.setdefault(record.key, {})[name] = record
    return events


def _about_event(key: Key, was: Mapping[str | None, Record], now: Mapping[str | None, Record]) -> Iterator[Difference]:
    elsewhere_was = _outcome(was[None]) if None in was else "not wanted by this subscription" if was else None
    elsewhere_now = _outcome(now[None]) if None in now else "not wanted by this subscription" if now else None
    names = dict.fromkeys((*now, *was))
    if len(names) > 1 and not (None in was and None in now):
        # The subscriptions that want it say already that the others do not.
        names.pop(None, None)
    for name in names:
        before, after = was.get(name), now.get(name)
        if before is not None and after is not None and before.outcome == after.outcome:
            changes = tuple(_changes(_record_fields(before), _record_fields(after)))
        else:
            outcome_was = elsewhere_was if before is None else _outcome(before)
            outcome_now = elsewhere_now if after is None else _outcome(after)
            changes = (Change("outcome", outcome_was, outcome_now),)
        if changes:
            yield Difference(key, name, changes)


def _outcome(record: Record) -> str:
    if record.outcome == "planned":
        return f"planned {bytes(record.body).decode()}"
    return f"{record.outcome}: {'; '.join(record.problems) or record.reason}"


def _record_fields(record: Record) -> dict[str, str]:
    if record.outcome != "planned":
        return {"reason": "; ".join(record.problems) or record.reason}
    fields = dict(_leaves(json.loads(bytes(record.body)), ""))
    return {**_request_fields(record.request), **fields}


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            below = f"{place}.{key}" if place else key
            yield from _leaves(item, below if _PLAIN_KEY.fullmatch(key) else f"{place}[{json_line(key)}]")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{place}[{index}]")
    else:
        yield place or "body", json_line(value)


def _changes(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for field in dict.fromkeys((*now, *was)):
        if was.get(field) != now.get(field):
            yield Change(field, was.get(field), now.get(field))


def _title(difference: Difference, lines: Mapping[Key, int]) -> str:
    under = f'subscription "{difference.subscription}"' if difference.subscription is not None else "no subscription"
    if difference.key is None:
        return f"{under}, all events"
    name, occurrence = difference.key
    line = lines.get(difference.key)
    place = "not in the events" if line is None else f"line {line}"
    identity = (
        f"messageId {_shortened(json_line(name))}" if isinstance(name, str) else f"line {name}, without messageId"
    )
    repeated = f" for time {occurrence}" if occurrence > 1 else ""
    return f"{place} ({identity}{repeated}), {under}"


def _by_field(differences: list[Difference], *, show_all: bool) -> Iterator[str]:
    events: Counter[tuple[str, str]] = Counter()
    for difference in differences:
        if difference.key is not None:
            under = difference.subscription if difference.subscription is not None else "no subscription"
            events.update((under, change.field) for change in difference.changes)
    if not events:
        return
    yield "by field:"
    rows = events.most_common()
    shown = rows if show_all else rows[:MOST_SHOWN]
    for (under, field), count in shown:
        yield one_line(f"  {count:,} {_noun(count)}  {under}: {_shortened(field)}")
    if len(rows) > len(shown):
        yield f"  … and {len(rows) - len(shown):,} more fields; --all shows them"


def _noun(count: int) -> str:
    return "event" if count == 1 else "events"


def _around_difference(was: str | None, now: str | None) -> tuple[str, str]:
    """Shorten two values so what differs in them is still to be seen."""
    if was is None or now is None or max(len(was), len(now)) <= _LONGEST_VALUE:
        return _shortened(was), _shortened(now)
    same = next((at for at, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
    start = max(0, same - _BEFORE_DIFFERENCE)
    return _shortened(was, start), _shortened(now, start)


def _shortened(value: str | None, start: int = 0) -> str:
    if value is None:
        return "nothing"
    end = start + _LONGEST_VALUE
    return f"{'…' if start else ''}{value[start:end]}{'…' if len(value) > end else ''}"
