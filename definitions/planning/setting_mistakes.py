"""Settings that are hardly right: paths that match no event, quotes, a key for another host. Nothing is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..mapping.event_paths import event_paths
from ..text import quoted
from .key_faults import what_is_around

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..action import Settings
    from ..definition import DestinationDefinition

_BRACES = "{}"


def setting_mistakes(definition: DestinationDefinition, settings: Settings, host: str) -> Iterator[Problem]:
    """Find credentials in quotes or for another host, and paths and properties that are written as no event has them.

    `host` is where requests go.
    """
    yield from _credential_mistakes(definition, settings, host)
    found: dict[Problem, None] = {}
    for action in definition.actions.values():
        for field in action.fields.values():
            path = settings.get(field.default_path_setting or "")
            if isinstance(path, str) and (message := _path_mistake(path)) is not None:
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


def _path_mistake(path: str) -> str | None:
    meant = ".".join(part.strip() for part in path.strip(f" {_BRACES}").split("."))
    meant = meant.removeprefix("$.").removeprefix("$")
    if path in {meant, f"$.{meant}"}:
        return None
    return f"{quoted(path)} hardly ever names a field of an event; write {quoted(meant)}"


def _rename_mistakes(place: str, renames: Mapping[str, str], mapping: Any) -> Iterator[Problem]:
    starts = [".".join(keys) for keys in event_paths(mapping) if keys] if mapping is not None else []
    for source, target in renames.items():
        at = f"{place}.{source}"
        meant = _meant(source, starts)
        if "[" in meant:
            path = ".".join(filter(None, (f"$.{starts[0]}" if starts else "$", meant)))
            directive = f'{{"@path": {quoted(path)}}}'
            yield Problem(at, f"a property within a list cannot be renamed; map {quoted(target.strip())} = {directive}")
        elif meant != source:
            yield Problem(at, f"{quoted(source)} hardly ever names a property; write {quoted(meant)}")
        if target != target.strip():
            yield Problem(at, f"the new name {quoted(target)} has spaces around it; write {quoted(target.strip())}")


def _meant(source: str, starts: list[str]) -> str:
    """Return a property as events have it: without spaces, a `$.`, or the path of the object that holds it."""
    meant = ".".join(part.strip() for part in source.strip(f" {_BRACES}").split("."))
    meant = meant.removeprefix("$.")
    for start in starts:
        if meant.startswith(f"{start}.") and len(meant) > len(start) + 1:
            return meant.removeprefix(f"{start}.")
    return meant
