"""Fields in words: type, requirement, default, choices and all else that bounds a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..fields.conditions import split_field_key
from ..json_body import indented_json, json_line
from ..mapping import describe_mapping
from ..text import listed, one_line, visible
from .document import DocumentedChoice, DocumentedField

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..input_field import Choice, Condition, Conditions, InputField
    from .anchors import Anchors

_TYPES = {"password": "string (a secret)"}
_LISTED = {"password": "secrets", "text": "texts", "object": "objects", "text-map": "text-maps"}


class FieldTexts:
    """Describes the fields of one action, or the settings of a destination, with the properties within them.

    What a field's own description says is not said again.

    `settings` are named if a default depends on one. The default of a setting is a value and not a mapping.
    """

    def __init__(self, anchors: Anchors, place: str, settings: Mapping[str, InputField], *, are_settings: bool) -> None:
        self._anchors = anchors
        self._place = place
        self._settings = settings
        self._are_settings = are_settings

    def fields(self, fields: Mapping[str, InputField]) -> Iterator[DocumentedField]:
        """Return all of them, each followed by the properties within it."""
        return self._fields(fields, (), "", 0)

    def _fields(
        self, fields: Mapping[str, InputField], around: tuple[Mapping[str, InputField], ...], prefix: str, depth: int
    ) -> Iterator[DocumentedField]:
        scopes = (fields, *around)
        for key, field in fields.items():
            path = f"{prefix}{one_line(key)}"
            yield self._field(key, field, scopes, path, depth)
            if field.properties:
                inner = f"{path}[]." if field.multiple else f"{path}."
                yield from self._fields(field.properties, scopes, inner, depth + 1)

    def _field(
        self, key: str, field: InputField, scopes: tuple[Mapping[str, InputField], ...], path: str, depth: int
    ) -> DocumentedField:
        return DocumentedField(
            anchor=self._anchors.name(f"{self._place} {path}"),
            path=path,
            key=one_line(key),
            depth=depth,
            label=one_line(field.label) or one_line(key),
            description=one_line(field.description),
            type=_type(field),
            required=_required(field, scopes),
            default_words=one_line(self._default(field)),
            default_json="" if field.default is None else visible(indented_json(field.default)),
            example=one_line(field.placeholder or ""),
            choices=tuple(map(_choice, field.choices or ())),
            notes=tuple(map(one_line, self._notes(field, scopes))),
        )

    def _default(self, field: InputField) -> str:
        if self._are_settings:
            return "" if field.default is None else f"`{json_line(field.default)}`"
        words = "" if field.default is None else describe_mapping(field.default)
        if field.default_path_setting is None:
            return words
        named = f"the field that the setting {self._setting(field.default_path_setting)} names"
        return f"{named}, or {words} when it is empty" if words else named

    def _setting(self, key: str) -> str:
        return self._settings[key].label if key in self._settings else f"`{key}`"

    def _notes(self, field: InputField, scopes: tuple[Mapping[str, InputField], ...]) -> Iterator[str]:
        if field.depends_on is not None:
            yield f"Concerned only when {_conditions(field.depends_on, scopes)}."
        if field.format is not None:
            yield f"Format: {field.format}."
        yield from _bounds(field)
        if field.identifier:
            yield "Text that is not blank, or an integer, which is sent as its digits; nothing else is converted."
        if field.rfc3339 and "RFC 3339" not in field.description:
            yield "Sent as RFC 3339."
        if field.renames_setting is not None and self._setting(field.renames_setting) not in field.description:
            yield f"The setting {self._setting(field.renames_setting)} gives properties other names."
        yield from (words for is_so, words in _remarks(field) if is_so)


def _remarks(field: InputField) -> Iterator[tuple[bool, str]]:
    yield field.allow_null, "May be null."
    yield bool(field.properties) and field.additional_properties, "May hold other properties too."
    yield field.dynamic, "The choices are looked up at the partner's."
    yield field.read_only, "Cannot be changed."
    yield field.hidden, "Not shown in Segment's app."


def _type(field: InputField) -> str:
    if not field.multiple:
        return _TYPES.get(field.type, field.type)
    return f"list of {_LISTED.get(field.type, f'{field.type}s')}"


def _required(field: InputField, scopes: tuple[Mapping[str, InputField], ...]) -> str:
    if isinstance(field.required, bool):
        return "Yes" if field.required else "No"
    return one_line(f"When {_conditions(field.required, scopes)}")


def _conditions(conditions: Conditions, scopes: tuple[Mapping[str, InputField], ...]) -> str:
    words = [_condition(condition, scopes) for condition in conditions.conditions]
    return f" {'or' if conditions.match == 'any' else 'and'} ".join(words) or "nothing else is said"


def _condition(condition: Condition, scopes: tuple[Mapping[str, InputField], ...]) -> str:
    subject = _subject(condition, scopes)
    if not condition.has_value or condition.value is None:
        return f"{subject} is not given" if condition.operator == "is" else f"{subject} is given"
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    verb = {"is": "is", "is_not": "is not"}.get(condition.operator, condition.operator)
    return f"{subject} {verb} {listed([_quoted(value) for value in values], 'or')}"


def _subject(condition: Condition, scopes: tuple[Mapping[str, InputField], ...]) -> str:
    if condition.field_key is None:
        return "the sync mode" if condition.type == "syncMode" else "it"
    parent_key, child_key = split_field_key(condition.field_key)
    parent = next((scope[parent_key] for scope in scopes if parent_key in scope), None)
    if parent is None:
        return f"`{condition.field_key}`"
    if not child_key:
        return parent.label
    child = (parent.properties or {}).get(child_key)
    if child is None:
        return f"{parent.label}.{child_key}"
    return f"{child.label} of {parent.label}"


def _quoted(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else json_line(value)


def _bounds(field: InputField) -> Iterator[str]:
    unit = "" if field.type in {"number", "integer"} else " characters"
    if field.minimum is not None:
        yield f"At least {field.minimum:,}{unit}."
    if field.maximum is not None:
        yield f"At most {field.maximum:,}{unit}."


def _choice(choice: Choice | str) -> DocumentedChoice:
    if isinstance(choice, str):
        return DocumentedChoice(label=one_line(choice), value=json_line(choice))
    return DocumentedChoice(label=one_line(choice.label), value=json_line(choice.value))
