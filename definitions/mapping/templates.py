"""The text of a @template: literal pieces, and `{{path}}` or `{{{path}}}` between them.

Segment fills triple braces first and then searches what came of it for double braces, so a
value could smuggle in a placeholder. Here every placeholder is found in the template alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..javascript.members import walk
from ..javascript.values import number_to_string, to_string, trim, type_name
from ..missing import MISSING
from .failure import check_length, fail
from .paths import Keys, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator

Parts = tuple[str | Keys, ...]
"""A template, read: literal text as it is, a placeholder as the keys of its path."""


def parse_template(text: str) -> Parts:
    """Read a template. Braces that make no placeholder are literal text."""
    parts: list[str | Keys] = []
    for piece in _split(text, "{{{", "}}}"):
        if isinstance(piece, str):
            parts.extend(_split(piece, "{{", "}}"))
        else:
            parts.append(piece)
    return tuple(parts)


def _split(text: str, opening: str, closing: str) -> Iterator[str | Keys]:
    """Find placeholders: the leftmost opening, one character or more without a brace `}`, the closing."""
    done = begin = 0
    while (end := text.find("}", begin)) >= 0:
        start = text.find(opening, begin, end) if text.startswith(closing, end) else -1
        begin = end + 1
        if start < 0 or start + len(opening) == end:
            continue
        if done < start:
            yield text[done:start]
        yield parse_path(trim(text[start + len(opening) : end]))
        done = begin = end + len(closing)
    if done < len(text):
        yield text[done:]


def text_of(value: Any) -> str:
    """Turn what a placeholder found into text: nothing for null and undefined, otherwise as JavaScript does."""
    if type(value) is int or type(value) is float:
        return number_to_string(value)
    return "" if value is None or value is MISSING else to_string(value)


def render_parts(parts: Parts, payload: Any, place: str) -> str:
    """Fill a template. Raises MappingError when the text becomes too long."""
    if payload is MISSING:
        payload = {}  # Segment's templates work on an object where there is nothing
    pieces: list[str] = []
    texts: dict[Keys, str] = {}
    size = 0
    for part in parts:
        if isinstance(part, str):
            piece = part
        else:
            if part not in texts:
                texts[part] = text_of(walk(payload, part))
            piece = texts[part]
        size += len(piece)
        check_length(size, place)
        pieces.append(piece)
    return "".join(pieces)


def render_computed_template(template: Any, payload: Any, place: str) -> str:
    """Fill a template that another directive made. Raises MappingError when it made no text."""
    if not isinstance(template, str):
        fail(place, f"expected string, got {type_name(template)}")
    return render_parts(parse_template(template), payload, place)
