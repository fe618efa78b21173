"""Which paths of the event a mapping can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .paths import Keys, parse_event_path
from .root_directive import expand_root
from .templates import parse_template
from .validation import METADATA, is_directive

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERYTHING: Keys = ()


def event_paths(mapping: Any) -> list[Keys]:
    """List the paths of the event that a valid mapping can read, in order, each once.

    A path without keys stands for the whole event: for the path that names it, and for a path or template that is
    itself computed, since it can lead anywhere. What @transform and the shape of @arrayPath read from values that were
    already found does not count again.
    """
    return list(dict.fromkeys(_paths(mapping)))


def _paths(value: Any) -> Iterator[Keys]:
    if is_directive(value):
        name = next(key for key in value if key != METADATA)
        yield from _directive_paths(name, value[name])
    elif isinstance(value, dict):
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item)


def _directive_paths(name: str, value: Any) -> Iterator[Keys]:
    match name:
        case "@path" | "@template":
            yield from _text_paths(name, value)
        case "@arrayPath":
            yield from [parse_event_path(value[0])] if isinstance(value[0], str) else _paths(value[0])
        case "@transform":
            yield from _paths(expand_root(value["apply"]))
        case "@liquid" if value:
            from .liquid.template import compile_liquid  # noqa: PLC0415 - python-liquid is slow to import

            yield from compile_liquid(value).paths
        case "@literal" | "@excludeWhenNull":
            yield from _paths(value)
        case "@if" | "@case" | "@replace" | "@flatten" | "@json" | "@merge":
            for key in ("exists", "blank", "then", "else", "value", "objects"):
                yield from _paths(value.get(key))


def _text_paths(name: str, value: Any) -> Iterator[Keys]:
    if is_directive(value):
        yield from _paths(value)
        yield _EVERYTHING
    elif name == "@path":
        yield parse_event_path(value)
    else:
        yield from (part for part in parse_template(value) if not isinstance(part, str))
