"""How texts and values of unknown size are shown to a person: bounded, and printable anywhere.

This is the only place that formats text for display. JSON for display is in `json_body`.
"""

from __future__ import annotations

import json
import math
from typing import Any

from .javascript.values import to_string, type_name

_LONGEST_VALUE = 60
_LONGEST_QUOTED = 41
_MOST_BITS = 200
_KEPT_IN_JSON = "\N{NO-BREAK SPACE}"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def shortened(text: str, limit: int = _LONGEST_VALUE) -> str:
    """Return a text of at most `limit` characters; the last one is an ellipsis if something was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def visible(text: str, *, keep_lines: bool = True) -> str:
    """Return a text in which escapes replace control characters and what cannot be encoded.

    Somebody else's text must not steer a terminal. Line breaks stay unless `keep_lines` is false.
    """
    if keep_lines:
        # Line by line, since nearly every line is printable as a whole, and no text of several lines is.
        return "\n".join(visible(line, keep_lines=False) for line in text.split("\n"))
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\N{NO-BREAK SPACE}" else _escaped(character)
        for character in text
    )


def visible_json(text: str) -> str:
    """Return JSON text in which JSON's own escapes replace control characters and what cannot be encoded.

    It means the same as before, also to a program that reads it.
    """
    return "\n".join(map(_visible_json_line, text.split("\n")))


def _visible_json_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _KEPT_IN_JSON else json.dumps(character)[1:-1]
        for character in text
    )


def one_line(text: str) -> str:
    """Return a text on one line, every run of white space as one space, what would not print as escapes."""
    return visible(" ".join(text.split()))


def words_only(text: str, limit: int) -> str:
    """Return the words of a text on one line, cut to `limit` characters; what would not print separates words.

    For texts that a server sends, which may be large, binary or meant for a terminal.
    """
    # White space is bounded too: of a long text, only the first part is looked at.
    blank = "".join(character if character.isprintable() else " " for character in text[: limit * 2])
    return shortened(" ".join(blank.split()), limit)


def printable(text: str) -> str:
    """Return a text in which one other character replaces each that would not print, so columns stay."""
    return "".join(character if character.isprintable() else _blank(character) for character in text)


def quoted(text: str, limit: int = _LONGEST_QUOTED) -> str:
    """Return a text in quotation marks, as in JSON, cut to `limit` characters."""
    return visible(json.dumps(shortened(text, limit), ensure_ascii=False))


def character_name(character: str) -> str:
    """Return a character between backticks, or its code point if it would not print."""
    return f"`{character}`" if character.isprintable() else f"the character U+{ord(character):04X}"


def shown(value: Any) -> str:
    """Return a JSON value in about 60 characters at most; lists and objects by their size alone."""
    if isinstance(value, str):
        return printable(quoted(value, _LONGEST_VALUE))
    if isinstance(value, list | tuple):
        return f"a list of {counted(len(value), 'item')}"
    if isinstance(value, dict):
        return f"an object with {counted(len(value), 'key')}"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a whole number of {value.bit_length()} bits"
    return to_string(value)


def described(value: Any, *, secret: bool) -> str:
    """Return what a value is, such as `the text "abc"` or `an array of 2 items`; of a secret, its type alone."""
    kind = type_name(value)
    if kind == "array":
        return f"an array of {counted(len(value), 'item')}"
    if kind in {"null", "undefined"}:
        return kind
    if kind == "object":
        return "an object"
    if secret:
        return f"a {kind}"
    if kind == "string":
        return f"the text {quoted(value)}"
    return _described_number(value) if kind == "number" else f"the boolean {str(value).lower()}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its word: `1 request`, `2 requests`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def listed(words: list[str], last: str) -> str:
    """Return words as a sentence lists them: `a, b and c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def _described_number(number: float) -> str:
    if isinstance(number, int):
        return f"the number {number}" if number.bit_length() <= _MOST_BITS else "a number of very many digits"
    return f"the number {number!r}" if math.isfinite(number) else "a number that is not finite"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _blank(character: str) -> str:
    return " " if character.isspace() else _REPLACEMENT
