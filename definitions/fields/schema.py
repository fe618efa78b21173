"""JSON Schema (draft 2020-12) of the payloads, or settings, that a set of fields describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .conditions import EMPTY_VALUES, Removal, conditional_requirements
from .faults import checked_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..input_field import InputField
    from .conditions import ConditionalRequirement, Requirement
    from .field_rule import FieldRule
    from .value_rule import ValueRule

JsonSchema = dict[str, Any]


def json_schema(fields: Mapping[str, InputField]) -> JsonSchema:
    """Describe a payload as validation returns it: coerced, without empty values and unknown keys.

    Conditions apply to coerced values too. It holds defaults that are plain values, not mappings.
    Raises FieldsError when the fields cannot be compiled.
    """
    members = checked_rules(fields)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_object_schema(fields, members, Removal.ROOT, keeps_unknown=False),
    }


def _object_schema(
    fields: Mapping[str, InputField], members: tuple[FieldRule, ...], removal: Removal, *, keeps_unknown: bool
) -> JsonSchema:
    schema: JsonSchema = {
        "type": "object",
        "properties": {member.key: _field_schema(fields[member.key], member) for member in members},
    }
    if required := [member.key for member in members if member.required]:
        schema["required"] = required
    if not keeps_unknown:
        schema["additionalProperties"] = False
    if rules := [_conditional_schema(requirement) for requirement in conditional_requirements(members, removal)]:
        schema["allOf"] = rules
    return schema


def _field_schema(field: InputField, member: FieldRule) -> JsonSchema:
    about: JsonSchema = {"title": field.label or member.key}
    if field.description:
        about["description"] = field.description
    if isinstance(field.default, str | bool | int | float) and not member.rule.secret:
        about["default"] = field.default
    if member.members is None or field.properties is None:
        value = _value_schema(member.rule)
    else:
        value = _object_schema(field.properties, member.members, Removal.NESTED, keeps_unknown=member.keeps_unknown)
    if member.multiple:
        value = {"type": "array", "items": value}
    return {**about, **value, **({"writeOnly": True} if member.rule.secret else {})}


def _value_schema(rule: ValueRule) -> JsonSchema:
    types = [kind for kind in rule.types if not (rule.rfc3339 and kind == "number")]
    schema: JsonSchema = {"type": types[0] if len(types) == 1 else types}
    if rule.kind == "text-map":
        schema["additionalProperties"] = {"type": "string"}
    if rule.identifier:
        schema["pattern"] = r"\S"
    if rule.secret:
        schema["format"] = "password"
    elif rule.rfc3339:
        schema["format"] = "date-time"
    elif rule.format is not None:
        schema["format"] = rule.format
    if rule.choices is not None:
        schema["enum"] = list(rule.choices)
    lowest, highest = ("minLength", "maxLength") if rule.admits_text else ("minimum", "maximum")
    bounds = {lowest: rule.minimum, highest: rule.maximum}
    return {**schema, **{name: bound for name, bound in bounds.items() if bound is not None}}


def _conditional_schema(requirement: ConditionalRequirement) -> JsonSchema:
    alone = len(requirement.conditions) == 1
    conditions = [_condition_schema(condition, alone=alone) for condition in requirement.conditions]
    combined = conditions[0] if alone else {"anyOf" if requirement.match == "any" else "allOf": conditions}
    field = requirement.field.key
    if requirement.parent is None:
        return {"if": combined, "then": {"required": [field]}}
    parent = requirement.parent.key
    return {"if": combined, "then": {"required": [parent], "properties": {parent: {"required": [field]}}}}


def _condition_schema(condition: Requirement, *, alone: bool) -> JsonSchema:
    keys = [condition.parent.key] + ([condition.child_key] if condition.child_key is not None else [])
    if condition.has_value:
        matches: JsonSchema = {"const": condition.value}
        return _at(keys, {"not": matches} if condition.negated else matches)
    is_there = _at(keys, {"not": {"enum": list(EMPTY_VALUES)}} if alone else {})
    return is_there if condition.negated else {"not": is_there}


def _at(keys: Iterable[str], value: JsonSchema) -> JsonSchema:
    """Say that a path leads to a value, and what that value must be."""
    for key in reversed(list(keys)):
        value = {"required": [key], "properties": {key: value}}
    return value
