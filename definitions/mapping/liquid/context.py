"""What a template sees while it is rendered, as Segment's engine (liquidjs) has it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from liquid import RenderContext

from ...javascript.values import to_string
from ...missing import MISSING
from .filters import FILTERS
from .values import Budget, own_member, read_member

if TYPE_CHECKING:
    from collections.abc import Callable

    from liquid import BoundTemplate, Token


class JavaScriptContext(RenderContext):
    """The payload, the template's own variables and counters, and how much the rendering may still handle."""

    __slots__ = ("budget", "is_identifier", "payload")

    def __init__(self, template: BoundTemplate, payload: Any, *, is_identifier: bool = False) -> None:
        super().__init__(template)
        self.is_identifier = is_identifier
        self.payload = payload
        self.budget = Budget()

    def get(self, path: list[object], *, token: Token | None = None, default: object = None) -> Any:
        """Return what a path leads to, MISSING for undefined."""
        del token, default
        value = self._variable(to_string(path[0]))
        for key in path[1:]:
            if isinstance(value, str):
                # Its length and its places are those of UTF-16, so all of it is looked at.
                self.budget.weigh(value)
            value = read_member(value, key)
        return value

    def _variable(self, name: str) -> Any:
        """Look a name up: what was assigned, then counters, then the payload."""
        if name in self.locals:
            return self.locals[name]
        if name in self.counters:
            return self.counters[name]
        value = own_member(self.payload, name)
        # What nothing has, Segment's engine reads from an empty object, whose size is 0.
        return 0 if name == "size" and value is MISSING else value

    def filter(self, name: str, token: Token | None = None) -> Callable[..., object]:
        """Return a filter, which the template was found to have when it was read."""
        del token
        return partial(FILTERS[name], self.budget)

    # A counter may be a fraction, and python-liquid writes what it is given with str().
    def increment(self, name: str) -> str:  # type: ignore[override]
        """Raise a counter; return it as it was."""
        before = self._count(name)
        self._set(name, before + 1)
        return to_string(before)

    def decrement(self, name: str) -> str:  # type: ignore[override]
        """Lower a counter; return it."""
        after = self._count(name) - 1
        self._set(name, after)
        return to_string(after)

    def _count(self, name: str) -> float:
        """Read a counter, which begins at the payload's number of that name, or else at 0."""
        value = self.counters.get(name, own_member(self.payload, name))
        return value if isinstance(value, int | float) and not isinstance(value, bool) else 0

    def _set(self, name: str, value: float) -> None:
        self.counters[name] = value  # type: ignore[assignment]  # a payload's number may be a fraction
