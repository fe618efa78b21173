"""Why an event does not satisfy a trigger, in a sentence for the person who wrote one of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..missing import MISSING
from ..text import listed, printable, shortened, shown
from .conditions import ORDERINGS, Condition, Operator
from .evaluation import condition_holds, is_number, lookup

if TYPE_CHECKING:
    from .conditions import Node, Subject
    from .evaluation import Event

_MOST_SUBJECTS = 3
_MOST_CONDITIONS = 3
_LONGEST_SUBJECT = 80

_ABOUT_NUMBERS = ORDERINGS | {Operator.NUMBER_EQUALS, Operator.NUMBER_NOT_EQUALS}
_ABOUT_BOOLEANS = frozenset({Operator.IS_TRUE, Operator.IS_FALSE})
_ABOUT_ANYTHING = frozenset({Operator.EXISTS, Operator.NOT_EXISTS, Operator.NOT_EQUALS})


def explain(node: Node, event: Event) -> str | None:
    """Name the conditions that decide against an event, and what it holds there; None when it satisfies the node."""
    by_subject: dict[Subject, list[Condition]] = {}
    for condition in _failing(node, event):
        by_subject.setdefault(condition.subject, []).append(condition)
    if not by_subject:
        return None
    named = list(by_subject.items())[:_MOST_SUBJECTS]
    sentences = [_sentence(conditions, lookup(subject, event)) for subject, conditions in named]
    if unnamed := sum(map(len, by_subject.values())) - sum(len(conditions) for _, conditions in named):
        sentences.append(f"nor are {unnamed} more")
    return "; ".join(sentences)


def deciding(node: Node, event: Event) -> tuple[str, ...]:
    """Return the conditions that decide about an event, as the normal form of the node has them.

    Against it: the conditions without which the node would hold. For it: of `and` all parts, of `or` the first.
    """
    return tuple(dict.fromkeys(map(str, _failing(node, event) or _holding(node, event))))


def _holding(node: Node, event: Event) -> list[Condition]:
    """List the conditions that make a node hold; none if it does not."""
    if isinstance(node, Condition):
        return [] if _failing(node, event) else [node]
    holding: list[Condition] = []
    for part in node.parts:
        found = _holding(part, event)
        if bool(found) == (node.connective == "or"):
            return found
        holding.extend(found)
    return holding


def _failing(node: Node, event: Event) -> list[Condition]:
    """List the conditions without which the node would hold: of `and` the first part, of `or` all of them."""
    if isinstance(node, Condition):
        holds = condition_holds(node.operator, node.value)
        return [] if holds(lookup(node.subject, event)) else [node]
    failing: list[Condition] = []
    for part in node.parts:
        found = _failing(part, event)
        if bool(found) == (node.connective == "and"):
            return found
        failing.extend(found)
    return failing


def _sentence(conditions: list[Condition], value: Any) -> str:
    written = [_written(condition) for condition in conditions[:_MOST_CONDITIONS]]
    if len(conditions) > _MOST_CONDITIONS:
        written.append(f"{len(conditions) - _MOST_CONDITIONS} more")
    names = listed(written, "and")
    verb = "is" if len(conditions) == 1 else "are"
    return f"{names} {verb} not so: {_held(conditions, value)}"


def _held(conditions: list[Condition], value: Any) -> str:
    if value is MISSING:
        return "there is none"
    if value is None:
        return "it is null"
    wanted = {_wanted_type(condition.operator) for condition in conditions} - {_type(value)}
    contrast = f", not {wanted.pop()}" if len(wanted) == 1 and "" not in wanted else ""
    return f"the event's {_name(conditions[0].subject)} is {shown(value)}{contrast}"


def _written(condition: Condition) -> str:
    name = _name(condition.subject)
    if condition.operator is Operator.EXISTS:
        return f"{name} exists"
    value = shortened(condition.value) if isinstance(condition.value, str) else condition.value
    text = printable(str(Condition(condition.subject, condition.operator, value)))
    return text.replace(printable(str(condition.subject)), name, 1)


def _name(subject: Subject) -> str:
    return printable(shortened(str(subject), _LONGEST_SUBJECT))


def _wanted_type(operator: Operator) -> str:
    if operator in _ABOUT_ANYTHING:
        return ""
    if operator in _ABOUT_NUMBERS:
        return "a number"
    return "a boolean" if operator in _ABOUT_BOOLEANS else "a text"


def _type(value: Any) -> str:
    if isinstance(value, str):
        return "a text"
    if is_number(value):
        return "a number"
    return "a boolean" if isinstance(value, bool) else ""
