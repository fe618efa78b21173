"""Whether one event could satisfy two triggers. "No" is certain; "yes" may be too careful.

Both are written as alternatives, each a list of conditions that must hold together. They overlap when some pair of
alternatives can hold together, which is judged subject by subject: is there any value that satisfies all of the
conditions? Different subjects are taken to be independent, even where one lies within the other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..missing import MISSING
from .comparison import number_of
from .conditions import Condition, Operator
from .evaluation import condition_holds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .conditions import Node, Subject

_MAX_CONDITIONS = 1_000
_MAX_COMPARED = 300_000

_WITHOUT_PARTS: tuple[Any, ...] = (MISSING, True, False, [])
"""One value of each type whose values FQL cannot tell apart; the list stands for objects, too."""

_ABOUT_ANYTHING = frozenset({Operator.EXISTS, Operator.NOT_EQUALS})
_BELOW = frozenset({Operator.LESS, Operator.AT_MOST, Operator.NUMBER_EQUALS})
_ABOVE = frozenset({Operator.MORE, Operator.AT_LEAST, Operator.NUMBER_EQUALS})
_STRICT = frozenset({Operator.LESS, Operator.MORE})
_ABOUT_NUMBERS = _BELOW | _ABOVE | {Operator.NUMBER_NOT_EQUALS} | _ABOUT_ANYTHING
_ABOUT_TEXTS = _ABOUT_ANYTHING | {
    Operator.CONTAINS,
    Operator.NOT_CONTAINS,
    Operator.STARTS_WITH,
    Operator.NOT_STARTS_WITH,
    Operator.ENDS_WITH,
    Operator.NOT_ENDS_WITH,
}

_Alternative = dict["Subject", tuple[Condition, ...]]


def may_overlap(one: Node, other: Node) -> bool:
    """Return whether an event may exist that satisfies both; True as well when that is too costly to find out."""
    ones, others = _alternatives(one), _alternatives(other)
    if ones is None or others is None:
        return True
    if _compared(ones, others) > _MAX_COMPARED:
        return True
    return any(_hold_together(first, second) for first in ones for second in others)


def _compared(ones: Sequence[_Alternative], others: Sequence[_Alternative]) -> int:
    """Count the conditions in all pairs of alternatives."""
    return len(ones) * _size(others) + len(others) * _size(ones)


def _size(alternatives: Sequence[_Alternative]) -> int:
    return sum(len(conditions) for alternative in alternatives for conditions in alternative.values())


def _alternatives(node: Node) -> list[_Alternative] | None:
    """List the ways to satisfy a node, without the contradictory ones; None when they are too many."""
    if isinstance(node, Condition):
        return [{node.subject: (node,)}]
    if len(node.parts) > _MAX_CONDITIONS:
        return None
    return _choices(node.parts) if node.connective == "or" else _combinations(node.parts)


def _choices(parts: Sequence[Node]) -> list[_Alternative] | None:
    choices: list[_Alternative] = []
    for part in parts:
        found = _alternatives(part)
        if found is None:
            return None
        choices.extend(found)
    return choices if _size(choices) <= _MAX_CONDITIONS else None


def _combinations(parts: Sequence[Node]) -> list[_Alternative] | None:
    common: dict[Subject, list[Condition]] = {}
    for part in parts:
        if isinstance(part, Condition):
            common.setdefault(part.subject, []).append(part)
    combined = [{subject: tuple(conditions) for subject, conditions in common.items()}]
    if not all(map(_is_satisfiable, common.values())):
        return []
    for part in parts:
        if isinstance(part, Condition):
            continue
        found = _alternatives(part)
        if found is None or _compared(combined, found) > _MAX_CONDITIONS:
            return None
        combined = [_merged(one, other) for one in combined for other in found if _hold_together(one, other)]
    return combined


def _merged(one: _Alternative, other: _Alternative) -> _Alternative:
    return {**one, **{subject: one.get(subject, ()) + conditions for subject, conditions in other.items()}}


def _hold_together(one: _Alternative, other: _Alternative) -> bool:
    return all(
        subject not in one or _is_satisfiable(one[subject] + conditions) for subject, conditions in other.items()
    )


def _is_satisfiable(conditions: Sequence[Condition]) -> bool:
    """Return whether some value satisfies all of these conditions on one subject."""
    texts = {condition.value for condition in conditions if condition.operator is Operator.EQUALS}
    if len(texts) > 1:
        return False
    tests = [
        condition_holds(condition.operator, condition.value)
        for condition in conditions
        if condition.operator is not Operator.EQUALS
    ]
    if texts:
        return all(test(text) for text in texts for test in tests)
    if any(all(test(value) for test in tests) for value in _WITHOUT_PARTS):
        return True
    operators = {condition.operator for condition in conditions}
    return (operators <= _ABOUT_NUMBERS and _some_number(conditions)) or (
        operators <= _ABOUT_TEXTS and _some_text(conditions)
    )


def _some_number(conditions: Sequence[Condition]) -> bool:
    low, high = (-math.inf, False), (math.inf, True)
    excluded = set()
    for condition in conditions:
        if condition.operator in _ABOUT_ANYTHING:
            continue
        bound = _number(condition)
        if bound is None:
            return False
        is_strict = condition.operator in _STRICT
        if condition.operator in _ABOVE:
            low = max(low, (bound, is_strict))
        if condition.operator in _BELOW:
            high = min(high, (bound, not is_strict))
        if condition.operator is Operator.NUMBER_NOT_EQUALS:
            excluded.add(bound)
    if low[0] != high[0]:
        return low[0] < high[0]
    return not low[1] and high[1] and low[0] not in excluded


def _number(condition: Condition) -> float | None:
    value = number_of(condition.value) if isinstance(condition.value, str) else condition.value
    return None if value != value else value  # noqa: PLR0124 - only NaN differs from itself, and integers may be too large for isnan


def _some_text(conditions: Sequence[Condition]) -> bool:
    texts: dict[Operator, list[str]] = {}
    for condition in conditions:
        texts.setdefault(condition.operator, []).append(str(condition.value))
    start = max(texts.get(Operator.STARTS_WITH, []), key=len, default="")
    end = max(texts.get(Operator.ENDS_WITH, []), key=len, default="")
    held = (start, end, *texts.get(Operator.CONTAINS, []))
    return (
        all(start.startswith(text) for text in texts.get(Operator.STARTS_WITH, []))
        and all(end.endswith(text) for text in texts.get(Operator.ENDS_WITH, []))
        and not any(start.startswith(text) for text in texts.get(Operator.NOT_STARTS_WITH, []))
        and not any(end.endswith(text) for text in texts.get(Operator.NOT_ENDS_WITH, []))
        and not any(text in part for text in texts.get(Operator.NOT_CONTAINS, []) for part in held)
    )
