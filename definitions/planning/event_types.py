"""The type of an event: which of Segment's calls it is, or why that cannot be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..javascript.values import type_name
from ..segment_calls import CALL_TYPES
from ..text import quoted, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORT, _SLIPS = 5, 2
_LONGEST = 12
_LONGEST_SHOWN = 40


def type_problem(event: Mapping[str, Any]) -> Problem | None:
    """Return what is wrong with the type of an event: there is none, or it is a slip of a known one."""
    kind = event.get("type")
    if kind is None:
        return Problem("type", "is missing, so nobody can know what the event is; one of Segment's types is expected")
    if not isinstance(kind, str):
        return Problem("type", f"must be text, but it is {_article(type_name(kind))}")
    if kind in CALL_TYPES:
        return None
    if not kind.strip():
        return Problem("type", "is blank, so nobody can know what the event is; one of Segment's types is expected")
    near = _near(kind)
    if near is None:
        return None
    return Problem("type", f'is {quoted(kind)}, which is not a type of Segment\'s events; did you mean "{near}"?')


def type_name_of(event: Mapping[str, Any]) -> str | None:
    """Return the type of an event as a report shows it; None if it has none."""
    kind = event.get("type")
    return shortened(kind, _LONGEST_SHOWN) if isinstance(kind, str) else None


def _near(kind: str) -> str | None:
    """Return the known type that a type is a slip of; None for the name of something else."""
    plain = kind.strip().casefold()
    if len(plain) > _LONGEST:
        return None
    near = min(sorted(CALL_TYPES), key=lambda known: _distance(plain, known))
    return near if _distance(plain, near) <= (_SLIPS if len(near) > _SHORT else 1) else None


def _distance(word: str, other: str) -> int:
    """Count the letters to insert, leave out, exchange or swap with a neighbour to make one word of the other."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(word, start=1):
        current = [row]
        for column, wanted in enumerate(other, start=1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != wanted))
            is_swap = row > 1 and column > 1 and letter == other[column - 2] and word[row - 2] == wanted
            current.append(min(cost, before[column - 2] + 1) if is_swap else cost)
        before, above = above, current
    return above[-1]


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
