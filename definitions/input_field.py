"""A field: one value that a user sets (a setting), or that a mapping fills (a field of an action)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

FieldType = Literal["string", "text", "number", "integer", "datetime", "boolean", "password", "object", "text-map"]


class DefinitionModel(BaseModel):
    """The base of every part of a definition: frozen, strict about its keys, snake_case here and camelCase in JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )


class ManifestPart(DefinitionModel):
    """What a manifest describes. `carried` keeps its keys that this framework does not know, for those who do."""

    carried: Mapping[str, Any] = Field(default_factory=dict, repr=False)

    @property
    def was_read(self) -> bool:
        """Whether this comes from a manifest, not from an author's code."""
        return "carried" in self.model_fields_set


class Choice(DefinitionModel):
    """One allowed value of a field, and the words in which a person picks it; other keys are carried."""

    model_config = ConfigDict(extra="allow")

    label: str
    value: JsonValue


class Condition(DefinitionModel):
    """Something about another field: `operator` is `is` or `is_not`.

    `field_key` names a field of the same action, or `parent.child` within an object. A condition to which no
    `value` was given asks whether that field is there at all; that is not the same as the value None.
    """

    model_config = ConfigDict(extra="allow")

    field_key: str | None = None
    operator: str
    value: Any = None
    type: str | None = None

    @property
    def has_value(self) -> bool:
        """Return whether there is a value to compare with, even None."""
        return "value" in self.model_fields_set

    @model_serializer(mode="wrap")
    def _without_absent_value(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        if not self.has_value:
            written.pop("value", None)
        return written


class Conditions(DefinitionModel):
    """Conditions on other fields. All or any must hold; without `match`, all. Other keys are carried."""

    model_config = ConfigDict(extra="allow")

    match: Literal["all", "any"] | None = None
    conditions: tuple[Condition, ...]


class InputField(ManifestPart):
    """One field of a destination's settings or of an action's payload, as Segment describes it.

    `default` is a mapping for the fields of an action and a plain value for settings. `minimum` and `maximum` bound
    a number, or the length of a text. `format` (of a `string`) is one of `date`, `time`, `date-time`, `uri`,
    `uri-reference`, `uri-template`, `email`, `hostname`, `ipv4`, `ipv6`, `regex`, `uuid`, `password`, `text`,
    `json-pointer`, `date-like`. A key that is null in JSON counts as absent, as in Segment's `metadata.json`.

    The type `text-map` (an object whose values are all text) and five properties are this framework's own.
    The properties declare what Segment's destinations write as code:

    - `identifier`: the value is never coerced beyond an integer's digits. A boolean, a list, an object,
      a fraction, blank or invisible text, an integer that was not read exactly, and what programs print for no value
      (`undefined`, `null`, `None`, `[object Object]`) is rejected. So is a template with such a part.
    - `allows_placeholders`: the texts that programs print for no value are identifiers here.
    - `rfc3339`: a datetime is sent as RFC 3339. What is so already passes unchanged; dates, other forms of ISO 8601
      and Unix times in seconds (10 digits) or milliseconds (13 digits) become UTC; anything else is rejected.
      The first such field of an action is the time of the event: a moment before the year 2000 is rejected there, since
      it is a clock that was never set.
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
    format: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
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
    allows_placeholders: bool = False
    rfc3339: bool = False
    default_path_setting: str | None = None
    renames_setting: str | None = None

    @property
    def has_plain_default(self) -> bool:
        """Whether the default is a plain value, and neither a mapping nor absent."""
        if isinstance(self.default, str):
            return bool(self.default) and "{{" not in self.default
        return isinstance(self.default, bool | int | float)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {key: value for key, value in given.items() if value is not None}
        return given

    @field_validator("required", mode="before")
    @classmethod
    def _only_true_requires(cls, given: Any) -> Any:
        # Segment's rule: "yes" or 1 require nothing.
        return given if given is True or isinstance(given, Mapping | Conditions) else False
