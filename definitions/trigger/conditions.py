"""What a trigger says, once read: conditions on subjects, joined by `and` and `or`; and its normal form.

The operators are Segment's own, named as its syntax tree names them, since one sign means several things in FQL:
`=` before a text, a number, `null` and `true` are four different questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_SUBJECTS = ("type", "event", "name", "userId")
OBJECT_SUBJECTS = ("properties", "traits", "context")
SUBJECTS = ", ".join((*TEXT_SUBJECTS, *(f"{name}.<name>" for name in OBJECT_SUBJECTS)))
FUNCTIONS = ("contains", "match")
KEYWORDS = ("and", "or", "null")

Connective = Literal["and", "or"]
Value = str | int | float | None

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
_NO_START = re.compile(r"[0-9-]")
_PATH_SEPARATORS = re.compile(r"[.\[\]]")


class Operator(Enum):
    """What a condition asks of its subject; the value is Segment's name for it."""

    EQUALS = "="
    NOT_EQUALS = "!="
    NUMBER_EQUALS = "number_equals"
    NUMBER_NOT_EQUALS = "number_not_equals"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    NOT_STARTS_WITH = "not_starts_with"
    ENDS_WITH = "ends_with"
    NOT_ENDS_WITH = "not_ends_with"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"
    IS_TRUE = "is_true"
    IS_FALSE = "is_false"


ORDERINGS = frozenset({Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST})

_FORMS = {
    Operator.EQUALS: "{subject} = {value}",
    Operator.NOT_EQUALS: "{subject} != {value}",
    Operator.NUMBER_EQUALS: "{subject} = {value}",
    Operator.NUMBER_NOT_EQUALS: "{subject} != {value}",
    Operator.LESS: "{subject} < {value}",
    Operator.AT_MOST: "{subject} <= {value}",
    Operator.MORE: "{subject} > {value}",
    Operator.AT_LEAST: "{subject} >= {value}",
    Operator.CONTAINS: "contains({subject}, {value})",
    Operator.NOT_CONTAINS: "!contains({subject}, {value})",
    Operator.STARTS_WITH: "match({subject}, {value})",
    Operator.NOT_STARTS_WITH: "!match({subject}, {value})",
    Operator.ENDS_WITH: "match({subject}, {value})",
    Operator.NOT_ENDS_WITH: "!match({subject}, {value})",
    Operator.EXISTS: "{subject} != null",
    Operator.NOT_EXISTS: "{subject} = null",
    Operator.IS_TRUE: "{subject} = true",
    Operator.IS_FALSE: "{subject} = false",
}


_AT_START = frozenset({Operator.STARTS_WITH, Operator.NOT_STARTS_WITH})
_AT_END = frozenset({Operator.ENDS_WITH, Operator.NOT_ENDS_WITH})


@dataclass(frozen=True, slots=True)
class Subject:
    """A place in an event: a key at its top, and the path below that key."""

    root: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write it as FQL does, with a backslash before every character that is not plain."""
        return ".".join((self.root, *map(word_text, self.path)))


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about one subject.

    `value` is a text for the text operators, a number for the number operators, None where the operator says it all.
    An ordering holds its number where that is finite, else the text as written, which may not be a number at all.
    """

    subject: Subject
    operator: Operator
    value: Value = None

    def __str__(self) -> str:
        """Write the condition in normal form."""
        value = self.value
        if self.operator in _AT_START:
            value = f"{value}*"
        elif self.operator in _AT_END:
            value = f"*{value}"
        return _FORMS[self.operator].format(subject=self.subject, value=value_text(value))


@dataclass(frozen=True, slots=True)
class Group:
    """Two or more parts: all (`and`) or one (`or`) must hold. No part is a group of the same connective."""

    connective: Connective
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        """Write the group in normal form, every group within it in parentheses."""
        return f" {self.connective} ".join(map(part_text, self.parts))


Node = Condition | Group


def joined(connective: Connective, parts: list[Node]) -> Node:
    """Join parts; a single part stays itself, and a group of the same connective is taken apart."""
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Group) and part.connective == connective else [part])
    return flat[0] if len(flat) == 1 else Group(connective, tuple(flat))


def conditions(node: Node) -> Iterator[Condition]:
    """Yield every condition of a node, in order."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, Condition):
            yield item
        else:
            stack.extend(reversed(item.parts))


def subjects(node: Node) -> Iterator[Subject]:
    """Yield every subject that a node asks about, as often as it does."""
    return (condition.subject for condition in conditions(node))


def path_segments(path: str) -> tuple[str, ...]:
    """Split a path as Segment does: at dots and brackets, whether they were escaped or not."""
    return tuple(segment for segment in _PATH_SEPARATORS.split(path) if segment)


def part_text(node: Node) -> str:
    """Write a node as a part of a group."""
    return f"({node})" if isinstance(node, Group) else str(node)


def value_text(value: Value) -> str:
    """Write a value: in double quotes, else in single ones, else (it holds both) as an escaped word."""
    if isinstance(value, str):
        if '"' not in value:
            return f'"{value}"'
        return word_text(value) if "'" in value else f"'{value}'"
    return "null" if value is None else number_text(value)


def number_text(number: float) -> str:
    """Write a finite number with plain digits: FQL knows no exponent."""
    return str(number) if isinstance(number, int) else format(Decimal(repr(number)), "f")


def word_text(text: str) -> str:
    """Write a text as one FQL word, with a backslash wherever it would be read as something else."""
    escaped = _NOT_PLAIN.sub(r"\\\g<0>", text)
    return f"\\{escaped}" if text in KEYWORDS or _NO_START.match(text) else escaped
