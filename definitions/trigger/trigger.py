"""A compiled trigger, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .conditions import Operator, conditions, subjects
from .evaluation import compile_node, written_node
from .explanation import deciding, explain
from .fault import fault
from .grammar import MAX_LENGTH, parse
from .overlap import may_overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..python_source import PythonSource
    from .conditions import Node
    from .evaluation import Event, Matches


@dataclass(frozen=True, slots=True)
class Trigger:
    """Decides whether a subscription wants an event; made by `compile_trigger`.

    `matches` is the same question without the check that the event is an object, for callers that have made it.
    Triggers are equal when they ask the same, however they were written; `str` gives the normal form, which
    compiles to an equal trigger.
    """

    node: Node = field(repr=False)
    text: str = field(compare=False)
    matches: Matches = field(compare=False, repr=False)

    def __call__(self, event: Any) -> bool:
        """Return whether an event satisfies the trigger; what is not an object never does."""
        return isinstance(event, Mapping) and self.matches(event)

    def __str__(self) -> str:
        """Return the normal form."""
        return self.text

    def written(self, source: PythonSource, value_of: Callable[[str], str]) -> str:
        """Write the question as an expression; `value_of` writes what an event has under a key, or MISSING."""
        return written_node(self.node, source, value_of)

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The paths of the event that the trigger can read, each as its keys."""
        return tuple(dict.fromkeys((subject.root, *subject.path) for subject in subjects(self.node)))

    @property
    def types(self) -> tuple[str, ...]:
        """The texts that the trigger compares the type of an event with."""
        compared = (
            condition.value
            for condition in conditions(self.node)
            if condition.subject.root == "type" and condition.operator in {Operator.EQUALS, Operator.NOT_EQUALS}
        )
        return tuple(dict.fromkeys(str(value) for value in compared))

    def explain(self, event: Event) -> str | None:
        """Name the conditions that decide against an event, and what it holds there; None when it satisfies them."""
        return explain(self.node, event)

    def deciding(self, event: Event) -> tuple[str, ...]:
        """Return the conditions that decide about an event, each as a part of the normal form."""
        return deciding(self.node, event)

    def may_overlap(self, other: Trigger) -> bool:
        """Return whether one event could satisfy both. False is certain; True may mean that it cannot be ruled out."""
        return may_overlap(self.node, other.node)


def compile_trigger(fql: str, *, is_published: bool = False) -> Trigger:
    """Compile a trigger, a text in FQL such as `type = "track" and event = "Order Completed"`.

    It gives Segment's answers. Raises TriggerError, with the line, the spot and the way out, for what Segment cannot
    read or would misread, and beyond 250,000 characters or 100 levels of parentheses.
    In a published definition (`is_published`), `event != null`, `event == "A"` and a comma between conditions are read
    as Segment does; the lint reports them.
    """
    node = parse(fql, is_published=is_published)
    text = str(node)
    if len(text) > MAX_LENGTH:
        raise fault(fql, 0, f"in normal form this trigger has {len(text)} characters; {MAX_LENGTH} is the most")
    return Trigger(node, text, compile_node(node))
