"""Destinations that can be used: installed ones, found by entry point, ours like everyone's; and manifests, by path."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ...definitions import (
    DefinitionError,
    DestinationDefinition,
    Problem,
    SetupError,
    describe_exception,
    nearest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "destination_actions"
_MAX_MANIFEST = 16 * 1024 * 1024


def installed() -> dict[str, EntryPoint]:
    """Find the installed destinations, by the names of their entry points."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed destination: the package that brings it, and why it cannot be used, if it cannot."""

    name: str
    title: str | None
    description: str | None
    package: str | None
    package_version: str | None
    fault: str | None


def described_plugins() -> Iterator[Plugin]:
    """Yield the installed destinations, also those that cannot be used."""
    for name, point in installed().items():
        package = None if point.dist is None else point.dist.name
        version = None if point.dist is None else point.dist.version
        try:
            definition = load(name)
        except SetupError as error:
            yield Plugin(name, None, None, package, version, "; ".join(each.message for each in error.problems))
        else:
            yield Plugin(name, definition.name, definition.description, package, version, None)


def load(name: str) -> DestinationDefinition:
    """Load the destination that an entry point names, or that a manifest describes: a path that ends in .json.

    Raises SetupError.
    """
    if is_manifest(name):
        return _load_manifest(name)
    points = installed()
    if name not in points:
        known = ", ".join(points) or "none"
        hint = nearest(name, points)
        others = f"{f'{hint} There' if hint else '; there'} are: {known}, and any manifest by its path (….json)"
        message = f'"{name}" is not installed{others}'
        raise SetupError.of([Problem("destination", message)])
    definition = _loaded(points[name])
    if not isinstance(definition, DestinationDefinition):
        raise SetupError.of([Problem("destination", f'"{name}" ({points[name].value}) is not a DestinationDefinition')])
    return definition


def _loaded(point: EntryPoint) -> Any:
    """Import what an entry point names. Raises SetupError for whatever goes wrong in the code of the plugin."""
    shown = f'"{point.name}" ({point.value})'
    if EntryPoint.pattern.match(point.value) is None:
        raise SetupError.of([Problem("destination", f"{shown} does not name a module and what is in it")])
    try:
        return point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, such as Skipped of pytest
        message = f"{shown} cannot be imported: {describe_exception(error)}"
        raise SetupError.of([Problem("destination", message)]) from None


def short_name(name: str, definition: DestinationDefinition) -> str:
    """Give the name that begins its environment variables: of its entry point, or the slug in its manifest."""
    return definition.slug.removeprefix("actions-") if is_manifest(name) else name


def is_manifest(name: str) -> bool:
    """Return whether the name of a destination is the path of a manifest."""
    return name.endswith(".json")


def _load_manifest(path: str) -> DestinationDefinition:
    try:
        return DestinationDefinition.from_manifest(_read_json(path))
    except DefinitionError as error:
        places = (Problem(f"{path}: {item.place}" if item.place else path, item.message) for item in error.problems)
        raise SetupError.of(places) from None


def _read_json(path: str) -> Any:
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MAX_MANIFEST + 1)
    except OSError as error:
        raise SetupError.of([Problem(path, f"cannot be read: {error.strerror}")]) from None
    except ValueError as error:
        raise SetupError.of([Problem(path, f"is not a path: {error}")]) from None
    if len(text) > _MAX_MANIFEST:
        raise SetupError.of([Problem(path, "is larger than 16 MiB, so it is hardly a manifest")])
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        detail = f"line {error.lineno} column {error.colno}"
        raise SetupError.of([Problem(path, f"is not JSON: {error.msg} ({detail})")]) from None
