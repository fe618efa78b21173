"""Settings that are hardly right: paths that match no event, quotes, a key for another host. Nothing is refused."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from ..errors import MappingError, Problem
from ..mapping.event_paths import event_paths
from ..mapping.paths import parse_event_path
from ..segment_calls import CONTEXT_OBJECT_KEYS, EVENT_KEYS, OBJECT_KEYS
from ..text import quoted
from .key_faults import what_is_around

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..action import Settings
    from ..definition import DestinationDefinition
    from ..input_field import InputField

# What other programs write around the name of a value; a property may have some of it in its name, as in `$revenue`.
_AROUND, _AROUND_PROPERTY = "{}$%<>;,#@|", "{}"
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})
_NAME_IN_BRACKETS = re.compile(r"\[([A-Za-z_][\w-]*)\]")
_ANY_ELEMENT = re.compile(r"\[\*?\]")
_OTHER_DIVIDER = re.compile(rf"({'|'.join(sorted(OBJECT_KEYS))})(/|::?|->|=>)(?=.)")
_HOLDERS = frozenset({"event", "message", "payload", "body", "segment"})
"""What people call the event as a whole, as in `event.userId`."""

_USUAL_PATH = "userId"


def setting_mistakes(definition: DestinationDefinition, settings: Settings, host: str) -> Iterator[Problem]:
    """Find credentials in quotes or for another host, and paths and properties that are written as no event has them.

    `host` is where requests go.
    """
    yield from _credential_mistakes(definition, settings, host)
    found: dict[Problem, None] = {}
    for action in definition.actions.values():
        for field in action.fields.values():
            path = settings.get(field.default_path_setting or "")
            if isinstance(path, str) and (message := _path_mistake(path, field)) is not None:
                found[Problem(f"settings.{field.default_path_setting}", message)] = None
            renames = settings.get(field.renames_setting or "")
            if isinstance(renames, dict):
                found.update(
                    dict.fromkeys(_rename_mistakes(f"settings.{field.renames_setting}", renames, field.default))
                )
    yield from found


def _credential_mistakes(definition: DestinationDefinition, settings: Settings, host: str) -> Iterator[Problem]:
    for key in definition.authentication.fields:
        value = settings.get(key)
        if isinstance(value, str) and (around := what_is_around(value)):
            yield Problem(f"settings.{key}", f"has {around} around it; remove them")
    environments = definition.environments
    if environments is None:
        return
    chosen, there = environments.of(settings), environments.at(host)
    if chosen is not None and there is not None and chosen is not there:
        message = f"is a {chosen.name} key, but {host} is {there.name}; use a {there.name} key, or another base URL"
        yield Problem(f"settings.{environments.setting}", message)


def _path_mistake(path: str, field: InputField) -> str | None:
    meant = _cleaned(path)
    divider = _OTHER_DIVIDER.match(meant)
    if divider is not None:
        meant = meant.replace(divider[2], ".")
    meant = _NAME_IN_BRACKETS.sub(r".\1", meant)
    if _ANY_ELEMENT.search(meant):
        return f"{quoted(path)} names no element of the list; write {quoted(_ANY_ELEMENT.sub('[0]', meant))}"
    holder, dot, rest = meant.partition(".")
    if holder in _HOLDERS and dot and rest.partition(".")[0] in EVENT_KEYS:
        meant = rest
    keys = _keys(meant)
    if not keys or (field.type != "object" and _is_of_an_object(keys)):
        within = ".".join((*keys, _USUAL_PATH)) if keys else _USUAL_PATH
        return f"{quoted(path)} is an object, so it is not {field.label}; write the path of a field, such as {within}"
    if keys[0] in EVENT_KEYS - OBJECT_KEYS and len(keys) > 1 and not isinstance(keys[1], int):
        return f"{quoted(path)} hardly ever names a field of an event: {keys[0]} is text; write {quoted(str(keys[0]))}"
    if _keys(path) == keys:
        return None
    return f"{quoted(path)} hardly ever names a field of an event; write {quoted(meant)}"


def _is_of_an_object(keys: tuple[Any, ...]) -> bool:
    if len(keys) == 1:
        return keys[0] in OBJECT_KEYS
    return len(keys) == 2 and keys[0] == "context" and keys[1] in CONTEXT_OBJECT_KEYS  # noqa: PLR2004 - `context.page`


def _keys(path: str) -> tuple[Any, ...] | None:
    try:
        return parse_event_path(path)
    except MappingError:
        return None


def _cleaned(path: str, around: str = _AROUND) -> str:
    """Return a path without `$.`, without what is invisible, and without what others write around names."""
    seen = "".join(sign for sign in path if sign.isspace() or unicodedata.category(sign) not in _INVISIBLE)
    parts = [part.strip() for part in seen.strip().strip(around).split(".")]
    return ".".join(parts).removeprefix("$.").strip(f"{around}.")


def _rename_mistakes(place: str, renames: Mapping[str, str], mapping: Any) -> Iterator[Problem]:
    starts = [".".join(keys) for keys in event_paths(mapping) if keys] if mapping is not None else []
    for source, target in renames.items():
        at = f"{place}.{source}"
        meant, name = _meant(source, starts), _cleaned(target, _AROUND_PROPERTY)
        holder, _, rest = meant.partition(".")
        path = ".".join(filter(None, (f"$.{starts[0]}" if starts else "$", meant)))
        directive = f'map {quoted(name)} = {{"@path": {quoted(path)}}}'
        if "[" in meant:
            yield Problem(at, f"a property within a list cannot be renamed; {directive}")
        elif meant != source:
            yield Problem(at, f"{quoted(source)} hardly ever names a property; write {quoted(meant)}")
        elif rest and holder in OBJECT_KEYS and starts:
            directive = f'map {quoted(name)} = {{"@path": {quoted(f"$.{meant}")}}}'
            yield Problem(at, f"{quoted(source)} hardly ever names a property; to send {holder}, {directive}")
        if target.startswith("$.") or target != target.strip() or _hides_something(target):
            has = "begins with $." if target.startswith("$.") else "has spaces around it or invisible characters"
            yield Problem(at, f"the new name {quoted(target)} {has}; write {quoted(name)}")


def _hides_something(text: str) -> bool:
    return any(unicodedata.category(sign) in _INVISIBLE for sign in text)


def _meant(source: str, starts: list[str]) -> str:
    """Return a property as events have it: without spaces, a `$.`, or the path of the object that holds it."""
    meant = _cleaned(source, _AROUND_PROPERTY)
    for start in starts:
        for before in (start, f"event.{start}", start.removesuffix("ies") + "y"):
            if meant.casefold().startswith(f"{before}.") and len(meant) > len(before) + 1:
                return meant[len(before) + 1 :]
    return meant
