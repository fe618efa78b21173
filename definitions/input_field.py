"""A field: one value that a user sets (a setting), or that a mapping fills (a field of an action)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

FieldType = Literal["string", "text", "number", "integer", "datetime", "boolean", "password", "object", "text-map"]
FieldFormat = Literal[
    "date", "time", "date-time", "uri", "uri-reference", "uri-template", "email", "hostname",
    "ipv4", "ipv6", "regex", "uuid", "password", "text", "json-pointer", "date-like",
]  # fmt: skip


class DefinitionModel(BaseModel):
    """What every part of a definition is: frozen, strict about its keys, snake_case here and camelCase in JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )


class Choice(DefinitionModel):
    """One allowed value of a field, and the words in which a person picks it."""

    label: str
    value: JsonValue


class Condition(DefinitionModel):
    """Something about another field; a condition without a `value` asks whether that field is there at all."""

    model_config = ConfigDict(extra="allow")

    field_key: str | None = None
    operator: str
    value: Any = None
    type: str | None = None


class Conditions(DefinitionModel):
    """Conditions on other fields, of which all or any must hold."""

    match: Literal["all", "any"] | None = None
    conditions: tuple[Condition, ...]


class InputField(DefinitionModel):
    """One field of a destination's settings or of an action's payload, as Segment describes it.

    `default` is a mapping for the fields of an action and a plain value for settings. Three properties are
    this framework's own. They declare what Segment's destinations write as code:

    - `identifier`: the value is never coerced beyond an integer's digits. A boolean, a list, an object,
      a fraction, blank text or an integer that was not read exactly is rejected.
    - `default_path_setting`: the key of a setting that, when it is set, names the path of the default.
    - `renames_setting`: the key of a text-map setting that moves properties within this object.
    """

    label: str
    type: FieldType
    description: str = ""
    required: bool | Conditions = False
    multiple: bool = False
    allow_null: bool = False
    default: Any = None
    choices: tuple[Choice | str, ...] | None = None
    format: FieldFormat | None = None
    minimum: float | None = None
    maximum: float | None = None
    properties: Mapping[str, InputField] | None = None
    additional_properties: bool = False
    placeholder: str | None = None
    dynamic: bool = False
    category: str | None = None
    depends_on: Conditions | None = Field(default=None, alias="depends_on")
    display_mode: str | None = None
    default_object_ui: str | None = Field(default=None, alias="defaultObjectUI")
    disabled_input_methods: tuple[str, ...] | None = None
    read_only: bool = False
    hidden: bool = False
    identifier: bool = False
    default_path_setting: str | None = None
    renames_setting: str | None = None
