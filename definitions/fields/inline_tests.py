"""Tests, as expressions, that a value needs nothing more: neither coercion nor a closer look.

A value that fails the test may still be right; it then takes the longer way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..identifiers import PLACEHOLDERS
from ..python_source import Kind
from .coercion import is_number
from .formats import FORMATS
from .rfc3339 import is_ordinary, is_ordinary_event_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..python_source import PythonSource
    from .value_rule import ValueRule


def inline_test(
    rule: ValueRule, name: str, source: PythonSource, *, kind: Kind, keeps_empty_text: bool
) -> list[str] | None:
    """Write the test of a rule on a value: expressions that must all hold, none where every value passes.

    Gives None when there is no short test. `kind` is what is known of the value already.
    """
    return _Tests(rule, name, source, kind).written(keeps_empty_text=keeps_empty_text)


@dataclass(frozen=True, slots=True)
class _Tests:
    rule: ValueRule
    name: str
    source: PythonSource
    kind: Kind

    def written(self, *, keeps_empty_text: bool) -> list[str] | None:
        rule, name = self.rule, self.name
        match rule.types[0]:
            case "string":
                return self._text(keeps_empty_text=keeps_empty_text)
            case "integer":
                return [f"type({name}) is int", *self._range(), *self._choice(is_number)]
            case "number":
                number = f"(type({name}) is int or type({name}) is float and is_finite({name}))"
                return [number, *self._range(), *self._choice(is_number)]
            case "boolean":
                boolean = f"({name} is True or {name} is False)"
                return [boolean, *self._choice(lambda choice: isinstance(choice, bool))]
            case _ if rule.kind == "object" and rule.choices is None:
                return [] if self.kind is Kind.OBJECT else [f"isinstance({name}, dict)"]
            case _:
                return None

    def _text(self, *, keeps_empty_text: bool) -> list[str]:
        rule, name = self.rule, self.name
        parts = [] if self.kind is Kind.TEXT else [f"type({name}) is str"]
        if rule.rfc3339:
            ordinary = is_ordinary_event_time if rule.event_time else is_ordinary
            return [*parts, f"{self.source.constant(ordinary, 'is_ordinary')}({name})"]
        if rule.identifier:
            # ASCII without spaces or controls, as most are. This takes half the time of a regular expression.
            parts += [f"{name}.isascii()", f"{name}.isprintable()", f'" " not in {name}']
            no_identifiers = frozenset({""}) if rule.allows_placeholders else PLACEHOLDERS | {""}
            parts.append(f"{name} not in {self.source.constant(no_identifiers, 'no_identifiers')}")
        elif not keeps_empty_text:
            parts.append(name)
        if rule.minimum is not None:
            parts.append(f"len({name}) >= {self.source.literal(rule.minimum)}")
        if rule.maximum is not None:
            parts.append(f"len({name}) <= {self.source.literal(rule.maximum)}")
        parts += self._choice(lambda choice: isinstance(choice, str))
        if rule.format is not None:
            parts.append(f"{self.source.constant(FORMATS[rule.format].accepts, 'has_format')}({name})")
        return parts

    def _range(self) -> list[str]:
        rule, name = self.rule, self.name
        parts = [f"{name} >= {self.source.literal(rule.minimum)}"] if rule.minimum is not None else []
        return [*parts, f"{name} <= {self.source.literal(rule.maximum)}"] if rule.maximum is not None else parts

    def _choice(self, is_wanted: Callable[[Any], bool]) -> list[str]:
        if self.rule.choices is None:
            return []
        choices = frozenset(filter(is_wanted, self.rule.choices))
        return [f"{self.name} in {self.source.constant(choices, 'choices')}"]
