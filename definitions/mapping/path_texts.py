"""Texts of a mapping that read as a path of the event, but would be sent as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..text import quoted
from .templates import parse_template
from .validation import below, is_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .paths import Keys

    Advise = Callable[[str, bool], str | None]
    """Says what is wrong with a text where a value is expected, which may be that of a template; or None."""

_LONGEST_REWRITE = 200
_PATH_STARTS = ("$.", "$[")
_WITH_VALUES = frozenset({
    "@arrayPath", "@case", "@excludeWhenNull", "@flatten", "@if", "@json", "@liquid", "@merge", "@replace", "@template",
    "@transform",
})  # fmt: skip
"""Directives in which a value may be written; within `@path` a text is a path, and within `@literal` it is meant."""
_NO_VALUES: Mapping[str, frozenset[str]] = {
    "@replace": frozenset({"pattern", "replacement", "pattern2", "replacement2"}),
    "@flatten": frozenset({"separator"}),
}
"""Options whose texts are not sent."""


def path_texts(mapping: Any) -> list[Problem]:
    """List the texts that begin with `$.` or `$[` where a value is expected, each with the way to write it.

    Segment sends such a text as it is, so every event would have the same. Within `@literal` it is meant.
    """
    # Segment takes a text in the place of a mapping apart into its characters.
    return [] if isinstance(mapping, str) else list(_found(mapping, "", _path_advice))


def template_texts(mapping: Any) -> list[Problem]:
    """List the texts with `{{path}}` where a value is expected, not a template. Segment sends them as they are."""
    return [] if isinstance(mapping, str) else list(_found(mapping, "", _template_advice))


def dollar_templates(mapping: Any) -> list[Problem]:
    """List the templates with `{{$.path}}`: only `@path` begins at `$`, and a template finds nothing there."""
    return [] if isinstance(mapping, str) else list(_templates(mapping, ""))


def is_path_text(value: Any) -> bool:
    """Return whether a value is text that reads as a path of the event."""
    return isinstance(value, str) and value.lstrip().startswith(_PATH_STARTS)


def _found(value: Any, place: str, advise: Advise) -> Iterator[Problem]:
    if isinstance(value, str):
        if (advice := advise(value, False)) is not None:
            yield Problem(place, advice)
    elif is_directive(value):
        for name, options in value.items():
            yield from _in_directive(name, options, below(place, name), advise)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _found(item, below(place, key), advise)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _found(item, f"{place}[{index}]", advise)


def _templates(value: Any, place: str) -> Iterator[Problem]:
    """Find templates anywhere: also where the event is not what is asked, as in the shape of an `@arrayPath`."""
    if isinstance(value, dict):
        for key, item in value.items():
            at = below(place, key)
            if key == "@template" and isinstance(item, str):
                parts = parse_template(item)
                if any(_begins_at_dollar(part) for part in parts):
                    rewrite = "".join(map(_without_dollar, parts))
                    found = f"{quoted(item)} is empty at each $, which only @path understands"
                    yield Problem(at, f"{found}; write {quoted(rewrite, _LONGEST_REWRITE)}")
            else:
                yield from _templates(item, at)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _templates(item, f"{place}[{index}]")


def _begins_at_dollar(part: str | Keys) -> bool:
    return not isinstance(part, str) and len(part) > 1 and part[0] == "$"


def _without_dollar(part: str | Keys) -> str:
    if isinstance(part, str):
        return part
    path = ".".join(part[1:] if _begins_at_dollar(part) else part)
    return f"{{{{{path}}}}}"


def _in_directive(name: str, options: Any, place: str, advise: Advise) -> Iterator[Problem]:
    if name not in _WITH_VALUES:
        return
    if name in {"@template", "@liquid"} and isinstance(options, str):
        if (advice := advise(options, True)) is not None:
            yield Problem(place, advice)
    elif name == "@arrayPath" and isinstance(options, list | tuple):
        # The first item is a path.
        for index, item in enumerate(options[1:], start=1):
            yield from _found(item, f"{place}[{index}]", advise)
    elif isinstance(options, dict) and not is_directive(options):
        for key, item in options.items():
            if key not in _NO_VALUES.get(name, ()):
                yield from _found(item, below(place, key), advise)
    else:
        yield from _found(options, place, advise)


def _path_advice(text: str, is_template: bool) -> str | None:
    if not is_path_text(text):
        return None
    path = quoted(text.strip())
    if is_template:
        return f'{path} is text here, not a path; write {{"@path": {path}}} for the value'
    meant = f'write {{"@path": {path}}} for the value, or {{"@literal": {quoted(text)}}} if you mean the text'
    return f"{path} would be sent as text; {meant}"


def _template_advice(text: str, is_template: bool) -> str | None:
    if is_template or all(isinstance(part, str) for part in parse_template(text)):
        return None
    return f'{quoted(text)} is sent as it is; write {{"@template": {quoted(text)}}} to fill it'
