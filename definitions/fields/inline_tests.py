"""Tests, as expressions on `value`, that a value needs nothing more: neither coercion nor a closer look.

A value that fails the test may still be right; it then takes the longer way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .coercion import is_number
from .formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .value_rule import ValueRule

Constant: TypeAlias = "Callable[[str, Any], str]"


def inline_test(rule: ValueRule, constant: Constant, *, keeps_empty_text: bool) -> str | None:
    """Write the test of a rule, None when there is no short one; `constant` names a value for the source."""
    match rule.types[0]:
        case "string":
            parts = _text_test(rule, constant, keeps_empty_text=keeps_empty_text)
        case "integer":
            parts = ["type(value) is int", *_range_test(rule, constant), *_choice_test(rule, constant, is_number)]
        case "number":
            number = "(type(value) is int or type(value) is float and is_finite(value))"
            parts = [number, *_range_test(rule, constant), *_choice_test(rule, constant, is_number)]
        case "boolean":
            is_boolean = "(value is True or value is False)"
            parts = [is_boolean, *_choice_test(rule, constant, lambda choice: isinstance(choice, bool))]
        case _ if rule.kind == "object" and rule.choices is None:
            parts = ["isinstance(value, dict)"]
        case _:
            return None
    return " and ".join(parts)


def _text_test(rule: ValueRule, constant: Constant, *, keeps_empty_text: bool) -> list[str]:
    parts = ["type(value) is str"]
    if rule.identifier:
        parts += ["value", "not value.isspace()"]
    elif not keeps_empty_text:
        parts.append("value")
    if rule.minimum is not None:
        parts.append(f"len(value) >= {constant('minimum', rule.minimum)}")
    if rule.maximum is not None:
        parts.append(f"len(value) <= {constant('maximum', rule.maximum)}")
    parts += _choice_test(rule, constant, lambda choice: isinstance(choice, str))
    if rule.format is not None:
        parts.append(f"{constant('has_format', FORMATS[rule.format].accepts)}(value)")
    return parts


def _range_test(rule: ValueRule, constant: Constant) -> list[str]:
    parts = [f"value >= {constant('minimum', rule.minimum)}"] if rule.minimum is not None else []
    return [*parts, f"value <= {constant('maximum', rule.maximum)}"] if rule.maximum is not None else parts


def _choice_test(rule: ValueRule, constant: Constant, is_wanted: Callable[[Any], bool]) -> list[str]:
    if rule.choices is None:
        return []
    return [f"value in {constant('choices', frozenset(filter(is_wanted, rule.choices)))}"]
