"""What @replace does: a literal pattern, and a replacement in which `$&`, `$$`, `` $` `` and `$'` have a meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ..javascript.values import to_string
from .failure import check_length
from .limits import MAX_TEXT

MAX_PATTERN_LENGTH = 10
"""UTF-16 units of a pattern, and of a replacement (Segment's limit)."""

_DOLLAR = re.compile(r"(\$[$&`'])")
_ASCII_END = 128
_BMP_END = 0x10000


@dataclass(frozen=True, slots=True)
class Replacement:
    """One pattern and what stands in for it."""

    pattern: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Replacer:
    """A @replace, ready to run; its replacements follow each other."""

    place: str
    replacements: tuple[Replacement, ...]
    ignore_case: bool
    everywhere: bool

    @property
    def longest_plain(self) -> int:
        """How long a text may be for which `str.replace` does the same; 0 where it never does."""
        if not self.everywhere or self.ignore_case or any("$" in one.replacement for one in self.replacements):
            return 0
        growth = 1
        for one in self.replacements:
            growth *= max(1, -(-len(one.replacement) // len(one.pattern)))
        return MAX_TEXT // growth

    def __call__(self, value: Any) -> str:
        """Replace in a value: numbers and booleans as their text; of anything else that is not text, nothing remains.

        Raises MappingError when the text becomes too long.
        """
        if isinstance(value, str):
            text = value
        elif isinstance(value, int | float):
            text = to_string(value)
        else:
            return ""
        for one in self.replacements:
            text = self._replaced(text, one)
        return text

    def _replaced(self, text: str, one: Replacement) -> str:
        segments = _segments(one.replacement)
        if segments is None:
            return self._replaced_by_surroundings(text, one)
        width = len(one.pattern)
        growth = len(one.pattern.join(segments)) - width
        if growth > 0 and self.everywhere and len(text) + growth * (len(text) // width) > MAX_TEXT:
            check_length(len(text) + growth * self._count(text, one.pattern), self.place)
        if not self.ignore_case:
            return text.replace(one.pattern, one.pattern.join(segments), -1 if self.everywhere else 1)
        pieces = _ignoring_case(one.pattern).split(text, 0 if self.everywhere else 1)
        pieces[1::2] = [match.join(segments) for match in pieces[1::2]]
        return "".join(pieces)

    def _count(self, text: str, pattern: str) -> int:
        return sum(1 for _ in _ignoring_case(pattern).finditer(text)) if self.ignore_case else text.count(pattern)

    def _replaced_by_surroundings(self, text: str, one: Replacement) -> str:
        pattern = _ignoring_case(one.pattern) if self.ignore_case else re.compile(re.escape(one.pattern))
        pieces: list[str] = []
        done = size = 0
        for match in pattern.finditer(text):
            piece = text[done : match.start()] + _expanded(one.replacement, match)
            pieces.append(piece)
            size += len(piece)
            check_length(size, self.place)
            done = match.end()
            if not self.everywhere:
                break
        pieces.append(text[done:])
        return "".join(pieces)


def _segments(replacement: str) -> list[str] | None:
    """Cut a replacement at each `$&`, where the match goes; None when it repeats what is around the match."""
    segments = [""]
    for piece in _DOLLAR.split(replacement):
        if piece in {"$`", "$'"}:
            return None
        if piece == "$&":
            segments.append("")
        else:
            segments[-1] += "$" if piece == "$$" else piece
    return segments


def _expanded(replacement: str, match: re.Match[str]) -> str:
    text = match.string
    around = {"$$": "$", "$&": match[0], "$`": text[: match.start()], "$'": text[match.end() :]}
    return "".join(around.get(piece, piece) for piece in _DOLLAR.split(replacement))


@lru_cache(maxsize=256)
def _ignoring_case(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(["(", *(f"[{''.join(map(re.escape, _equal_signs(sign)))}]" for sign in pattern), ")"]))


def _equal_signs(sign: str) -> list[str]:
    """List the characters that JavaScript's flag `i` takes for the same.

    It compares by upper case where that is one character of the same kind. So no other character is an
    ASCII letter, one that has two in upper case is only itself, and those beyond the BMP are never
    folded (ECMAScript: Canonicalize).
    """
    if sign.isascii():
        return sorted({sign.lower(), sign.upper()})
    return _folded_signs().get(_folded(ord(sign)), [sign])


def _folded(code: int) -> int:
    upper = chr(code).upper()
    folded = ord(upper) if len(upper) == 1 else code
    return code if code >= _BMP_END or (code >= _ASCII_END and folded < _ASCII_END) else folded


@cache
def _folded_signs() -> dict[int, list[str]]:
    signs: dict[int, list[str]] = {}
    for code in range(_ASCII_END, _BMP_END):
        signs.setdefault(_folded(code), []).append(chr(code))
    return signs
