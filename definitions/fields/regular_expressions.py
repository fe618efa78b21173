"""Whether a text is a regular expression of JavaScript, told without compiling it.

The rules are those of a `RegExp` without flags: nearly every escape and a lone `{`, `}` or `]` stand for
themselves, lookaheads may be repeated, and characters beyond U+FFFF count as two.
"""

from __future__ import annotations

import re

from ..javascript.values import utf16_units

_Z_ANCHOR = re.compile(r"[^\\]\\Z")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(?P<low>\d+)(?:,(?P<high>\d*))?\})\??", re.ASCII)
_GROUP = re.compile(r"\((?:\?(?:(?P<plain>[:=!])|(?P<behind><[=!])|<(?P<name>[^>]*)>|(?P<unknown>)))?")
_REFERENCE = re.compile(r"\\k<([^>]*)>")
_ATOM_OF_SET = re.compile(
    r"\\(?:x(?P<hex>[0-9a-fA-F]{2})|u(?P<unicode>[0-9a-fA-F]{4})|c(?P<control>[A-Za-z0-9_])"
    r"|(?P<octal>[0-3]?[0-7]{1,2})|(?P<class>[dDwWsS])|(?P<escaped>[^c]))|(?P<plain>.)",
    re.DOTALL,
)
_CONTROL_ESCAPES = {"b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_CONTROL_CODES = 32


class _NotAnExpressionError(Exception):
    """The text is no regular expression."""


def is_regular_expression(text: str) -> bool:
    """Tell whether `new RegExp(text)` would succeed."""
    if _Z_ANCHOR.search(text):
        return False
    try:
        _scan("".join(utf16_units(text)))
    except _NotAnExpressionError:
        return False
    return True


def _scan(text: str) -> None:
    position = 0
    may_repeat = False
    repeatable_groups: list[bool] = []
    names: set[str] = set()
    references: list[str | None] = []
    while position < len(text):
        char = text[position]
        if char == "\\":
            position, may_repeat = _after_escape(text, position, references)
        elif char == "[":
            position, may_repeat = _after_set(text, position + 1), True
        elif char == "(":
            position, repeatable = _after_group_start(text, position, names)
            repeatable_groups.append(repeatable)
            may_repeat = False
        elif char == ")":
            if not repeatable_groups:
                raise _NotAnExpressionError
            position, may_repeat = position + 1, repeatable_groups.pop()
        elif quantifier := _QUANTIFIER.match(text, position):
            if not may_repeat or _is_out_of_order(quantifier):
                raise _NotAnExpressionError
            position, may_repeat = quantifier.end(), False
        else:
            position, may_repeat = position + 1, char not in "|^$"
    if repeatable_groups or (names and not names.issuperset(references)):
        raise _NotAnExpressionError


def _after_escape(text: str, position: int, references: list[str | None]) -> tuple[int, bool]:
    if position + 1 == len(text):
        raise _NotAnExpressionError
    if text[position + 1] == "k":
        reference = _REFERENCE.match(text, position)
        references.append(reference[1] if reference else None)
    return position + 2, text[position + 1] not in "bB"


def _after_group_start(text: str, position: int, names: set[str]) -> tuple[int, bool]:
    match = _GROUP.match(text, position)
    if match is None or match["unknown"] is not None:
        raise _NotAnExpressionError
    if (name := match["name"]) is not None:
        if not name.replace("$", "_").isidentifier() or name in names:
            raise _NotAnExpressionError
        names.add(name)
    return match.end(), match["behind"] is None


def _is_out_of_order(quantifier: re.Match[str]) -> bool:
    low, high = quantifier["low"], quantifier["high"]
    if not low or not high:
        return False
    low, high = low.lstrip("0"), high.lstrip("0")
    return (len(low), low) > (len(high), high)


def _after_set(text: str, position: int) -> int:
    """Pass over the rest of `[…]`, refusing a range such as `z-a`."""
    position += text.startswith("^", position)
    first: int | None = None
    is_range = False
    while position < len(text):
        if text[position] == "]":
            return position + 1
        if text[position] == "-" and first is not None and not is_range:
            is_range = True
            position += 1
            continue
        match = _ATOM_OF_SET.match(text, position)
        if match is None:
            raise _NotAnExpressionError
        code = _code(match)
        if is_range and first is not None and code is not None and first > code:
            raise _NotAnExpressionError
        first = None if is_range else code
        is_range = False
        position = match.end()
    raise _NotAnExpressionError


def _code(atom: re.Match[str]) -> int | None:
    if digits := atom["hex"] or atom["unicode"]:
        return int(digits, 16)
    if atom["octal"]:
        return int(atom["octal"], 8)
    if atom["control"]:
        return ord(atom["control"]) % _CONTROL_CODES
    if escaped := atom["escaped"]:
        return _CONTROL_ESCAPES.get(escaped, ord(escaped))
    return None if atom["class"] else ord(atom["plain"])
