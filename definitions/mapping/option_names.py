"""Options that a directive does not have, such as a misspelt one. Segment ignores them, and so does the compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..nearest import nearest
from ..text import quoted
from .validation import METADATA, below, is_directive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "@case": ("operator", "value"),
    "@flatten": ("value", "separator", "omitArrays"),
    "@if": ("exists", "blank", "then", "else"),
    "@json": ("mode", "value"),
    "@merge": ("objects", "direction"),
    "@replace": ("pattern", "replacement", "pattern2", "replacement2", "ignorecase", "global", "value"),
    "@transform": ("apply", "mapping"),
}
"""The options of each directive that has any."""


def unknown_options(mapping: Any) -> list[Problem]:
    """List the options that a directive does not have, each with its place and the nearest that there is."""
    return list(_found(mapping, ""))


def _found(value: Any, place: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, item in value.items():
            at = below(place, key)
            if key in OPTIONS and isinstance(item, dict) and not is_directive(item):
                for name in item:
                    if name not in OPTIONS[key] and name != METADATA:
                        yield Problem(below(at, name), _message(key, name))
            yield from _found(item, at)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _found(item, f"{place}[{index}]")


def _message(directive: str, name: str) -> str:
    known = OPTIONS[directive]
    hint = nearest(name, known) or f"; its options are {', '.join(known)}"
    return f"{directive} has no option {quoted(name)}, so this has no effect{hint}"
