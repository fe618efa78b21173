"""How texts and values of unknown size are shown to a person: on one line, bounded, printable anywhere."""

from __future__ import annotations

import json
from typing import Any

from .javascript.values import to_string

_LONGEST_VALUE = 60
_MOST_BITS = 200
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def shortened(text: str, limit: int = _LONGEST_VALUE) -> str:
    """Cut a text to `limit` characters, the last of them an ellipsis when something was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def printable(text: str) -> str:
    """Replace, one for one, what would move the cursor or cannot be encoded, so that columns stay where they are."""
    return "".join(character if character.isprintable() else _blank(character) for character in text)


def safe(text: str) -> str:
    """Replace control characters other than line breaks, and what cannot be encoded, by their escapes."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\N{NO-BREAK SPACE}" else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _blank(character: str) -> str:
    return " " if character.isspace() else _REPLACEMENT


def shown(value: Any) -> str:
    """Write a JSON value in about 60 characters at most; lists and objects by their size alone."""
    if isinstance(value, str):
        return printable(json.dumps(shortened(value), ensure_ascii=False))
    if isinstance(value, list | tuple):
        return f"a list of {_counted(len(value), 'item')}"
    if isinstance(value, dict):
        return f"an object with {_counted(len(value), 'key')}"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a whole number of {value.bit_length()} bits"
    return to_string(value)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
