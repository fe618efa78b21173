"""Segment's path language: `$.properties.items[0].sku`, read once and walked many times.

A dot or a bracket that holds a quote or a digit parts two keys; quotes are then dropped. Nothing
protects a dot, so a key that contains one cannot be reached (Segment: `get`).
"""

from __future__ import annotations

import re
from typing import Any

from ..javascript.members import walk
from ..javascript.values import type_name
from .failure import fail

Keys = tuple[str, ...]

_SEPARATOR = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")


def parse_path(text: str) -> Keys:
    """Split a path into its keys; none at all mean the whole payload."""
    return tuple(piece.replace("'", "").replace('"', "") for piece in _SEPARATOR.split(text) if piece)


def parse_event_path(text: str) -> Keys:
    """Split a path as `@path` and `@arrayPath` do: the first `$.`, wherever it is, is dropped."""
    return parse_path(text.replace("$.", "", 1))


def written_path(text: str) -> str:
    """Return a path of the event as a mapping holds it, with `$.` before it."""
    return f"$.{text.removeprefix('$.')}"


def walk_computed_path(path: Any, payload: Any, place: str) -> Any:
    """Follow a path that another directive made. Raises MappingError when it made no text."""
    if not isinstance(path, str):
        fail(place, f"expected string, got {type_name(path)}")
    return walk(payload, parse_event_path(path))
