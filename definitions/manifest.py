"""Manifests: a destination in the shape of Segment's public `metadata.json`, written and read.

A key that is null counts as absent. Keys that nobody here knows are carried along, so a newer manifest survives.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from .errors import DefinitionError, Problem
from .fields.json_equality import json_equal
from .input_field import Conditions, InputField
from .javascript.values import type_name
from .mapping.root_directive import ROOT_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from .action import ActionDefinition
    from .input_field import Choice, ManifestPart
    from .manifest_definition import ManifestDefinition, Preset

MAX_DEPTH = 100
"""Levels of objects and lists within each other; Segment's own manifests have fewer than twenty."""

_MAX_PROBLEMS = 50

_DESTINATION = ("slug", "name", "mode", "description", "authentication", "audienceConfig", "actions", "presets")
_AUTHENTICATION = ("scheme", "fields")
_ACTION = (
    "title", "description", "platform", "defaultSubscription", "hidden", "hasPerformBatch", "syncMode", "hooks",
    "dynamicFields", "fields",
)  # fmt: skip
_PRESET = ("name", "type", "partnerAction", "subscribe", "mapping", "eventSlug")
_SETTING = ("label", "description", "type", "required", "multiple", "choices", "default", "depends_on")
_FIELD = (
    "label", "description", "type", "required", "multiple", "allowNull", "dynamic", "default", "choices", "placeholder",
    "properties", "category", "depends_on", "readOnly", "hidden", "minimum", "maximum", "defaultObjectUI",
    "disabledInputMethods", "displayMode", "format", "additionalProperties",
)  # fmt: skip
_OWN = ("identifier", "allowsPlaceholders", "rfc3339", "defaultPathSetting", "renamesSetting")
_NULL_UNLESS_GIVEN = frozenset({"description", "readOnly", "hidden"})
_NAMES = {info.alias or name: name for name, info in InputField.model_fields.items() if name != "carried"}

Place = tuple[int | str, ...]
D = TypeVar("D", bound="ManifestDefinition")


def write_manifest(definition: ManifestDefinition) -> dict[str, Any]:
    """Write a definition as a manifest, in Segment's order of keys. It shares no value with the definition."""
    actions = definition.actions
    return copy.deepcopy(
        {
            "slug": definition.slug,
            "name": definition.name,
            "mode": _unless_absent(definition, "mode"),
            "description": _if_given(definition, "description"),
            "authentication": _write_authentication(definition),
            "audienceConfig": definition.audience_config,
            "actions": {key: _write_action(action) for key, action in actions.items()},
            "presets": [_write_preset(preset, actions.get(preset.partner_action)) for preset in definition.presets],
            **definition.carried,
        }
    )


def _if_given(part: ManifestPart, name: str) -> Any:
    return getattr(part, name) if name in part.model_fields_set else None


def _unless_absent(part: ManifestPart, name: str) -> Any:
    """Return a value or its default; None if a manifest was read that does not hold it."""
    return _if_given(part, name) if part.was_read else getattr(part, name)


def _write_authentication(definition: ManifestDefinition) -> dict[str, Any] | None:
    if "authentication" not in definition.model_fields_set and not definition.settings:
        return None
    return {
        "scheme": _unless_absent(definition.authentication, "scheme"),
        "fields": {key: _write_field(field, _SETTING) for key, field in definition.settings.items()},
        **definition.authentication.carried,
    }


def _write_action(action: ActionDefinition) -> dict[str, Any]:
    return {
        "title": action.title,
        "description": _if_given(action, "description"),
        "platform": _unless_absent(action, "platform"),
        "defaultSubscription": action.default_subscription,
        "hidden": _unless_absent(action, "hidden"),
        "hasPerformBatch": True if action.perform_batch is not None else _unless_absent(action, "has_perform_batch"),
        "syncMode": action.sync_mode,
        "hooks": action.hooks,
        "dynamicFields": action.dynamic_fields,
        "fields": {key: _write_field(field, _FIELD) for key, field in action.fields.items()},
        **action.carried,
    }


def _write_preset(preset: Preset, action: ActionDefinition | None) -> dict[str, Any]:
    has_none = preset.mapping is None and "mapping" in preset.model_fields_set
    return {
        "name": preset.name,
        "type": _unless_absent(preset, "type"),
        "partnerAction": preset.partner_action,
        "subscribe": preset.subscribe,
        "mapping": None if has_none else _whole_mapping(preset.mapping or {}, action),
        "eventSlug": preset.event_slug,
        **preset.carried,
    }


def _whole_mapping(mapping: Mapping[str, Any], action: ActionDefinition | None) -> dict[str, Any]:
    """Fill in the defaults: a preset holds what differs from them, its manifest the whole."""
    if ROOT_KEY in mapping:
        return dict(mapping)
    fields = action.fields if action is not None else {}
    defaults = {key: field.default for key, field in fields.items() if field.default is not None}
    return {key: value for key, value in {**defaults, **mapping}.items() if value is not None}


def _write_field(field: InputField, segments: tuple[str, ...]) -> dict[str, Any]:
    """Write the keys that Segment always writes, then those that only this field has."""
    more = (key for key, name in _NAMES.items() if key not in segments and name in field.model_fields_set)
    return {**{key: _write_value(field, key) for key in (*segments, *more)}, **field.carried}


def _write_value(field: InputField, key: str) -> Any:
    name = _NAMES[key]
    value = _if_given(field, name) if key in _NULL_UNLESS_GIVEN else _unless_absent(field, name)
    if isinstance(value, Conditions):
        written = value.model_dump(by_alias=True, exclude_unset=True)
        return {"match": value.match, **written, "conditions": list(written["conditions"])}
    if isinstance(value, Mapping) and key == "properties":
        return {name: _write_field(inner, _FIELD) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_write_choice(item) for item in value] if key == "choices" else list(value)
    return value


def _write_choice(choice: Choice | str) -> dict[str, Any]:
    if isinstance(choice, str):
        return {"label": choice, "value": choice}
    return choice.model_dump(by_alias=True)


def read_manifest(cls: type[D], manifest: Any) -> D:
    """Read a manifest as a definition that holds no code. Raises DefinitionError, with every problem and its place."""
    if not isinstance(manifest, Mapping):
        raise _unreadable([Problem("", f"a manifest is an object; got {type_name(manifest)}")])
    if _is_deeper(manifest, MAX_DEPTH):
        raise _unreadable([Problem("", f"is nested deeper than {MAX_DEPTH} levels, as no manifest is")])
    try:
        return cls.model_validate(_destination_parts(copy.deepcopy(dict(manifest))))
    except ValidationError as error:
        raise _unreadable(list(_problems(error, manifest))) from None


def _unreadable(problems: list[Problem]) -> DefinitionError:
    if len(problems) > _MAX_PROBLEMS:
        more = Problem("", f"and {len(problems) - _MAX_PROBLEMS:,} more")
        problems = [*problems[:_MAX_PROBLEMS], more]
    return DefinitionError("; ".join(map(str, problems)), problems=problems)


def _is_deeper(value: Any, limit: int) -> bool:
    """Return whether a value is nested deeper than a limit, also if it contains itself."""
    level = {id(value): value}
    for _ in range(limit):
        level = {id(child): child for parent in level.values() for child in _children(parent)}
        if not level:
            return False
    return True


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


def _destination_parts(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest in the shape of the models; what has the wrong type is left for them to refuse."""
    parts = _parts(manifest, _DESTINATION)
    authentication = parts.pop("authentication", None)
    if isinstance(authentication, dict):
        known = _parts(authentication, _AUTHENTICATION)
        parts["settings"] = _each(known.pop("fields", {}), _field_parts)
        parts["authentication"] = known
    elif authentication is not None:
        parts["authentication"] = authentication
    actions = parts.get("actions")
    if actions is not None:
        parts["actions"] = _each(actions, _action_parts)
    presets = parts.get("presets")
    if isinstance(presets, list | tuple):
        parts["presets"] = [_preset_parts(given, actions) for given in presets]
    return parts


def _parts(given: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    parts = {key: value for key, value in given.items() if key in known and value is not None}
    parts["carried"] = {key: value for key, value in given.items() if key not in known}
    return parts


def _each(given: Any, read: Callable[[Any], Any]) -> Any:
    return {key: read(value) for key, value in given.items()} if isinstance(given, dict) else given


def _field_parts(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    parts = _parts(given, _FIELD + _OWN)
    if "properties" in parts:
        parts["properties"] = _each(parts["properties"], _field_parts)
    return parts


def _action_parts(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    parts = _parts(given, _ACTION)
    if "fields" in parts:
        parts["fields"] = _each(parts["fields"], _field_parts)
    return parts


def _preset_parts(given: Any, actions: Any) -> Any:
    if not isinstance(given, dict):
        return given
    parts = _parts(given, _PRESET)
    mapping = parts.setdefault("mapping", None)
    if isinstance(mapping, dict) and ROOT_KEY not in mapping:
        parts["mapping"] = _differing(mapping, _defaults(actions, parts.get("partnerAction")))
    return parts


def _defaults(actions: Any, key: Any) -> dict[str, Any]:
    action = actions.get(key) if isinstance(actions, dict) and isinstance(key, str) else None
    fields = action.get("fields") if isinstance(action, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: field.get("default") for name, field in fields.items() if isinstance(field, dict)}


def _differing(mapping: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the defaults in a whole mapping; None for a default that it leaves out."""
    left_out = {key: None for key, default in defaults.items() if default is not None and key not in mapping}
    differing = {key: value for key, value in mapping.items() if not json_equal(value, defaults.get(key))}
    return {**differing, **left_out}


def _problems(error: ValidationError, manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each place once. If a value may have several forms, pydantic reports what each of them expects."""
    messages: dict[Place, str] = {}
    for found in error.errors(include_url=False):
        messages.setdefault(_place(found, manifest), _message(found))
    around = {place[:length] for place in messages for length in range(1, len(place))}
    for place, message in messages.items():
        if place not in around:
            yield Problem(_written(place), message)


def _place(found: ErrorDetails, manifest: Mapping[str, Any]) -> Place:
    """Find a place in the manifest; the parts by which pydantic names the forms of a value are left out."""
    location = found["loc"]
    parts = ("authentication", "fields", *location[1:]) if location[:1] == ("settings",) else location
    place: list[int | str] = []
    value: Any = manifest
    for index, part in enumerate(parts):
        is_missing = found["type"] == "missing" and index == len(parts) - 1
        if isinstance(value, Mapping) and (part in value or is_missing):
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int):
            value = value[part]
        else:
            continue
        place.append(part)
    return tuple(place)


def _written(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "mapping_type": "an object",
    "model_type": "an object",
    "tuple_type": "a list",
    "int_type": "a number",
    "int_parsing": "a number",
    "float_type": "a number",
}


def _message(found: ErrorDetails) -> str:
    kind = found["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind in _EXPECTED:
        return f"should be {_EXPECTED[kind]}; got {type_name(found['input'])}"
    if kind == "value_error":
        return str(found["ctx"]["error"])
    return found["msg"].removeprefix("Input ")
