"""Properties that a text-map setting moves: `segmentX → kableX`, `nested.field → dimension`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem, SetupError
from ..missing import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Rename = tuple[tuple[str, ...], str, str]
"""The parts of the source, the source as it is written, the target."""


def compile_renames(renames: Mapping[str, str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Compile a text-map of source to target into a function of an object, which gives the object after the moves.

    A source is a name or a path by dots through objects; a property whose literal name has the dots comes first.
    A target is a literal name. All moves happen at once: what one puts is never what another takes. A missing source
    moves nothing; a moved value wins over a property of the same name; an object that a move leaves empty is dropped.
    The given object is never changed.

    Raises SetupError, with every problem, for a blank name, two sources of one target, or a source inside another.
    """
    problems = list(_problems(renames))
    if problems:
        raise SetupError.of(problems)
    compiled: tuple[Rename, ...] = tuple(
        (tuple(source.split(".")), source, target) for source, target in renames.items()
    )

    def move(properties: dict[str, Any]) -> dict[str, Any]:
        return _move(compiled, properties)

    return move


def _problems(renames: Mapping[str, str]) -> Iterator[Problem]:
    targets: dict[str, str] = {}
    for source, target in renames.items():
        if not all(part.strip() for part in source.split(".")):
            yield Problem(source, "is not a property: a name, or names joined by single dots, is expected")
        if not target.strip():
            yield Problem(source, "has no target: the name of a dimension is expected")
        elif target in targets:
            yield Problem(source, f'has the same target as "{targets[target]}": "{target}" can hold one of them')
        targets.setdefault(target, source)
        for dot in (index for index, character in enumerate(source) if character == "."):
            if source[:dot] in renames:
                yield Problem(source, f'is inside "{source[:dot]}", which is moved as a whole: keep one of them')


def _move(renames: tuple[Rename, ...], properties: dict[str, Any]) -> dict[str, Any]:
    in_place: dict[str, str] = {}
    nested: list[tuple[tuple[str, ...], str, Any]] = []
    for parts, source, target in renames:
        if source in properties:
            in_place[source] = target
        elif len(parts) > 1 and (value := _lookup(properties, parts)) is not MISSING:
            nested.append((parts, target, value))
    if not in_place and not nested:
        return properties
    remaining = properties
    for parts, _, _ in nested:
        remaining = _without(remaining, parts)
    filled = {*in_place.values(), *(target for _, target, _ in nested)}
    moved = {
        in_place.get(name, name): value for name, value in remaining.items() if name in in_place or name not in filled
    }
    moved.update((target, value) for _, target, value in nested)
    return moved


def _lookup(properties: dict[str, Any], parts: tuple[str, ...]) -> Any:
    value: Any = properties
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def _without(properties: dict[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    """Copy the objects along a path and take its end out, with every object that this leaves empty."""
    levels = [dict(properties)]
    for part in parts[:-1]:
        child = dict(levels[-1][part])
        levels[-1][part] = child
        levels.append(child)
    del levels[-1][parts[-1]]
    for level, part in zip(reversed(levels[:-1]), reversed(parts[:-1]), strict=True):
        if level[part]:
            break
        del level[part]
    return levels[0]
