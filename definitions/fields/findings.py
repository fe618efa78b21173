"""What is wrong with a payload, and where.

While a payload is walked, its places are linked pairs `(parent, key or index)`, None for the payload itself; they
become text only when something is wrong there.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from ..errors import Problem
from ..text import quoted, visible

Place: TypeAlias = "tuple[Place, str | int] | None"

PROBLEM_LIMIT: Final = 100
_LONGEST_KEY = 40
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
        elif len(step) <= _LONGEST_KEY and _PLAIN_KEY.fullmatch(step):
            parts.append(f".{visible(step)}")
        else:
            parts.append(f"[{quoted(step)}]")
    return "".join(reversed(parts)).removeprefix(".")
