"""Lint of a definition: what is allowed, but probably not meant. Every finding has a code and a section in the docs.

Codes are stable. KD1xx are about words, KD2xx about fields, KD3xx about triggers and presets, KD4xx about actions.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .errors import DefinitionError, FieldsError
from .fields import compile_fields
from .fields.faults import undefined_conditions
from .fields.json_equality import json_equal
from .input_field import Choice
from .mapping import compile_mapping
from .mapping.option_names import unknown_options
from .mapping.path_texts import path_texts
from .mapping.root_directive import ROOT_KEY
from .mapping.validation import is_directive, shape_problems
from .nearest import nearest
from .segment_calls import EVENT_KEYS
from .text import printable
from .trigger import compile_trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .action import ActionDefinition, BatchLimits
    from .definition import DestinationDefinition
    from .errors import Problem
    from .input_field import InputField
    from .manifest_definition import Preset

CODES: Mapping[str, str] = {
    "KD101": "Something has no label",
    "KD102": "Something has no description",
    "KD103": "Two fields of an action have the same label",
    "KD104": "A preset has no name, or the name of another preset",
    "KD201": "A required field has no default",
    "KD202": "A default is not a mapping that compiles",
    "KD203": "A default reads a path that no event has",
    "KD204": "A field that looks secret is not a password",
    "KD205": "A choice occurs twice",
    "KD206": "A default is not one of the choices",
    "KD207": "A field contradicts itself",
    "KD208": "A default fills a property that does not exist",
    "KD209": "A default or a choice does not read as a regular expression",
    "KD210": "A default or a preset sends a path as text",
    "KD211": "A condition names a field that does not exist",
    "KD212": "A directive has an option that has no effect",
    "KD301": "A default subscription is not a trigger that compiles",
    "KD302": "The trigger of a preset does not compile",
    "KD303": "The mapping of a preset does not compile",
    "KD304": "A preset leaves a required field empty",
    "KD305": "A preset fills a field that does not exist",
    "KD306": "A trigger is not read as it is written",
    "KD307": "A preset names an action that does not exist",
    "KD401": "There is no action",
    "KD402": "The limits of a batch are not plausible",
}
"""Every code, and the heading of its section in docs/lint.md."""

_SECRET_WORDS = re.compile(
    r"secret|passw(?:or)?d|passphrase|credential|(?:api|access|private|signing|encryption|write|auth)_?key"
    r"|(?:api|access|auth|bearer|refresh|secret)_?token|^token$"
)
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TEXT_TYPES = frozenset({"string", "text"})

_LONGEST_PATTERN = 1_000
_FEWEST_EVENTS, _MOST_EVENTS = 2, 100_000
_LEAST_BYTES, _MOST_BYTES = 1_000, 100_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A probable mistake: its stable code, its place in the manifest, a sentence with the remedy."""

    code: str
    place: str
    message: str

    def __post_init__(self) -> None:
        """Blank what would not print: both may quote texts from a manifest."""
        object.__setattr__(self, "place", printable(self.place))
        object.__setattr__(self, "message", printable(self.message))

    def __str__(self) -> str:
        """Read as a line that begins with the code and the place."""
        return f"{self.code} {self.place}: {self.message}" if self.place else f"{self.code} {self.message}"


def lint(definition: DestinationDefinition) -> list[Finding]:
    """Return probable mistakes in a definition, in the order of its parts. Does no I/O and raises nothing."""
    if not hasattr(definition, "actions"):
        raise TypeError(f"a DestinationDefinition is expected, but this is {type(definition).__name__}")
    return list(_findings(definition))


def _findings(definition: DestinationDefinition) -> Iterator[Finding]:
    yield from _words("", "name", definition.name, definition.description)
    if not definition.actions:
        yield Finding("KD401", "actions", "there is none, so the destination does nothing; add an action")
    for key, field in _each_field(definition.settings, "settings"):
        yield from _field(key, field)
    yield from _contradictions(definition.settings, "settings")
    for key, action in definition.actions.items():
        yield from _action(f"actions.{key}", action)
    names = Counter(preset.name for preset in definition.presets)
    for position, preset in enumerate(definition.presets):
        yield from _preset(f"presets[{position}]", preset, names)
        yield from _filled(f"presets[{position}]", preset, definition.actions)


def _words(place: str, label_key: str, label: str, description: str) -> Iterator[Finding]:
    at = f"{place}." if place else ""
    if not label.strip():
        yield Finding("KD101", f"{at}{label_key}", "is blank; say in a few words what a person picks it by")
    if not description.strip():
        yield Finding("KD102", f"{at}description", "is missing; say in a sentence what this is for")


def _each_field(fields: Mapping[str, InputField], place: str) -> Iterator[tuple[str, InputField]]:
    """Yield every field with its place, and after it the fields within it."""
    for key, field in fields.items():
        at = f"{place}.{key}"
        yield at, field
        if field.properties:
            yield from _each_field(field.properties, f"{at}.properties")


def _field(place: str, field: InputField) -> Iterator[Finding]:
    yield from _words(place, "label", field.label, field.description)
    if field.type in _TEXT_TYPES and not field.choices and _looks_secret(place):
        yield Finding("KD204", place, f'looks like a secret but is of type {field.type}; give it the type "password"')
    values = [choice.value if isinstance(choice, Choice) else choice for choice in field.choices or ()]
    for position, value in enumerate(values):
        if any(json_equal(value, other) for other in values[:position]):
            yield Finding("KD205", f"{place}.choices[{position}]", f"has the value {value!r} again; keep one of them")
    default = field.default
    if values and field.has_plain_default and not any(json_equal(default, value) for value in values):
        hint = (
            nearest(default, [value for value in values if isinstance(value, str)]) if isinstance(default, str) else ""
        )
        yield Finding("KD206", f"{place}.default", f"is none of the choices{hint}; pick one, or add it to them")
    if field.format == "regex":
        yield from _patterns(place, default, values)


def _patterns(place: str, default: Any, choices: list[Any]) -> Iterator[Finding]:
    places = {f"{place}.choices[{position}]": value for position, value in enumerate(choices)}
    for at, pattern in {f"{place}.default": default, **places}.items():
        if isinstance(pattern, str) and (fault := _pattern_fault(pattern)):
            yield Finding("KD209", at, f"{fault}; correct it, or make sure that the partner reads it")


def _pattern_fault(pattern: str) -> str | None:
    if len(pattern) > _LONGEST_PATTERN:
        return f"has {len(pattern):,} characters, and Python is given at most {_LONGEST_PATTERN:,} to read"
    with warnings.catch_warnings():
        # Python warns of patterns whose meaning may change; that does not matter here.
        warnings.simplefilter("ignore")
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            return f"is not a regular expression to Python ({error})"
    return None


def _looks_secret(place: str) -> bool:
    key = _CAPITAL.sub("_", place.rpartition(".")[2]).replace("-", "_").lower()
    return "public" not in key and _SECRET_WORDS.search(key) is not None


def _contradictions(fields: Mapping[str, InputField], place: str) -> Iterator[Finding]:
    for key, named in undefined_conditions(fields):
        hint = nearest(named, fields)
        message = f'a condition names the field "{named}", which is not there{hint}; it sees only what a mapping gives'
        yield Finding("KD211", f"{place}.{key}.required", message)
    try:
        compile_fields(fields)
    except FieldsError as error:
        for problem in error.problems:
            at = f"{place}.{problem.place}" if problem.place else place
            yield Finding("KD207", at, f"{problem.message}; an event or a user would meet this first")


def _action(place: str, action: ActionDefinition) -> Iterator[Finding]:
    yield from _words(place, "title", action.title, action.description)
    if action.default_subscription is not None:
        yield from _trigger("KD301", f"{place}.defaultSubscription", action.default_subscription)
    labels: dict[str, str] = {}
    for key, field in action.fields.items():
        first = labels.setdefault(field.label.strip().casefold(), key)
        if first != key and field.label.strip():
            message = f'is "{field.label}", as that of {first} is; a person could not tell them apart'
            yield Finding("KD103", f"{place}.fields.{key}.label", message)
    for at, field in _each_field(action.fields, f"{place}.fields"):
        yield from _field(at, field)
    for key, field in action.fields.items():
        yield from _default(f"{place}.fields.{key}", field)
    yield from _contradictions(action.fields, f"{place}.fields")
    if action.batch is not None:
        yield from _batch(f"{place}.batch", action.batch)


def _default(place: str, field: InputField) -> Iterator[Finding]:
    if field.default is None:
        if field.required is True and field.default_path_setting is None and not _has_inner_default(field):
            message = (
                "is required and has no default, so every user must map it; give it a default that most events have"
            )
            yield Finding("KD201", place, message)
        return
    at = f"{place}.default"
    findings = list(_compiled("KD202", at, partial(compile_mapping, {"value": field.default}, is_published=True)))
    yield from findings
    yield from _paths_as_text(at, {"value": field.default})
    yield from _options_without_effect(at, {"value": field.default})
    if not findings:
        yield from _impossible_paths(at, field.default)
    yield from _unknown_properties(at, field)


def _has_inner_default(field: InputField) -> bool:
    return any(inner.default is not None for inner in (field.properties or {}).values())


def _impossible_paths(place: str, mapping: Any) -> Iterator[Finding]:
    for keys in compile_mapping({"value": mapping}, is_published=True).keys:
        if keys and keys[0] not in EVENT_KEYS:
            path = ".".join(("$", *keys))
            advice = nearest(keys[0], EVENT_KEYS) or "; most of what users send is in properties, traits or context"
            yield Finding("KD203", place, f'reads {path}, but no event of Segment has "{keys[0]}"{advice}')


def _unknown_properties(place: str, field: InputField) -> Iterator[Finding]:
    default = field.default
    if not field.properties or field.additional_properties or is_directive(default) or not isinstance(default, dict):
        return
    for key in default:
        if key not in field.properties:
            hint = nearest(key, field.properties)
            yield Finding("KD208", f"{place}.{key}", f"there is no such property{hint}; it would be dropped")


def _batch(place: str, limits: BatchLimits) -> Iterator[Finding]:
    if not _FEWEST_EVENTS <= limits.events <= _MOST_EVENTS:
        message = f"is {limits.events:,}; between {_FEWEST_EVENTS} and {_MOST_EVENTS:,} is of use"
        yield Finding("KD402", f"{place}.events", f"{message}: look up what the partner accepts")
    if not _LEAST_BYTES <= limits.bytes <= _MOST_BYTES:
        message = f"is {limits.bytes:,}; between {_LEAST_BYTES:,} and {_MOST_BYTES:,} is of use"
        yield Finding("KD402", f"{place}.bytes", f"{message}: look up what the partner accepts")


def _preset(place: str, preset: Preset, names: Counter[str]) -> Iterator[Finding]:
    if not preset.name.strip():
        yield Finding("KD104", f"{place}.name", "is blank; say what it sends, because reports use this name")
    elif names[preset.name] > 1:
        yield Finding("KD104", f"{place}.name", f'is "{preset.name}", as that of another preset is; name each its own')
    if preset.subscribe is not None or preset.type == "automatic":
        yield from _trigger("KD302", f"{place}.subscribe", preset.subscribe or "")
    if preset.mapping:
        yield from _compiled("KD303", f"{place}.mapping", partial(compile_mapping, preset.mapping, is_published=True))
        yield from _paths_as_text(f"{place}.mapping", preset.mapping)
        yield from _options_without_effect(f"{place}.mapping", preset.mapping)


def _filled(place: str, preset: Preset, actions: Mapping[str, ActionDefinition]) -> Iterator[Finding]:
    action = actions.get(preset.partner_action)
    if action is None:
        hint = nearest(preset.partner_action, actions)
        message = f'there is no action "{preset.partner_action}"{hint}; the preset never applies'
        yield Finding("KD307", f"{place}.partnerAction", message)
        return
    mapping = preset.mapping or {}
    if ROOT_KEY in mapping:
        return
    for key in mapping:
        if key not in action.fields and not key.startswith("__segment_internal_"):
            hint = nearest(key, action.fields)
            message = f'the action "{preset.partner_action}" has no such field{hint}; take it out'
            yield Finding("KD305", f"{place}.mapping.{key}", message)
    for key, field in action.fields.items():
        by_setting = field.default_path_setting is not None and key not in mapping
        is_filled = by_setting or mapping.get(key, None if key in mapping else field.default) is not None
        if field.required is True and not is_filled and not _has_inner_default(field):
            message = f'"{preset.partner_action}" requires it; map it, or every event of "{preset.name}" is rejected'
            yield Finding("KD304", f"{place}.mapping.{key}", message)


def _paths_as_text(place: str, mapping: Any) -> Iterator[Finding]:
    for problem in path_texts(mapping) if not shape_problems(mapping) else ():
        yield Finding("KD210", f"{place}{_inner(problem, mapping)}", problem.message)


def _options_without_effect(place: str, mapping: Any) -> Iterator[Finding]:
    for problem in unknown_options(mapping) if not shape_problems(mapping) else ():
        yield Finding("KD212", f"{place}{_inner(problem, mapping)}", problem.message)


def _inner(problem: Problem, mapping: Any) -> str:
    """Return the place of a problem within a mapping; that of a field's default is called `value`."""
    is_default = "value" in mapping and len(mapping) == 1
    return problem.place.removeprefix("value") if is_default else f".{problem.place}"


def _trigger(code: str, place: str, fql: str) -> Iterator[Finding]:
    """Find what is wrong with a trigger; in a published definition, Segment's answer is good enough."""
    findings = list(_compiled(code, place, partial(compile_trigger, fql, is_published=True)))
    yield from findings
    if not findings:
        try:
            compile_trigger(fql)
        except DefinitionError as error:
            yield Finding("KD306", place, f"{error.message}; Segment's answer is given")


def _compiled(code: str, place: str, compile_part: Callable[[], Any]) -> Iterator[Finding]:
    try:
        compile_part()
    except DefinitionError as error:
        if not error.problems:
            yield Finding(code, place, f"{error.message}; it cannot be used as it is")
        for problem in error.problems:
            inner = problem.place.removeprefix("value") if code == "KD202" else problem.place and f".{problem.place}"
            yield Finding(code, f"{place}{inner}", f"{problem.message}; it cannot be used as it is")
