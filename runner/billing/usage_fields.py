"""Which fields of a usage event say whose it is, which it is and when it happened, and which are measured."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...definitions import ActionDefinition

_MOST_LEVELS = 32
"""Objects within objects are looked into so deep; the sums stay right for any event that a person would write."""


@dataclass(frozen=True, slots=True)
class UsageFields:
    """The fields of an action, by what a bill takes them for; None where the action has no such field.

    `measured` is the object whose keys are dimensions by themselves. All other names of dimensions begin with the key
    of their field.
    """

    keys: frozenset[str]
    customer: str | None = None
    id: str | None = None
    time: str | None = None
    measured: str | None = None

    def usage_events(self, body: Any) -> Iterator[dict[str, Any]]:
        """Yield the usage events in the body of a request: the objects that have fields of the action.

        An action may send its payload as it is, or put one or many of them into an envelope.
        """
        waiting: list[tuple[Any, int]] = [(body, 0)]
        while waiting:
            value, level = waiting.pop()
            if isinstance(value, dict) and not self.keys.isdisjoint(value):
                yield value
            elif isinstance(value, dict | list) and level < _MOST_LEVELS:
                inner = value.values() if isinstance(value, dict) else value
                waiting += [(item, level + 1) for item in reversed(list(inner))]

    def dimensions(self, event: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what is measured: the name of each dimension and its value, which need not be a number."""
        named = {self.customer, self.id, self.time}
        waiting: list[tuple[str, Any, int]] = []
        for key, value in event.items():
            if key == self.measured and isinstance(value, dict):
                waiting += [(name, item, 1) for name, item in value.items()]
            elif key not in named:
                waiting.append((key, value, 1))
        for name, value, level in waiting:
            if isinstance(value, dict) and level < _MOST_LEVELS:
                # The list grows while it is read, so nested objects need no recursion.
                waiting += [(f"{name}.{key}", item, level + 1) for key, item in value.items()]
            else:
                yield name, value


def usage_fields(action: ActionDefinition) -> UsageFields:
    """Return what a bill takes the fields of an action for.

    The customer is the first field that is declared `identifier` and is not the ID of the event; without one, the first
    whose default reads the user ID.
    """
    fields = action.fields
    others = [key for key in fields if key != action.idempotency_field]
    objects = [key for key, field in fields.items() if field.type == "object"]
    return UsageFields(
        keys=frozenset(fields),
        customer=_first(
            (
                *(key for key in others if fields[key].identifier),
                *(key for key in others if fields[key].default == {"@path": "$.userId"}),
            )
        ),
        id=action.idempotency_field,
        time=action.time_field,
        measured=objects[0] if len(objects) == 1 else None,
    )


def is_number(value: Any) -> bool:
    """Return whether a value can be summed; true and false cannot."""
    return type(value) is int or type(value) is Decimal


def _first(keys: Iterable[str]) -> str | None:
    return next(iter(keys), None)
