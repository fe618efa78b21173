"""A field as it is compiled: read from its definition once, so nothing is looked up while events pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..input_field import Choice, Conditions
from ..text import described, visible
from .findings import Place, report
from .value_rule import ValueRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..errors import Problem
    from ..input_field import FieldType, InputField
    from .coercion import JsonType

VALUE_TYPES: Mapping[FieldType, tuple[JsonType, ...]] = {
    "string": ("string",),
    "text": ("string",),
    "password": ("string",),
    "datetime": ("string", "number"),
    "number": ("number",),
    "integer": ("integer",),
    "boolean": ("boolean",),
    "object": ("object",),
    "text-map": ("object",),
}
BOUNDED_TYPES = frozenset({"string", "text", "password", "number", "integer"})
_UNCHECKED_FORMATS = frozenset({None, "password", "text"})


@dataclass(frozen=True, slots=True)
class FieldRule:
    """A field as it is compiled: its key, the rule of its value (or of each item), and the fields within it."""

    key: str
    rule: ValueRule
    required: bool
    conditions: Conditions | None
    multiple: bool
    members: tuple[FieldRule, ...] | None = None
    keeps_unknown: bool = False

    @property
    def admits_null(self) -> bool:
        """Return whether null counts as a value; as with Segment, not for a list or an object with properties."""
        return self.rule.admits_null and not self.multiple

    @property
    def admits_text(self) -> bool:
        """Return whether text counts as a value of the field itself, so the empty text does too."""
        return self.rule.admits_text and not self.multiple

    def report_missing(self, place: Place, problems: list[Problem], reason: str = "") -> None:
        """Report that a required field is not there; `place` is the field's."""
        report(problems, place, f"{self.rule.label} is required{reason}, but it is missing or empty")

    def wrap(self, value: Any, place: Place, problems: list[Problem]) -> list[Any]:
        """Make a list of the one value of a nested field that holds many; an object is not wrapped there."""
        if isinstance(value, dict):
            found = described(value, secret=False)
            report(problems, place, f"{self.rule.label} must be an array, but it is {found}")
            return []
        return [value]

    def as_event_time(self) -> FieldRule:
        """Return the same field as the time of the event, which no event has before the year 2000."""
        return replace(self, rule=replace(self.rule, event_time=True))


def field_rule(key: str, field: InputField) -> FieldRule:
    """Read a field's definition."""
    has_members = field.type == "object" and field.properties is not None
    is_bounded = field.type in BOUNDED_TYPES
    types = VALUE_TYPES[field.type]
    choices = _choices(field)
    if field.allow_null and not has_members and not field.multiple:
        types = (*types, "null")
        choices = (*choices, None) if choices is not None else None
    rule = ValueRule(
        label=visible(field.label or key),
        kind=field.type,
        types=types,
        identifier=field.identifier,
        allows_placeholders=field.allows_placeholders,
        rfc3339=field.rfc3339,
        choices=choices,
        format=_format(field),
        minimum=field.minimum if is_bounded else None,
        maximum=field.maximum if is_bounded else None,
    )
    return FieldRule(
        key=key,
        rule=rule,
        required=field.required is True,
        conditions=field.required if isinstance(field.required, Conditions) else None,
        multiple=field.multiple,
        members=field_rules(field.properties) if has_members and field.properties is not None else None,
        keeps_unknown=field.additional_properties,
    )


def unknown_field(key: str) -> FieldRule:
    """Return the rule of a field that is not defined: any value will do, and only a condition looks at it."""
    types: tuple[JsonType, ...] = ("string", "number", "boolean", "object", "null")
    return FieldRule(key, ValueRule(visible(key), "object", types), required=False, conditions=None, multiple=False)


def field_rules(fields: Mapping[str, InputField]) -> tuple[FieldRule, ...]:
    """Read the definitions of a set of fields."""
    return tuple(field_rule(key, field) for key, field in fields.items())


def _choices(field: InputField) -> tuple[Any, ...] | None:
    if field.choices is None:
        return None
    # An empty list accepts nothing, as with Segment.
    return tuple(choice.value if isinstance(choice, Choice) else choice for choice in field.choices)


def _format(field: InputField) -> str | None:
    # Segment does not look into the texts of a datetime field that holds many; the vectors pin it.
    if field.type == "datetime":
        return None if field.multiple else "date-like"
    return field.format if field.type == "string" and field.format not in _UNCHECKED_FORMATS else None
