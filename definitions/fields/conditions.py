"""Fields that are required only when something holds of other fields.

Conditions see values as they came, before coercion: the text `1` is not the number 1. A condition with a value asks
that the other field be there, even for `is_not`. One condition without a value takes null, the empty text, 0 and false
for "not there"; among several, such a condition asks only whether the field is there. Segment's rules, except
that `parent.child` without a value works here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

from ..missing import MISSING
from ..text import described, quoted
from .field_rule import unknown_field
from .json_equality import json_equal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..errors import Problem
    from ..input_field import Condition
    from .field_rule import FieldRule
    from .findings import Place

EMPTY_VALUES: Final = (None, "", 0, False)
"""What a single condition without a value takes for "not there"."""


class Removal(Enum):
    """Which values count as empty, and so as not there: it depends on the place of the object."""

    ROOT = "root"
    """The payload itself: null that is not admitted, and all empty text."""

    NESTED = "nested"
    """An object within: null that is not admitted, and empty text if text is not."""

    NONE = "none"
    """An object in a list: as it came."""


def present(scope: Mapping[str, Any], field: FieldRule, removal: Removal) -> Any:
    """Look a field up as the validation that follows will see it; MISSING when it is not there or empty."""
    value = scope.get(field.key, MISSING)
    if value is MISSING or removal is Removal.NONE:
        return value
    if value is None:
        return None if field.admits_null else MISSING
    if isinstance(value, str) and not value:
        return value if removal is Removal.NESTED and field.admits_text else MISSING
    if field.multiple and (removal is Removal.ROOT or isinstance(value, list)):
        items = value if isinstance(value, list) else [value]
        return [item for item in items if item is not None and (item != "" or field.rule.admits_text)]
    return value


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition: that a field, or a child of it, is or is not a value, or is or is not there."""

    parent: FieldRule
    child: FieldRule | None
    child_key: str | None
    negated: bool
    has_value: bool
    value: Any

    def holds(self, scope: Mapping[str, Any], removal: Removal, *, alone: bool) -> bool:
        """Return whether the condition is met in an object; `alone` when it is the only one."""
        found = present(scope, self.parent, removal)
        if self.child_key is not None and found is not MISSING:
            if isinstance(found, dict):
                found = self._child_of(found, removal)
            elif self.has_value:
                # Segment asks nothing of a parent that is not an object.
                return True
            else:
                found = MISSING
        if self.has_value:
            return found is not MISSING and json_equal(found, self.value) is not self.negated
        is_there = found is not MISSING and not (alone and _reads_as_null(found))
        return is_there is self.negated

    def _child_of(self, parent: dict[str, Any], removal: Removal) -> Any:
        if self.child is None:
            return parent.get(self.child_key or "", MISSING)
        return present(parent, self.child, Removal.NONE if removal is Removal.NONE else Removal.NESTED)

    def __str__(self) -> str:
        label = (self.child or self.parent).rule.label
        if not self.has_value:
            return f"{label} is given" if self.negated else f"{label} is not given"
        shown = quoted(self.value) if isinstance(self.value, str) else described(self.value, secret=False)
        return f"{label} is {'not ' if self.negated else ''}{shown}"


@dataclass(frozen=True, slots=True)
class ConditionalRequirement:
    """A field that some conditions require: one of the payload's own, or a child of `parent`."""

    field: FieldRule
    parent: FieldRule | None
    conditions: tuple[Requirement, ...]
    match: Literal["all", "any"]
    removal: Removal

    def check(self, scope: Mapping[str, Any], place: Place, problems: list[Problem]) -> None:
        """Report the field, or the parent that should hold it, when it is required and not there."""
        missing, at = self._missing(scope, place)
        if missing is not None and self._is_required(scope):
            missing.report_missing(at, problems, f" when {self._sentence()}")

    def _missing(self, scope: Mapping[str, Any], place: Place) -> tuple[FieldRule | None, Place]:
        if self.parent is None:
            is_there = present(scope, self.field, self.removal) is not MISSING
            return (None if is_there else self.field), (place, self.field.key)
        at: Place = (place, self.parent.key)
        parent = present(scope, self.parent, self.removal)
        if parent is MISSING:
            return self.parent, at
        # Segment asks for the child in an object only, not in each object of a list.
        within = Removal.NONE if self.removal is Removal.NONE else Removal.NESTED
        if not isinstance(parent, dict) or present(parent, self.field, within) is not MISSING:
            return None, at
        return self.field, (at, self.field.key)

    def _is_required(self, scope: Mapping[str, Any]) -> bool:
        alone = len(self.conditions) == 1
        held = (condition.holds(scope, self.removal, alone=alone) for condition in self.conditions)
        return any(held) if self.match == "any" else all(held)

    def _sentence(self) -> str:
        return (" or " if self.match == "any" else " and ").join(map(str, self.conditions))


def conditional_requirements(members: Sequence[FieldRule], removal: Removal) -> tuple[ConditionalRequirement, ...]:
    """Collect what the conditions of an object's fields, and of their children, require of that object.

    As with Segment, a field is asked for in the object that holds its parent, and its conditions name fields there;
    only those of the payload's own fields are asked for beside them.
    """
    by_key = {member.key: member for member in members}
    found: list[tuple[FieldRule, FieldRule | None]] = []
    if removal is Removal.ROOT:
        found += [(member, None) for member in members]
    found += [(child, member) for member in members for child in member.members or ()]
    return tuple(
        ConditionalRequirement(
            field=field,
            parent=parent,
            conditions=tuple(_requirement(condition, by_key) for condition in field.conditions.conditions),
            match=field.conditions.match or "all",
            removal=removal,
        )
        for field, parent in found
        if field.conditions is not None
    )


def _requirement(condition: Condition, members: Mapping[str, FieldRule]) -> Requirement:
    parent_key, child_key = split_field_key(condition.field_key or "")
    parent = members.get(parent_key) or unknown_field(parent_key)
    return Requirement(
        parent=parent,
        child=next((child for child in parent.members or () if child.key == child_key), None),
        child_key=child_key,
        negated=condition.operator == "is_not",
        has_value=condition.has_value,
        value=condition.value,
    )


def split_field_key(field_key: str) -> tuple[str, str | None]:
    """Split what a condition names into a field and its child; as with Segment, a second dot ends it."""
    parent, *rest = field_key.split(".")
    return parent, rest[0] if rest else None


def _reads_as_null(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return any(json_equal(value, empty) for empty in EMPTY_VALUES)
