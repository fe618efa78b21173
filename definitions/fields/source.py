"""Source of the function that validates a payload: inline tests for values that are right, calls for all others.

Keys, bounds, choices and rules are constants of the function's namespace. No text of a definition becomes code; keys
stand in comments, escaped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .conditions import Removal, conditional_requirements
from .inline_tests import inline_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .conditions import ConditionalRequirement
    from .field_rule import FieldRule

_INDENT = "    "
_ORDINARY_DATETIME = (
    'type(value) is str and len(value) == 24 and value[10] == "T" and value[19] == "." and value[23] == "Z"'
)


@dataclass(frozen=True, slots=True)
class Source:
    """Python source that defines `validate`, and the constants that it names."""

    text: str
    constants: dict[str, Any]


def validation_source(members: Sequence[FieldRule]) -> Source:
    """Write the source for a set of fields."""
    writer = _Writer()
    body = [
        "if type(payload) is not dict:",
        _INDENT + "payload = as_object(payload)",
        "get = payload.get",
        "problems = []",
        "out = {}",
        *writer.members(members, Removal.ROOT, "payload"),
        "if problems:",
        _INDENT + "refuse(problems)",
        "return out",
    ]
    writer.define("validate(payload)", body)
    return Source("\n".join(writer.lines), writer.constants)


def _indented(lines: Sequence[str]) -> list[str]:
    return [_INDENT + line for line in lines]


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    fields_written: int = 0

    def define(self, signature: str, body: Sequence[str]) -> None:
        self.lines += [f"def {signature}:", *_indented(body), "", ""]

    def members(self, members: Sequence[FieldRule], removal: Removal, scope: str) -> list[str]:
        """Write the statements that move each field from `get` to `out`, or report it to `problems`."""
        conditional = conditional_requirements(members, removal)
        own = {requirement.field.key: requirement for requirement in conditional if requirement.parent is None}
        lines: list[str] = []
        for member in members:
            lines += _FieldWriter(self, member, removal, scope, own.get(member.key)).statements()
        place = "None" if removal is Removal.ROOT else "place"
        for requirement in conditional:
            if requirement.parent is not None:
                name = f"require_child_{len(self.constants)}"
                self.constants[name] = requirement.check
                lines.append(f"{name}({scope}, {place}, problems)")
        return lines


class _FieldWriter:
    """Writes the statements of one field; the constants that it names end in the field's number."""

    def __init__(
        self,
        writer: _Writer,
        member: FieldRule,
        removal: Removal,
        scope: str,
        requirement: ConditionalRequirement | None,
    ) -> None:
        self.writer = writer
        self.member = member
        self.removal = removal
        self.scope = scope
        self.requirement = requirement
        self.number = writer.fields_written
        writer.fields_written += 1
        self.key = self.constant("key", member.key)

    def constant(self, kind: str, value: Any) -> str:
        name = f"{kind}_{self.number}"
        self.writer.constants[name] = value
        return name

    def statements(self) -> list[str]:
        may_be_null = self.member.admits_null or self.removal is Removal.NONE
        default = ", MISSING" if may_be_null else ""
        return [f"# {self._summary()}", f"value = get({self.key}{default})", *self._branches(may_be_null)]

    def _summary(self) -> str:
        member = self.member
        words = [member.rule.kind, "identifier" * member.rule.identifier, "required" * member.required]
        words += ["required under conditions" * (member.conditions is not None), "multiple" * member.multiple]
        return f"{self.key} is {json.dumps(member.key)}: {', '.join(filter(None, words))}"

    def _branches(self, may_be_null: bool) -> list[str]:
        is_accepted, accept = self._accept_at_once()
        is_absent, is_present = self._absence(may_be_null)
        settle = [f"out[{self.key}] = {self._settled()}"]
        lines = [f"if {is_accepted}:", *_indented(accept)] if is_accepted else []
        word = "elif" if lines else "if"
        missing = self._when_missing()
        if missing:
            return [*lines, f"{word} {is_absent}:", _INDENT + missing, "else:", *_indented(settle)]
        return [*lines, f"{word} {is_present}:", *_indented(settle)]

    def _absence(self, may_be_null: bool) -> tuple[str, str]:
        nothing = "MISSING" if may_be_null else "None"
        drops_empty_text = self.removal is Removal.ROOT or (
            self.removal is Removal.NESTED and not self.member.admits_text
        )
        if drops_empty_text:
            return f'value is {nothing} or value == ""', f'value is not {nothing} and value != ""'
        return f"value is {nothing}", f"value is not {nothing}"

    def _when_missing(self) -> str | None:
        if self.member.required:
            return f"{self.constant('missing', self.member.report_missing)}({self._place()}, problems)"
        if self.requirement is not None:
            return f"{self.constant('require', self.requirement.check)}({self.scope}, None, problems)"
        return None

    def _place(self) -> str:
        if self.removal is Removal.ROOT:
            return self.constant("place", (None, self.member.key))
        return f"(place, {self.key})"

    def _accept_at_once(self) -> tuple[str | None, list[str]]:
        """Write the test that most values pass, and what then happens."""
        assign = f"out[{self.key}] = "
        if self.member.multiple:
            return "isinstance(value, list)", [assign + f"{self._items_function()}(value, {self._place()}, problems)"]
        if self.member.members is not None:
            return "isinstance(value, dict)", [assign + f"{self._object_function()}(value, {self._place()}, problems)"]
        rule = self.member.rule
        if rule.format == "date-like" and rule.kind == "datetime" and rule.choices is None:
            # The reader alone would pass over some characters between the parts.
            settle = _INDENT + assign + self._settled()
            attempt = ["try:", _INDENT + "read_iso_date(value)", "except ValueError:", settle, "else:"]
            return _ORDINARY_DATETIME, [*attempt, f"{_INDENT}{assign}value"]
        keeps_empty_text = self.removal is not Removal.ROOT
        return inline_test(rule, self.constant, keeps_empty_text=keeps_empty_text), [assign + "value"]

    def _settled(self) -> str:
        place = self._place()
        if not self.member.multiple:
            return f"{self.constant('settle', self.member.rule.settle)}(value, {place}, problems)"
        if self.removal is Removal.ROOT:
            return f"{self._items_name()}([value], {place}, problems)"
        wrapped = f"{self.constant('wrap', self.member.wrap)}(value, {place}, problems)"
        return f"{self._items_name()}({wrapped}, {place}, problems)"

    def _items_name(self) -> str:
        return f"items_{self.number}"

    def _items_function(self) -> str:
        rule = self.member.rule
        place = "(place, len(kept))"
        if self.member.members is not None:
            test: str | None = "isinstance(value, dict)"
            accepted = f"{self._object_function()}(value, {place}, problems)"
        else:
            test, accepted = inline_test(rule, self.constant, keeps_empty_text=True), "value"
        settle = f"{self.constant('settle', rule.settle)}(value, {place}, problems)"
        branches = [f"if {test}:", f"{_INDENT}kept.append({accepted})"] if test else []
        if self.removal is not Removal.NONE:
            is_empty = "value is None" if rule.admits_text else 'value is None or value == ""'
            branches += [f"{'elif' if branches else 'if'} {is_empty}:", f"{_INDENT}continue"]
        branches += ["else:", f"{_INDENT}kept.append({settle})"] if branches else [f"kept.append({settle})"]
        branches += ["if len(problems) > PROBLEM_LIMIT:", f"{_INDENT}break"]
        body = ["kept = []", "for value in items:", *_indented(branches), "return kept"]
        self.writer.define(f"{self._items_name()}(items, place, problems)", body)
        return self._items_name()

    def _object_function(self) -> str:
        name = f"object_{self.number}"
        members = self.member.members or ()
        removal = Removal.NESTED if self._is_cleaned() else Removal.NONE
        start = "out = {}"
        if self.member.keeps_unknown:
            known = self.constant("known", frozenset(member.key for member in members))
            start = f"out = {{key: value for key, value in given.items() if key not in {known}}}"
        statements = self.writer.members(members, removal, "given")
        self.writer.define(f"{name}(given, place, problems)", ["get = given.get", start, *statements, "return out"])
        return name

    def _is_cleaned(self) -> bool:
        return self.removal is not Removal.NONE and not self.member.multiple
