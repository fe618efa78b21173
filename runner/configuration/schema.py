"""The JSON Schema of a configuration file, made from the models that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...definitions import Subscription, indented_json
from .accounts import ENVIRONMENT, account_keys
from .delivery_options import DeliveryOptions
from .environment import environment_name
from .kafka_options import OPTIONS
from .service_options import ServiceOptions, WebhookOptions

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ...definitions import DestinationDefinition

JsonSchema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_UNREAD = frozenset({"title", "default"})


def configuration_schema(definition: DestinationDefinition, name: str) -> str:
    """Return the JSON Schema of the configuration of a destination, as text.

    Nothing is required: settings may come from the environment.
    """
    schema = {
        "$schema": _DIALECT,
        "title": f"Configuration of kable-destination for {definition.name}",
        "type": "object",
        "properties": {
            "destination": {
                "type": "string",
                "description": f'Installed destination, or path of a manifest (.json). Without it, "{name}".',
            },
            "publicUrl": {
                "type": "string",
                "format": "uri",
                "description": "The address at which others reach this program: https, or http on a loopback address.",
            },
            "settings": _settings(definition, name),
            "accounts": {
                "type": "object",
                "description": "Accounts by name, for --account NAME. Their keys stay out of this file.",
                "additionalProperties": _account(definition, name),
            },
            "subscriptions": {
                "type": "array",
                "description": "Which events go to which action. Without any, the presets apply.",
                "items": _subscription(definition),
            },
            "delivery": _of_model(DeliveryOptions, "How events are sent."),
            "service": _service(),
            "kafka": _kafka(),
        },
        "additionalProperties": False,
    }
    return f"{indented_json(schema)}\n"


def _settings(definition: DestinationDefinition, name: str) -> JsonSchema:
    schema = definition.settings_schema()
    properties = dict(schema["properties"])
    for key, setting in definition.settings.items():
        if setting.type == "password":
            apart = f"Better kept out of this file: in {environment_name(name, key)}."
            told = f"{setting.description} {apart}".strip()
            properties[key] = {**properties[key], "description": told}
    return {
        "type": "object",
        "description": f"Settings of {definition.name}.",
        "properties": properties,
        "additionalProperties": False,
    }


def _account(definition: DestinationDefinition, name: str) -> JsonSchema:
    properties: dict[str, JsonSchema] = {}
    if definition.environments is not None:
        choices = [choice.name for choice in definition.environments.choices]
        said = "The environment that the key must belong to."
        properties[ENVIRONMENT] = {"enum": choices, "description": said}
    found_in = {"": "", "Env": "Name of the environment variable with it. ", "File": "Path of a file with it. "}
    for key in account_keys(name, definition):
        setting = definition.settings[key.setting]
        described = f"{setting.label}. {found_in[key.suffix]}{'' if key.suffix else setting.description}".strip()
        properties[key.name] = {"type": "string", "minLength": 1, "description": described}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _subscription(definition: DestinationDefinition) -> JsonSchema:
    schema = _of_model(Subscription, "")
    schema["properties"]["partnerAction"]["enum"] = list(definition.actions)
    schema["allOf"] = [
        {
            "if": {"properties": {"partnerAction": {"const": key}}},
            "then": {
                "properties": {
                    "mapping": {
                        "properties": {
                            name: {"title": field.label, "description": field.description}
                            for name, field in action.fields.items()
                        },
                        # A directive may take the place of the whole mapping.
                        "patternProperties": {"^@": {}},
                        "additionalProperties": False,
                    }
                }
            },
        }
        for key, action in definition.actions.items()
    ]
    return schema


def _service() -> JsonSchema:
    schema = _of_model(ServiceOptions, "How the service listens, and who may send to it.")
    schema["properties"]["webhook"] = _of_model(WebhookOptions, "Who may send events to /webhook.")
    return schema


def _kafka() -> JsonSchema:
    return {
        "type": "object",
        "description": "Options of the Kafka client, as librdkafka names them. Secrets stay out: see the reference.",
        "properties": {name: {"type": ["string", "integer", "boolean"]} for name in OPTIONS},
        "additionalProperties": False,
    }


def _of_model(model: type[BaseModel], description: str) -> JsonSchema:
    """Return the schema of a table. TOML has no null, so no key admits it."""
    schema = model.model_json_schema(by_alias=True)
    properties = {key: _without_null(found) for key, found in schema["properties"].items()}
    table: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    if "required" in schema:
        table["required"] = schema["required"]
    return {"description": description, **table} if description else table


def _without_null(found: JsonSchema) -> JsonSchema:
    schema = {key: value for key, value in found.items() if key not in _UNREAD}
    if found.get("default") not in (None, "", {}):
        schema["default"] = found["default"]
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    return {**schema, **kinds[0]} if len(kinds) == 1 else {**schema, **({"anyOf": kinds} if kinds else {})}
