"""A made-up event for an action that has no worked example: whatever its default mappings look for is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DefinitionError
from ..mapping import compile_mapping
from ..mapping.validation import is_directive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..action import ActionDefinition
    from ..input_field import InputField

_OF_TYPE: Mapping[str, Any] = {
    "boolean": True,
    "integer": 12,
    "number": 12.5,
    "datetime": "2026-03-04T05:06:07Z",
    "object": {"example": "value"},
    "text-map": {"example": "value"},
}
_OF_FORMAT = {
    "email": "ada@example.com",
    "uri": "https://example.com",
    "uri-reference": "https://example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
    "date": "2026-03-04",
    "date-time": "2026-03-04T05:06:07Z",
    "date-like": "2026-03-04T05:06:07Z",
    "time": "05:06:07Z",
}


def sample_value(field: InputField) -> Any:
    """Make a value that a field admits, always the same."""
    if field.multiple:
        return [sample_value(field.model_copy(update={"multiple": False}))]
    if field.choices:
        first = field.choices[0]
        return first if isinstance(first, str) else first.value
    if field.properties:
        return {key: sample_value(inner) for key, inner in field.properties.items()}
    return _OF_TYPE.get(field.type) or _OF_FORMAT.get(field.format or "", "example")


def sample_event(call_type: str, action: ActionDefinition) -> dict[str, Any]:
    """Make an event of a type, with a value wherever a default mapping of the action looks for one."""
    event: dict[str, Any] = {
        "type": call_type,
        **_NAMED.get(call_type, {}),
        "userId": "user_1",
        "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
        "timestamp": "2026-03-04T05:06:07Z",
    }
    for key, field in action.fields.items():
        _fill(event, key, field, field.default)
    return event


def sample_mapping(action: ActionDefinition) -> dict[str, Any]:
    """Map a made-up value to each field that a user must map, because it is required and has no default."""
    return {
        key: {"@literal": sample_value(field)}
        for key, field in action.fields.items()
        if field.required is True and field.default is None
    }


def _fill(event: dict[str, Any], key: str, field: InputField, mapping: Any) -> None:
    """Put a value into the event wherever a mapping looks for one; within an object, a value for each property."""
    if isinstance(mapping, dict) and field.properties and not field.multiple and not is_directive(mapping):
        for name, inner in mapping.items():
            if name in field.properties:
                _fill(event, name, field.properties[name], inner)
        return
    for path in _paths(key, mapping):
        _put(event, path, sample_value(field))


_NAMED: Mapping[str, dict[str, Any]] = {
    "track": {"event": "Example Event"},
    "page": {"name": "Example Page"},
    "screen": {"name": "Example Screen"},
    "group": {"groupId": "group_1"},
    "alias": {"previousId": "user_0"},
}


def _paths(key: str, default: Any) -> Sequence[tuple[str, ...]]:
    if default is None:
        return ()
    try:
        return compile_mapping({key: default}).keys
    except DefinitionError:
        return ()


def _put(event: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put a value at a path, unless something stands there or in the way."""
    at = event
    for part in path[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            return
    if path:
        at.setdefault(path[-1], value)
