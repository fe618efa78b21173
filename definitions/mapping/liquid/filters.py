"""The filters that a Liquid template may use, and the words with which others are refused.

They do what liquidjs's filters do, whose names and defaults they share. Each takes the rendering's
budget, the value, and as many arguments as it knows; arguments that are not given are MISSING.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...nearest import nearest
from .dates import DATE_FILTERS
from .list_filters import LIST_FILTERS
from .number_filters import NUMBER_FILTERS
from .text_filters import TEXT_FILTERS
from .values import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Budget

_DISABLED = frozenset(
    {
        "array_to_sentence_string", "concat", "find", "find_exp", "find_index", "find_index_exp", "group_by",
        "group_by_exp", "has", "has_exp", "map", "newline_to_br", "reject", "reject_exp", "reverse", "sort",
        "sort_natural", "type", "uniq", "where_exp",
    }
)  # fmt: skip
"""Filters that Segment has turned off."""

_CLOCK = frozenset({"now", "today"})
_DATE_FILTERS = frozenset(DATE_FILTERS)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter, and how many arguments it knows and needs; arguments beyond those are ignored."""

    name: str
    function: Callable[..., Any]
    known: int
    needed: int
    named: frozenset[str]

    def check(self, names: list[str | None]) -> None:
        """Raise TemplateError for too few arguments, and for a name that the filter does not know.

        `names` has None for each argument without a name. liquidjs takes a name and its value for one argument,
        which makes no sense to any filter but `default`.
        """
        if len(names) < self.needed:
            raise TemplateError(f'the filter "{self.name}" needs {self.needed} argument, as in | {self.name}: "x"')
        for position, name in enumerate(names):
            if name is not None and name not in self.named:
                raise TemplateError(f'the filter "{self.name}" has no argument "{name}"')
            if name is not None and (position == 0 or None in names[position:]):
                raise TemplateError(f'the argument "{name}" of the filter "{self.name}" comes last')

    def check_value(self, value: Any) -> None:
        """Raise TemplateError for a value that asks for the time."""
        if self.name in _DATE_FILTERS and isinstance(value, str) and value in _CLOCK:
            raise TemplateError(f'"{value}" asks for the time, and a mapping gives the same answer at any time')

    def __call__(self, budget: Budget, value: Any, *arguments: Any, **named: Any) -> Any:
        """Filter a value. Raises TemplateError."""
        self.check_value(value)
        for item in (value, *arguments):
            budget.weigh(item)
        return self.function(budget, value, *arguments[: self.known], **named)


def _filter(name: str, function: Callable[..., Any]) -> Filter:
    known = function.__code__.co_argcount - 2
    needed = 1 if name in {"append", "prepend"} else 0
    return Filter(name, function, known, needed, frozenset(function.__kwdefaults__ or ()))


FILTERS: dict[str, Filter] = {
    name: _filter(name, function)
    for name, function in {**TEXT_FILTERS, **LIST_FILTERS, **NUMBER_FILTERS, **DATE_FILTERS}.items()
}


def refusal(name: str) -> str:
    """Say why a filter is refused."""
    if name in _DISABLED:
        return f'the filter "{name}" is disabled in mappings'
    if name == "sample":
        return 'the filter "sample" picks at random, and a mapping gives the same answer every time'
    return f'there is no filter "{name}"{nearest(name, FILTERS)}'
