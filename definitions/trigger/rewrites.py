"""What to write in place of a trigger that is refused because Segment misreads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conditions import Condition, Connective, Group, Node, Operator, joined, part_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 300

_OPPOSITES = (
    (Operator.EQUALS, Operator.NOT_EQUALS),
    (Operator.EXISTS, Operator.NOT_EXISTS),
    (Operator.NUMBER_EQUALS, Operator.NUMBER_NOT_EQUALS),
    (Operator.LESS, Operator.AT_LEAST),
    (Operator.MORE, Operator.AT_MOST),
    (Operator.CONTAINS, Operator.NOT_CONTAINS),
    (Operator.STARTS_WITH, Operator.NOT_STARTS_WITH),
    (Operator.ENDS_WITH, Operator.NOT_ENDS_WITH),
    (Operator.IS_TRUE, Operator.IS_FALSE),
)
_OPPOSITE = {one: other for pair in _OPPOSITES for one, other in (pair, pair[::-1])}
_EXACT = frozenset({Operator.EQUALS, Operator.NOT_EQUALS, Operator.EXISTS, Operator.NOT_EXISTS})
_INEXACT = (
    "Neither this nor its opposite matches an event without a value of that type; "
    "to match those events too, add a condition with `or`."
)


def groupings(parts: Sequence[Node], connectives: Sequence[Connective]) -> str:
    """Return both readings of conditions that `and` and `or` join without parentheses."""
    readings = [_grouped(parts, connectives, inner) for inner in ("and", "or")]
    if any(len(reading) > _LONGEST for reading in readings):
        return "Put parentheses around what belongs together, as in (A and B) or C, or A and (B or C)."
    return "\n  ".join(["Write the one that you mean:", *readings])


def negated(node: Node) -> str:
    """Return the opposite of what is between negated parentheses, by De Morgan's laws."""
    opposite, is_exact = _opposite(node)
    rewrite = str(opposite)
    if len(rewrite) > _LONGEST:
        return (
            "Negate each condition, and exchange `and` and `or`: !(A and B) is the opposite of A or the opposite of B."
        )
    if isinstance(opposite, Group):
        rewrite = f"({rewrite})"
    return f"Write its opposite:\n  {rewrite}" + ("" if is_exact else f"\n{_INEXACT}")


def _grouped(parts: Sequence[Node], connectives: Sequence[Connective], inner: Connective) -> str:
    outer: Connective = "or" if inner == "and" else "and"
    runs: list[list[Node]] = [[parts[0]]]
    for connective, part in zip(connectives, parts[1:], strict=True):
        if connective == inner:
            runs[-1].append(part)
        else:
            runs.append([part])
    return f" {outer} ".join(part_text(joined(inner, run)) for run in runs)


def _opposite(node: Node) -> tuple[Node, bool]:
    if isinstance(node, Condition):
        return Condition(node.subject, _OPPOSITE[node.operator], node.value), node.operator in _EXACT
    opposites = [_opposite(part) for part in node.parts]
    connective: Connective = "or" if node.connective == "and" else "and"
    return joined(connective, [part for part, _ in opposites]), all(is_exact for _, is_exact in opposites)
