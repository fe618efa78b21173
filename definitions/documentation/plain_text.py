"""Texts of a definition, made fit for a page: on one line, printable; and values as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import RejectedError
from ..json_body import encode_json
from ..text import safe


def one_line(text: str) -> str:
    """Put a text on one line and escape what would not print."""
    return safe(" ".join(text.split()))


def compact_json(value: Any) -> str:
    """Write a value as JSON on one line; of what JSON cannot carry only the type."""
    return safe(_json(value).decode())


def indented_json(value: Any) -> str:
    """Write a value as JSON over several lines; of what JSON cannot carry only the type."""
    return indented(_json(value))


def _json(value: Any) -> bytes:
    try:
        return encode_json(value)
    except RejectedError:
        return encode_json(f"not JSON ({type(value).__name__})")


def indented(text: bytes) -> str:
    """Spread JSON over several lines. Raises ValueError where it is none."""
    return safe(json.dumps(json.loads(text), ensure_ascii=False, indent=2))


def joined(words: list[str], last: str) -> str:
    """Join words as a sentence does: `a, b and c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


class Anchors:
    """Gives each thing of a page an id of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, text: str) -> str:
        """Make an id of a text; a number follows where others have the same."""
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"
        anchor, count = slug, 1
        while anchor in self._taken:
            count += 1
            anchor = f"{slug}-{count}"
        self._taken.add(anchor)
        return anchor
