"""Writes the validation of fields as Python source: inline tests for valid values, calls for all others.

The values come from somewhere: from an object that is looked into, or from code that a mapping wrote just before.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import Problem, RejectedError
from ..missing import MISSING
from ..python_source import Kind
from ..text import described, quoted
from .conditions import Removal, conditional_requirements
from .findings import PROBLEM_LIMIT
from .inline_tests import inline_test
from .rfc3339 import COMMON_EVENT_TIME, COMMON_MOMENT
from .scopes import Lookup
from .written_places import PassedPlace, StaticPlace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..python_source import PythonSource
    from .conditions import ConditionalRequirement
    from .field_rule import FieldRule
    from .scopes import Given, KnownItems, Scope
    from .written_places import WrittenPlace

_ORDINARY_DATETIME = 'type({0}) is str and len({0}) == 24 and {0}[10] == "T" and {0}[19] == "." and {0}[23] == "Z"'


class FieldsWriter:
    """Writes what validates and coerces the fields of an object, into a source that may hold other things too."""

    def __init__(self, source: PythonSource) -> None:
        self.source = source

    def validate_function(self, members: Sequence[FieldRule]) -> None:
        """Write the function `validate(payload)`, which gives the valid payload or raises RejectedError."""
        with self.source.function("validate", "payload"):
            with self.source.block("if type(payload) is not dict:"):
                self.source.line("payload = as_object(payload)")
            self.root(members, Lookup(self.source, "payload"))
            self.source.line("return out")

    def root(self, members: Sequence[FieldRule], scope: Scope) -> None:
        """Write what makes `out`, the valid payload, of a scope."""
        self.source.line("problems = []")
        self.source.line("out = {}")
        self.members(members, scope, Removal.ROOT, out="out", place=StaticPlace(self.source, None))
        with self.source.block("if problems:"):
            self.source.line("refuse(problems)")

    def members(
        self, members: Sequence[FieldRule], scope: Scope, removal: Removal, *, out: str, place: WrittenPlace
    ) -> None:
        """Write the statements that move each field from the scope to `out`, or report it to `problems`."""
        conditional = conditional_requirements(members, removal)
        own = {requirement.field.key: requirement for requirement in conditional if requirement.parent is None}
        for member in members:
            _FieldWriter(self, member, scope, removal, own.get(member.key), out=out, place=place).write()
        for requirement in conditional:
            if requirement.parent is not None:
                check = self.source.constant(requirement.check, "require_child")
                self.source.line(f"{check}({scope.name}, {place.text}, problems)")


class _FieldWriter:
    """Writes the statements of one field."""

    def __init__(
        self,
        writer: FieldsWriter,
        member: FieldRule,
        scope: Scope,
        removal: Removal,
        requirement: ConditionalRequirement | None,
        *,
        out: str,
        place: WrittenPlace,
    ) -> None:
        self.writer = writer
        self.source = writer.source
        self.member = member
        self.scope = scope
        self.removal = removal
        self.requirement = requirement
        self.place = place.below(member.key)
        self.target = f"{out}[{self.source.literal(member.key)}]"
        self._function: str | None = None

    def write(self) -> None:
        member = self.member
        self.source.line(f"# {self._summary()}")
        within = self.scope.within(member)
        if within is not None:
            self._write_known_object(within)
            return
        items = self.scope.items(member)
        if items is not None:
            self._write_known_items(items)
            return
        null_counts = member.admits_null or self.removal is Removal.NONE
        self._write_given(self.scope.given(member, null_counts=null_counts))

    def _write_given(self, given: Given) -> None:
        if not given.is_there:
            self._report_missing()
            return
        test = self._test(given)
        if test == []:
            self._accept(given)
            return
        if test is None:
            self._write_others(given, "if")
            return
        if self.member.rule.rfc3339 and not self.member.multiple:
            self._write_common_moment(given)
            with self.source.block(f"elif {' and '.join(test)}:"):
                self._accept(given)
            self._write_others(given, "elif")
            return
        with self.source.block(f"if {' and '.join(test)}:"):
            self._accept(given)
        self._write_others(given, "elif")

    def _summary(self) -> str:
        member = self.member
        words = [member.rule.kind, "identifier" * member.rule.identifier, "rfc3339" * member.rule.rfc3339]
        words += ["required" * member.required, "required under conditions" * (member.conditions is not None)]
        words.append("multiple" * member.multiple)
        return f"{quoted(member.key)}: {', '.join(filter(None, words))}"

    def _write_others(self, given: Given, word: str) -> None:
        """Write what happens to values that do not pass the short test."""
        absent, present = self._absence(given)
        if absent is None:
            if word == "if":
                self._settle(given)
            else:
                with self.source.block("else:"):
                    self._settle(given)
        elif self.member.required or self.requirement is not None:
            with self.source.block(f"{word} {absent}:"):
                self._report_missing()
            with self.source.block("else:"):
                self._settle(given)
        else:
            with self.source.block(f"{word} {present}:"):
                self._settle(given)

    def _absence(self, given: Given) -> tuple[str | None, str | None]:
        name = given.name
        drops_empty_text = self.removal is Removal.ROOT or (
            self.removal is Removal.NESTED and not self.member.admits_text
        )
        absent = [f"{name} is {nothing}" for nothing in given.nothing]
        present = [f"{name} is not {nothing}" for nothing in given.nothing]
        if drops_empty_text and given.kind is not Kind.OBJECT:
            absent.append(f'{name} == ""')
            present.append(f'{name} != ""')
        return (" or ".join(absent), " and ".join(present)) if absent else (None, None)

    def _report_missing(self) -> None:
        if self.member.required:
            report = self.source.constant(self.member.report_missing, "missing")
            self.source.line(f"{report}({self.place.text}, problems)")
        elif self.requirement is not None:
            check = self.source.constant(self.requirement.check, "require")
            self.source.line(f"{check}({self.scope.name}, None, problems)")

    def _test(self, given: Given) -> list[str] | None:
        """Write the test that most values pass; nothing when all do, None when there is no short one."""
        name, rule = given.name, self.member.rule
        if self.member.multiple:
            return [f"isinstance({name}, list)"]
        if self.member.members is not None:
            return [] if given.kind is Kind.OBJECT else [f"isinstance({name}, dict)"]
        if self._is_plain_datetime():
            return [_ORDINARY_DATETIME.format(name)]
        keeps_empty_text = self.removal is not Removal.ROOT
        return inline_test(rule, name, self.source, kind=given.kind, keeps_empty_text=keeps_empty_text)

    def _accept(self, given: Given) -> None:
        """Write what happens to a value that passed the short test."""
        name = given.name
        if self.member.multiple:
            self.source.line(f"{self.target} = {self._items_function()}({name}, {self.place.text}, problems)")
        elif self.member.members is not None:
            self.source.line(f"{self.target} = {self._object_function()}({name}, {self.place.text}, problems)")
        elif self._is_plain_datetime():
            # The reader alone would pass over some characters between the parts.
            self._accept_if_read(given)
        else:
            self.source.line(f"{self.target} = {name}")

    def _write_common_moment(self, given: Given) -> None:
        """Write the test of the one form that most programs write, which takes less time than a regular expression."""
        name, rule = given.name, self.member.rule
        shape = COMMON_EVENT_TIME if rule.event_time else COMMON_MOMENT
        with self.source.block(f"if type({name}) is str and {shape.format(name)}:"):
            self._accept_if_read(given)

    def _accept_if_read(self, given: Given) -> None:
        """Accept a text if the standard library can read it as a date and time."""
        with self.source.block("try:"):
            self.source.line(f"read_iso_date({given.name})")
        with self.source.block("except ValueError:"):
            self._settle(given)
        with self.source.block("else:"):
            self.source.line(f"{self.target} = {given.name}")

    def _is_plain_datetime(self) -> bool:
        rule = self.member.rule
        is_datetime = rule.format == "date-like" and rule.kind == "datetime"
        return is_datetime and rule.choices is None and not rule.rfc3339

    def _settle(self, given: Given) -> None:
        place = self.place.text
        if not self.member.multiple:
            settled = f"{self.source.constant(self.member.rule.settle, 'settle')}({given.name}, {place}, problems)"
        elif self.removal is Removal.ROOT:
            settled = f"{self._items_function()}([{given.name}], {place}, problems)"
        else:
            wrapped = f"{self.source.constant(self.member.wrap, 'wrap')}({given.name}, {place}, problems)"
            settled = f"{self._items_function()}({wrapped}, {place}, problems)"
        self.source.line(f"{self.target} = {settled}")

    def _write_known_object(self, scope: Scope) -> None:
        out = self.source.assigned(scope.start(self._known()))
        removal = Removal.NESTED if self._is_cleaned() else Removal.NONE
        self.writer.members(self.member.members or (), scope, removal, out=out, place=self.place)
        self.source.line(f"{self.target} = {out}")

    def _write_known_items(self, items: KnownItems) -> None:
        name = self.source.fresh("items_")
        with self.source.function(name, "items", "place", "problems"):
            self.source.line("kept = []")
            with self.source.block("for item in items:"), items.item_scope() as scope:
                out = self.source.assigned(scope.start(self._known()))
                place = PassedPlace(self.source, "(place, len(kept))")
                self.writer.members(self.member.members or (), scope, Removal.NONE, out=out, place=place)
                self.source.line(f"kept.append({out})")
                with self.source.block("if len(problems) > PROBLEM_LIMIT:"):
                    self.source.line("break")
            self.source.line("return kept")
        with self.source.block(f"if type({items.name}) is list:"):
            self.source.line(f"{self.target} = {name}({items.name}, {self.place.text}, problems)")
        with self.source.block("else:"):
            self._write_given(items.otherwise())

    def _known(self) -> frozenset[str] | None:
        """Return the keys of the members if others are kept, else None."""
        return frozenset(member.key for member in self.member.members or ()) if self.member.keeps_unknown else None

    def _items_function(self) -> str:
        if self._function is not None:
            return self._function
        rule = self.member.rule
        place = "(place, len(kept))"
        if self.member.members is not None:
            test: list[str] | None = ["isinstance(value, dict)"]
            accepted = f"{self._object_function()}(value, {place}, problems)"
        else:
            test, accepted = inline_test(rule, "value", self.source, kind=Kind.ANY, keeps_empty_text=True), "value"
        settle = f"{self.source.constant(rule.settle, 'settle')}(value, {place}, problems)"
        branches = [(" and ".join(test), f"kept.append({accepted})")] if test else []
        if self.removal is not Removal.NONE:
            is_empty = "value is None" if rule.admits_text else 'value is None or value == ""'
            branches.append((is_empty, "continue"))
        name = self._function = self.source.fresh("items_")
        with self.source.function(name, "items", "place", "problems"):
            self.source.line("kept = []")
            with self.source.block("for value in items:"):
                self._write_branches(branches, f"kept.append({settle})")
                with self.source.block("if len(problems) > PROBLEM_LIMIT:"):
                    self.source.line("break")
            self.source.line("return kept")
        return name

    def _write_branches(self, branches: Sequence[tuple[str, str]], otherwise: str) -> None:
        for word, (test, then) in zip(("if", *["elif"] * len(branches)), branches, strict=False):
            with self.source.block(f"{word} {test}:"):
                self.source.line(then)
        if not branches:
            self.source.line(otherwise)
            return
        with self.source.block("else:"):
            self.source.line(otherwise)

    def _object_function(self) -> str:
        name = self.source.fresh("object_")
        removal = Removal.NESTED if self._is_cleaned() else Removal.NONE
        with self.source.function(name, "given", "place", "problems"):
            scope = Lookup(self.source, "given")
            self.source.line(f"out = {scope.start(self._known())}")
            place = PassedPlace(self.source, "place")
            self.writer.members(self.member.members or (), scope, removal, out="out", place=place)
            self.source.line("return out")
        return name

    def _is_cleaned(self) -> bool:
        return self.removal is not Removal.NONE and not self.member.multiple


def _as_object(payload: Any) -> dict[str, Any]:
    if isinstance(payload, dict):
        return payload
    raise RejectedError.of([Problem("", f"the payload must be an object, but it is {described(payload, secret=True)}")])


def _refuse(problems: list[Problem]) -> NoReturn:
    raise RejectedError.of(problems)


FIELDS_NAMESPACE: Mapping[str, Any] = {
    "MISSING": MISSING,
    "PROBLEM_LIMIT": PROBLEM_LIMIT,
    "ValueError": ValueError,
    "as_object": _as_object,
    "dict": dict,
    "float": float,
    "int": int,
    "is_finite": math.isfinite,
    "isinstance": isinstance,
    "len": len,
    "list": list,
    "read_iso_date": datetime.fromisoformat,
    "refuse": _refuse,
    "str": str,
    "type": type,
}
"""What the source of fields refers to."""
