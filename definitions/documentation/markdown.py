"""Text as Markdown that shows it as it is: CommonMark, with the tables of GitHub."""

from __future__ import annotations

import re
from typing import Any

_MARKUP = re.compile(r"[\\`*\[\]|$]|(?<![^\s])#|(?<!/)~|(?<![^\W_])_|_(?![^\W_])")
_HTML = re.compile(r"[<>]|&(?=#?\w+;)")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LINE_START = re.compile(r"^(?:[-+=]|\d{1,9}[.)])")
_BACKTICKS = re.compile(r"`+")


class MarkdownText(str):
    """Text that is Markdown already; everything else is escaped when it is put into a page."""

    __slots__ = ()


def escaped(value: Any) -> MarkdownText:
    """Escape a text for a paragraph, a heading or a cell, so it reads as it is."""
    if isinstance(value, MarkdownText):
        return value
    text = _inner(" ".join(str(value).split()))
    if found := _LINE_START.match(text):
        at = found.end() - 1
        text = f"{text[:at]}\\{text[at:]}"
    return MarkdownText(text)


def code(text: str) -> MarkdownText:
    """Write a text as code within a line; not for a cell of a table."""
    line = " ".join(text.split()) if "\n" in text else text
    if not line:
        return MarkdownText("")
    fence = "`" * (_longest(line) + 1)
    # A reader of Markdown removes one space from both ends, unless there are only spaces.
    padding = " " if line[0] in "` " or line[-1] in "` " else ""
    return MarkdownText(f"{fence}{padding}{line}{padding}{fence}")


def cell_code(text: str) -> MarkdownText:
    """Write a text as code within a cell, where a bar would end the cell."""
    return MarkdownText(code(text).replace("|", "\\|"))


def block(text: str, language: str = "") -> MarkdownText:
    """Write a text as a block of code."""
    fence = "`" * max(3, _longest(text) + 1)
    return MarkdownText(f"{fence}{language}\n{text}\n{fence}")


def pieces(words: str) -> list[tuple[str, bool]]:
    """Cut words at their backticks; each piece comes with whether it is code.

    Words with an odd number of backticks hold no code.
    """
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return [(words, False)]
    return [(part, bool(index % 2)) for index, part in enumerate(parts) if part]


def words(text: str) -> MarkdownText:
    """Write words, with the text between backticks as code, for anywhere within a line."""
    parts = pieces(text)
    return MarkdownText("".join(cell_code(part) if is_code else _inner(part) for part, is_code in parts))


def _inner(part: str) -> str:
    """Escape what is markup anywhere in a line.

    GitHub makes links of bare addresses and takes a backslash after one for a part of it, so none is put there
    without need: what HTML escapes is written as HTML does.
    """
    text = _MARKUP.sub(r"\\\g<0>", part)
    return _HTML.sub(lambda found: _ENTITIES[found[0]], text)


def _longest(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
