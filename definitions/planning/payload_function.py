"""From an event to its payload in one function: the mapping, the validation of its fields and the renames, as one.

What the mapping makes of a field is checked where it is made. The object that the mapping alone would give is not
built; nor are the objects within it whose own fields are known.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..event_record import attribute_of
from ..fields.conditions import Removal, conditional_requirements
from ..fields.faults import checked_rules
from ..fields.fields_writer import FIELDS_NAMESPACE, FieldsWriter
from ..fields.scopes import Given, Lookup
from ..mapping.compiled_mapping import MAPPING_NAMESPACE, checked_mapping
from ..mapping.directives import mapping_generator
from ..mapping.paths import parse_event_path
from ..mapping.validation import below, is_directive
from ..mapping.written_code import Code, Payload, Undefined, WholeEventNeededError
from ..python_source import Kind, PythonSource
from .checked_identifiers import with_checked_identifiers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..fields.field_rule import FieldRule
    from ..fields.scopes import Scope
    from ..input_field import InputField
    from ..mapping.generator import Generator
    from ..trigger import Trigger

Rename = tuple[str, "Callable[[dict[str, Any]], dict[str, Any]]"]
"""The key of a field that holds an object, and what moves properties within that object."""

_ARRAY_PATH = "@arrayPath"
_LONGEST_WRITTEN_TRIGGER = 2_000
_NAMESPACE = {**FIELDS_NAMESPACE, **MAPPING_NAMESPACE}


@dataclass(frozen=True, slots=True)
class PayloadFunction:
    """What gives the valid payload of an event; `source` is what it was compiled from, for a person to read.

    - `valid`: the payload of an event that is an object. Raises MappingError if the mapping cannot work on the
      event, and RejectedError, with every fault, if the payload is not valid.
    - `wanted`: the same for an event that was read into a record (`event_record`), but None if the trigger does not
      match, or if the event has an integrations object that says more than `{"All": true}`: it needs a closer look.
      None at all if the mapping looks at the event as a whole, or the trigger is long.

    The payload may share values with the event; neither is changed later.
    """

    valid: Callable[[Mapping[str, Any]], dict[str, Any]]
    wanted: Callable[[Any], dict[str, Any] | None] | None
    source: str = field(repr=False)

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the valid payload of an event."""
        return self.valid(event)


def compile_payload(
    trigger: Trigger,
    mapping: Any,
    fields: Mapping[str, InputField],
    renames: Sequence[Rename] = (),
    *,
    checks_parts: bool = False,
    time_field: str | None = None,
) -> PayloadFunction:
    """Compile a trigger, a mapping, the fields that it fills, and what renames properties afterwards.

    A payload is what `compile_fields(fields)(compile_mapping(mapping)(event))` gives, after the renames; the texts of
    the mapping were checked before. With `checks_parts`, all that an identifier is made of must be an identifier too,
    or MappingError is raised for the event. `time_field` is the field with the time of the event: nothing before the
    year 2000 is valid there. Raises MappingError or FieldsError.
    """
    rules = [rule.as_event_time() if rule.key == time_field else rule for rule in checked_rules(fields)]
    checked = checked_mapping(mapping, is_published=True)
    parts = with_checked_identifiers(checked, rules) if checks_parts else checked, rules, renames
    source = PythonSource()
    with source.function("valid", "event"):
        _write_payload(mapping_generator(source), *parts)
    valid = source.compiled("payload", _NAMESPACE)["valid"]
    return PayloadFunction(valid, _wanted_function(trigger, *parts), str(source))


def _wanted_function(
    trigger: Trigger, mapping: Any, rules: Sequence[FieldRule], renames: Sequence[Rename]
) -> Callable[[Any], dict[str, Any] | None] | None:
    if len(trigger.text) > _LONGEST_WRITTEN_TRIGGER:
        return None
    source = PythonSource()
    try:
        with source.function("wanted", "event"):
            asked = trigger.written(source, lambda key: f"event.{attribute_of(key)}")
            flags = "event.integrations"
            # PHP writes an empty object as [].
            none = f"{flags} is MISSING or {flags} is None or {flags} == {{}} or {flags} == []"
            none += f' or {flags} == {{"All": True}} and {flags}["All"] is True'
            source.line(f"has_flags = not ({none})")
            with source.block(f"if has_flags or not ({asked}):"):
                source.line("return None")
            _write_payload(mapping_generator(source, of_record=True), mapping, rules, renames)
    except WholeEventNeededError:
        return None
    return source.compiled("wanted payload", _NAMESPACE)["wanted"]


def _write_payload(generator: Generator, mapping: Any, rules: Sequence[FieldRule], renames: Sequence[Rename]) -> None:
    """Write what gives the payload of the variable `event`."""
    source = generator.source
    if _has_known_members(mapping, rules, Removal.ROOT):
        scope: Scope = _written_members(mapping, rules, "", generator)
    else:
        source.line(f"mapped = {generator.value(mapping, '', Undefined.NOWHERE).text}")
        with source.block("if type(mapped) is not dict:"):
            source.line("mapped = as_object(mapped)")
        scope = Lookup(source, "mapped")
    FieldsWriter(source).root(rules, scope)
    for key, move in renames:
        literal = source.literal(key)
        with source.block(f"if type(out.get({literal})) is dict:"):
            source.line(f"out[{literal}] = {source.constant(move, 'move')}(out[{literal}])")
    source.line("return out")


def _has_known_members(value: Any, rules: Sequence[FieldRule], removal: Removal) -> bool:
    """Return whether an object of a mapping need not be built: only conditions look at an object as a whole."""
    is_plain = isinstance(value, dict) and not is_directive(value)
    return is_plain and not conditional_requirements(rules, removal)


def _written_members(value: dict[str, Any], rules: Sequence[FieldRule], place: str, generator: Generator) -> _Written:
    """Write the members of an object of the mapping, each by itself."""
    by_key = {rule.key: rule for rule in rules}
    members: dict[str, Code | _Written | _WrittenItems] = {}
    for key, item in value.items():
        rule, at = by_key.get(key), below(place, key)
        if rule is None or rule.members is None:
            members[key] = generator.value(item, at, Undefined.NOWHERE)
        elif rule.multiple and _WrittenItems.is_possible(item, rule.members, generator):
            members[key] = _WrittenItems(item, rule.members, at, generator)
        elif not rule.multiple and _has_known_members(item, rule.members, Removal.NESTED):
            members[key] = _written_members(item, rule.members, at, generator)
        else:
            members[key] = generator.value(item, at, Undefined.NOWHERE)
    return _Written(generator, members)


class _Written:
    """The scope of an object whose members a mapping has just written."""

    name = ""

    def __init__(self, generator: Generator, members: dict[str, Code | _Written | _WrittenItems]) -> None:
        self._generator = generator
        self._members = members

    def given(self, member: FieldRule, *, null_counts: bool) -> Given:
        """Take the value as it was written."""
        code = self._members.get(member.key)
        if code is None or not isinstance(code, Code):
            return Given("None", is_there=False)
        return _given(code, self._generator, null_counts=null_counts)

    def within(self, member: FieldRule) -> _Written | None:
        """Return the scope of an object that was not built."""
        scope = self._members.get(member.key)
        return scope if isinstance(scope, _Written) else None

    def items(self, member: FieldRule) -> _WrittenItems | None:
        """Return the objects of a list that was not built."""
        items = self._members.get(member.key)
        return items if isinstance(items, _WrittenItems) else None

    def start(self, known: frozenset[str] | None) -> str:
        """Build the object of those members that no field describes."""
        if known is None:
            return "{}"
        others = {key: code for key, code in self._members.items() if key not in known and isinstance(code, Code)}
        return self._generator.object_of(others, Undefined.NOWHERE).text


class _WrittenItems:
    """The objects that @arrayPath makes of a list of the event, each of an item."""

    def __init__(self, directive: dict[str, Any], rules: Sequence[FieldRule], place: str, generator: Generator) -> None:
        path, self._shape = directive[_ARRAY_PATH]
        self.name = generator.named(generator.follow(parse_event_path(path)))
        self._directive = directive
        self._rules = rules
        self._place = place
        self._generator = generator

    @staticmethod
    def is_possible(value: Any, rules: Sequence[FieldRule], generator: Generator) -> bool:
        """Return whether a value of a mapping is such a list, and its objects need not be built."""
        if not is_directive(value) or _ARRAY_PATH not in value or generator.payload.made:
            return False
        path, shape = (*value[_ARRAY_PATH], None)[:2]
        return isinstance(path, str) and bool(shape) and _has_known_members(shape, rules, Removal.NONE)

    @contextmanager
    def item_scope(self) -> Iterator[_Written]:
        """Write what the shape makes of the variable `item`."""
        with self._generator.working_on(Payload("item")):
            place = f"{below(self._place, _ARRAY_PATH)}[1]"
            yield _written_members(self._shape, self._rules, place, self._generator)

    def otherwise(self) -> Given:
        """Write what the mapping makes of something that is not a list."""
        code = self._generator.value(self._directive, self._place, Undefined.NOWHERE)
        return _given(code, self._generator, null_counts=False)


def _given(code: Code, generator: Generator, *, null_counts: bool) -> Given:
    is_certain = not code.optional and code.kind is not Kind.ANY
    nothing = [] if null_counts or is_certain else ["None"]
    return Given(generator.named(code), (*nothing, *(["MISSING"] * code.optional)), code.kind)
