"""What is wrong with field definitions themselves, found before any payload is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import FieldsError, Problem
from ..input_field import Condition, Conditions
from ..text import described, quoted
from .coercion import Refusal, coerce
from .conditions import split_field_key
from .field_rule import BOUNDED_TYPES, VALUE_TYPES, FieldRule, field_rules
from .findings import Place, spell
from .formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..input_field import InputField

MAX_DEPTH = 32
_TEXT_TYPES = BOUNDED_TYPES - {"number", "integer"}
_OPERATORS = frozenset({"is", "is_not"})
SYNC_MODE = "__segment_internal_sync_mode"
"""A key that Segment itself puts into a mapping; a condition may name it."""


def checked_rules(fields: Mapping[str, InputField]) -> tuple[FieldRule, ...]:
    """Read a set of fields. Raises FieldsError with all that is wrong with them, each with the place of its field."""
    faults = [Problem(spell(place), message) for place, message in _faults(fields, None, 1)]
    if faults:
        raise FieldsError.of(faults)
    return field_rules(fields)


def _faults(fields: Mapping[str, InputField], parent: Place, depth: int) -> Iterator[tuple[Place, str]]:
    for key, field in fields.items():
        place: Place = (parent, key)
        yield from ((place, message) for message in _field_faults(field))
        if parent is None:
            yield from ((place, message) for message in _condition_faults(field))
        if field.type != "object" or field.properties is None:
            continue
        if depth == MAX_DEPTH:
            yield place, f"objects within objects go deeper than {MAX_DEPTH} levels"
            continue
        for child_key, child in field.properties.items():
            yield from (((place, child_key), message) for message in _condition_faults(child))
        yield from _faults(field.properties, place, depth + 1)


def _field_faults(field: InputField) -> Iterator[str]:
    if field.format is not None and field.format not in FORMATS:
        yield f"there is no format {quoted(field.format)}; the formats are {', '.join(FORMATS)}"
    if field.identifier and field.type != "string":
        yield f"an identifier is of type string, not {field.type}"
    if field.rfc3339 and (field.type != "datetime" or field.choices):
        yield f"rfc3339 is for a datetime without choices, not for {'choices' if field.choices else field.type}"
    if field.allows_placeholders and not field.identifier:
        yield "allows_placeholders is for an identifier"
    if field.type in BOUNDED_TYPES:
        yield from _bound_faults(field)
    if field.has_plain_default and isinstance(coerce(field.default, VALUE_TYPES[field.type]), Refusal):
        yield f"the default is {described(field.default, secret=field.type == 'password')}, not of type {field.type}"


def _bound_faults(field: InputField) -> Iterator[str]:
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    for name, bound in bounds.items():
        if bound is None:
            continue
        if isinstance(bound, float) and not math.isfinite(bound):
            yield f"the {name} is not a finite number"
        elif field.type in _TEXT_TYPES and (bound < 0 or bound % 1):
            yield f"the {name} of a text is a number of characters, not {bound}"
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        yield f"the minimum, {field.minimum}, is above the maximum, {field.maximum}"


def _condition_faults(field: InputField) -> Iterator[str]:
    if not isinstance(field.required, Conditions):
        return
    if not field.required.conditions:
        yield "it is required under conditions, but there are none"
    for condition in field.required.conditions:
        yield from _one_condition_faults(condition)


def _one_condition_faults(condition: Condition) -> Iterator[str]:
    if condition.operator not in _OPERATORS:
        yield f"a condition has the operator {quoted(condition.operator)}; the operators are is and is_not"
    if condition.field_key is None:
        yield f"a condition on {condition.type or 'nothing'} cannot make a field required; it must name a field"


def undefined_conditions(fields: Mapping[str, InputField]) -> Iterator[tuple[str, str]]:
    """Find conditions on fields that are not there, each as the place of its field and the key that it names.

    As with Segment, such a condition looks at what a mapping gives under that key.
    """
    for key, field in fields.items():
        yield from ((key, named) for named in _undefined(field, fields))
        for child_key, child in (field.properties or {}).items() if field.type == "object" else ():
            yield from ((f"{key}.properties.{child_key}", named) for named in _undefined(child, fields))


def _undefined(field: InputField, scope: Mapping[str, InputField]) -> Iterator[str]:
    conditions = field.required.conditions if isinstance(field.required, Conditions) else ()
    for condition in conditions:
        if condition.field_key is None or condition.field_key == SYNC_MODE:
            continue
        parent_key, child_key = split_field_key(condition.field_key)
        parent = scope.get(parent_key)
        if parent is None or (child_key is not None and not _may_hold(parent, child_key)):
            yield condition.field_key


def _may_hold(parent: InputField, child_key: str) -> bool:
    return parent.properties is None or parent.additional_properties or child_key in parent.properties
