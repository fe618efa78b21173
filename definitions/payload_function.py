"""From an event to its payload in one function: the mapping, the validation of its fields and the renames, as one.

What the mapping makes of a field is checked where it is made. The object that the mapping alone would give is not
built; nor are the objects within it whose own fields are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .fields.conditions import Removal, conditional_requirements
from .fields.faults import checked_rules
from .fields.fields_writer import FIELDS_NAMESPACE, FieldsWriter, Given, Lookup
from .mapping.compiled_mapping import MAPPING_NAMESPACE, checked_mapping
from .mapping.generator import Generator
from .mapping.validation import below, is_directive
from .mapping.written_code import Undefined
from .python_source import Kind, PythonSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .fields.field_rule import FieldRule
    from .fields.fields_writer import Scope
    from .input_field import InputField
    from .mapping.written_code import Code

Rename = tuple[str, "Callable[[dict[str, Any]], dict[str, Any]]"]
"""The key of a field that holds an object, and what moves properties within that object."""

_NAMESPACE = {**FIELDS_NAMESPACE, **MAPPING_NAMESPACE}


@dataclass(frozen=True, slots=True)
class PayloadFunction:
    """A function of an event that gives its valid payload; `source` is what it was compiled from, for a person to read.

    It raises MappingError where the mapping cannot work on the event, and RejectedError, with every fault, where what
    the mapping made is not valid. Neither event nor payload is shared with it, but they share values with each other.
    """

    function: Callable[[Any], dict[str, Any]]
    source: str = field(repr=False)

    def __call__(self, event: Any) -> dict[str, Any]:
        """Give the payload of an event."""
        return self.function(event)


def compile_payload(mapping: Any, fields: Mapping[str, InputField], renames: Iterable[Rename] = ()) -> PayloadFunction:
    """Compile a mapping, the fields that it fills, and what renames properties afterwards, into one function.

    It gives what `compile_fields(fields)(compile_mapping(mapping)(event))` gives. Raises MappingError or FieldsError.
    """
    expanded, rules = checked_mapping(mapping), checked_rules(fields)
    source = PythonSource()
    with source.function("payload", "event"):
        generator, writer = Generator(source), FieldsWriter(source)
        if _has_known_members(expanded, rules, Removal.ROOT):
            scope: Scope = _written_members(expanded, rules, "", generator)
        else:
            source.line(f"mapped = {generator.value(expanded, '', Undefined.NOWHERE).text}")
            with source.block("if type(mapped) is not dict:"):
                source.line("mapped = as_object(mapped)")
            scope = Lookup(source, "mapped")
        writer.root(rules, scope)
        for key, move in renames:
            literal = source.literal(key)
            with source.block(f"if type(out.get({literal})) is dict:"):
                source.line(f"out[{literal}] = {source.constant(move, 'move')}(out[{literal}])")
        source.line("return out")
    return PayloadFunction(source.compiled("payload", _NAMESPACE), str(source))


def _has_known_members(value: Any, rules: Sequence[FieldRule], removal: Removal) -> bool:
    """Tell whether an object of a mapping need not be built: only conditions look at an object as a whole."""
    is_plain = isinstance(value, dict) and not is_directive(value)
    return is_plain and not conditional_requirements(rules, removal)


def _written_members(value: dict[str, Any], rules: Sequence[FieldRule], place: str, generator: Generator) -> _Written:
    """Write the members of an object of the mapping, each by itself."""
    by_key = {rule.key: rule for rule in rules}
    members: dict[str, Code | _Written] = {}
    for key, item in value.items():
        rule, at = by_key.get(key), below(place, key)
        if rule is not None and rule.members is not None and not rule.multiple:
            removal = Removal.NESTED
            if _has_known_members(item, rule.members, removal):
                members[key] = _written_members(item, rule.members, at, generator)
                continue
        members[key] = generator.value(item, at, Undefined.NOWHERE)
    return _Written(generator, members)


class _Written:
    """The scope of an object whose members a mapping has just written."""

    name = ""

    def __init__(self, generator: Generator, members: dict[str, Code | _Written]) -> None:
        self._generator = generator
        self._members = members

    def given(self, member: FieldRule, *, null_counts: bool) -> Given:
        """Take the value as it was written."""
        code = self._members.get(member.key)
        if code is None or isinstance(code, _Written):
            return Given("None", is_there=False)
        is_certain = not code.optional and code.kind is not Kind.ANY
        nothing = [] if null_counts or is_certain else ["None"]
        return Given(self._generator.named(code), (*nothing, *(["MISSING"] * code.optional)), code.kind)

    def within(self, member: FieldRule) -> _Written | None:
        """Give the scope of an object that was not built."""
        scope = self._members.get(member.key)
        return scope if isinstance(scope, _Written) else None

    def start(self, known: frozenset[str] | None) -> str:
        """Build the object of those members that no field describes."""
        if known is None:
            return "{}"
        others = {
            key: code for key, code in self._members.items() if key not in known and not isinstance(code, _Written)
        }
        return self._generator.object_of(others, Undefined.NOWHERE).text
