"""What is wrong with a payload, told to a person: where, what was found, what was expected.

While a payload is walked, its places are linked pairs `(parent, key or index)`, None for the payload itself; they
become text only when something is wrong there.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, TypeAlias

from ..errors import Problem
from ..javascript.values import type_name

Place: TypeAlias = "tuple[Place, str | int] | None"

PROBLEM_LIMIT: Final = 100
_SHOWN_CHARACTERS = 40
_SHOWN_BITS = 200
_PLAIN_KEY = re.compile(r"[^.\[\]\"\x00-\x1f]+")


def report(problems: list[Problem], place: Place, message: str) -> None:
    """Note a problem. After PROBLEM_LIMIT of them, one last note says that there are more."""
    if len(problems) < PROBLEM_LIMIT:
        problems.append(Problem(spell(place), message))
    elif len(problems) == PROBLEM_LIMIT:
        problems.append(Problem("", f"there are more problems; the first {PROBLEM_LIMIT} are named"))


def spell(place: Place) -> str:
    """Write a place as a path, such as `data.items[2].price`; a key that would read as a path is quoted."""
    parts: list[str] = []
    while place is not None:
        place, step = place
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif len(step) <= _SHOWN_CHARACTERS and _PLAIN_KEY.fullmatch(step):
            parts.append(f".{printable(step)}")
        else:
            parts.append(f"[{quoted(step)}]")
    return "".join(reversed(parts)).removeprefix(".")


def printable(text: str) -> str:
    """Make a text safe to print: lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def quoted(text: str) -> str:
    """Show a text in quotes, and no more than its beginning."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return printable(json.dumps(shown, ensure_ascii=False))


def described(value: Any, *, secret: bool) -> str:
    """Say what a value is: `the text "abc"`, `the number 5`, `an array of 2 items`; of a secret, its type alone."""
    kind = type_name(value)
    if kind == "array":
        return f"an array of {len(value)} item{'' if len(value) == 1 else 's'}"
    if kind in {"null", "undefined"}:
        return kind
    if kind == "object":
        return "an object"
    if secret:
        return f"a {kind}"
    if kind == "string":
        return f"the text {quoted(value)}"
    return f"{_described_number(value)}" if kind == "number" else f"the boolean {str(value).lower()}"


def _described_number(number: float) -> str:
    if isinstance(number, int):
        return f"the number {number}" if number.bit_length() <= _SHOWN_BITS else "a number of very many digits"
    return f"the number {number!r}" if math.isfinite(number) else "a number that is not finite"
