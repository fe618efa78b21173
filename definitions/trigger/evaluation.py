"""A trigger as a function of the event: closures made once, plain calls afterwards.

Segment's typed comparisons: a text equals a text only, a number a number only, and a boolean is not a number. `!=`
before a text holds for everything that is not that text, the negated functions for texts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..javascript.members import walk
from ..missing import MISSING
from .comparison import number_of
from .conditions import ORDERINGS, Condition, Operator

if TYPE_CHECKING:
    from ..python_source import PythonSource
    from .conditions import Group, Node, Subject

Event = Mapping[str, Any]
Matches = Callable[[Event], bool]

_NUMBERS = (int, float)


def compile_node(node: Node) -> Matches:
    """Return the function that decides whether an event satisfies a node."""
    return _compile_condition(node) if isinstance(node, Condition) else _compile_group(node)


def written_node(node: Node, source: PythonSource, value_of: Callable[[str], str]) -> str:
    """Write a node as an expression; `value_of` writes what an event has under a key, or MISSING."""
    if not isinstance(node, Condition):
        return f" {node.connective} ".join(f"({written_node(part, source, value_of)})" for part in node.parts)
    subject, value = node.subject, value_of(node.subject.root)
    if node.operator is Operator.EQUALS and not subject.path:
        return f"{value} == {source.literal(node.value)}"
    return f"{source.constant(_holds_below(node), 'holds')}({value})"


def _holds_below(condition: Condition) -> Callable[[Any], bool]:
    """Return the function that decides the same from the value of an event under the first key of the subject."""
    holds, path = condition_holds(condition.operator, condition.value), condition.subject.path
    return (lambda value: holds(walk(value, path))) if path else holds


def lookup(subject: Subject, event: Event) -> Any:
    """Return the value of an event for a subject, as Segment does: a falsy value on the way is the answer."""
    return walk(event.get(subject.root, MISSING), subject.path)


def condition_holds(operator: Operator, expected: Any) -> Callable[[Any], bool]:
    """Return the function that decides whether one value satisfies an operator and its value."""
    if operator in ORDERINGS and isinstance(expected, str):
        expected = number_of(expected)
    return _TESTS[operator](expected)


def _compile_condition(condition: Condition) -> Matches:
    subject, expected = condition.subject, condition.value
    root = subject.root
    if condition.operator is Operator.EQUALS and not subject.path:
        return lambda event: event.get(root) == expected
    holds = condition_holds(condition.operator, expected)
    if not subject.path:
        return lambda event: holds(event.get(root))
    return lambda event: holds(lookup(subject, event))


def _compile_group(group: Group) -> Matches:
    tests = tuple(map(compile_node, group.parts))
    first, second, *others = tests
    if group.connective == "and":
        if others:
            return lambda event: _all_hold(tests, event)
        return lambda event: first(event) and second(event)
    if others:
        return lambda event: _one_holds(tests, event)
    return lambda event: first(event) or second(event)


def _all_hold(tests: tuple[Matches, ...], event: Event) -> bool:
    for test in tests:  # noqa: SIM110 - a generator costs more than the tests themselves
        if not test(event):
            return False
    return True


def _one_holds(tests: tuple[Matches, ...], event: Event) -> bool:
    for test in tests:  # noqa: SIM110 - likewise
        if test(event):
            return True
    return False


def is_number(value: Any) -> bool:
    """Return whether a value is a number to JavaScript, which true and false are not."""
    return isinstance(value, _NUMBERS) and value is not True and value is not False


def _exists(value: Any) -> bool:
    return value is not None and value is not MISSING


_TESTS: dict[Operator, Callable[[Any], Callable[[Any], bool]]] = {
    Operator.EQUALS: lambda expected: lambda value: value == expected,
    Operator.NOT_EQUALS: lambda expected: lambda value: value != expected,
    Operator.NUMBER_EQUALS: lambda expected: lambda value: is_number(value) and value == expected,
    Operator.NUMBER_NOT_EQUALS: lambda expected: lambda value: is_number(value) and value != expected,
    Operator.LESS: lambda expected: lambda value: is_number(value) and value < expected,
    Operator.AT_MOST: lambda expected: lambda value: is_number(value) and value <= expected,
    Operator.MORE: lambda expected: lambda value: is_number(value) and value > expected,
    Operator.AT_LEAST: lambda expected: lambda value: is_number(value) and value >= expected,
    Operator.CONTAINS: lambda expected: lambda value: isinstance(value, str) and expected in value,
    Operator.NOT_CONTAINS: lambda expected: lambda value: isinstance(value, str) and expected not in value,
    Operator.STARTS_WITH: lambda expected: lambda value: isinstance(value, str) and value.startswith(expected),
    Operator.NOT_STARTS_WITH: lambda expected: lambda value: isinstance(value, str) and not value.startswith(expected),
    Operator.ENDS_WITH: lambda expected: lambda value: isinstance(value, str) and value.endswith(expected),
    Operator.NOT_ENDS_WITH: lambda expected: lambda value: isinstance(value, str) and not value.endswith(expected),
    Operator.EXISTS: lambda _: _exists,
    Operator.NOT_EXISTS: lambda _: lambda value: not _exists(value),
    Operator.IS_TRUE: lambda _: lambda value: value is True,
    Operator.IS_FALSE: lambda _: lambda value: value is False,
}
