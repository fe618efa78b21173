"""The reference of the configuration, as Markdown, made from the models that read it."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from ...definitions import Subscription
from ...definitions.documentation import NOTICE, cell_code, code, document_of, escaped, words
from .accounts import ENVIRONMENT, account_keys
from .delivery_options import DeliveryOptions
from .environment import JSON_TYPES, environment_name
from .kafka_options import OPTIONS
from .service_options import ServiceOptions, WebhookOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from ...definitions import DestinationDefinition

_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", dict: "table", list: "array"}


def configuration_reference(definition: DestinationDefinition, name: str) -> str:
    """Return the page of every setting and option, with its name in the file and in the environment."""
    lines = [
        f"<!-- {NOTICE} -->",
        "",
        "# Configuration",
        "",
        "A configuration is a TOML file, named by `--config FILE`. Environment variables override the file, and",
        "options of the [command line](cli.md) override both. The environment alone is enough, too. These",
        f"are the variables of {escaped(definition.name)}; those of another destination begin with its own name.",
        "",
        "Variables are also read from a file `.env` beside the configuration, one `NAME=value` per line; the",
        "environment wins over it. Keep it readable for its owner only (`chmod 600 .env`).",
        "",
        "`kable-destination init` writes a first file. A complete example with comments is",
        "[`examples/kable.toml`](../examples/kable.toml). Editors complete and check keys with the JSON Schema that",
        "`kable-destination config-schema` prints ([`configuration.schema.json`](schemas/configuration.schema.json));",
        "name it in the first line: `#:schema ./kable.schema.json`.",
        "",
        *_top_level(name),
        *_settings(definition, name),
        *_accounts(definition, name),
        *_subscriptions(),
        *_delivery(name),
        *_service(),
        *_kafka(),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _top_level(name: str) -> Iterator[str]:
    said = "The address at which others reach this program: `https`, or `http` on a loopback address."
    variable = cell_code(environment_name(name, "publicUrl"))
    named = "The name of an installed destination, or the path of a manifest (`.json`)."
    yield from (
        "## Keys outside of tables",
        "",
        "| Key | Variable | Type | Default | Description |",
        "| --- | --- | --- | --- | --- |",
        f"| `destination` |  | string | {cell_code(name)} | {named} |",
        f"| `publicUrl` | {variable} | string |  | {said} |",
        "",
    )


def _settings(definition: DestinationDefinition, name: str) -> Iterator[str]:
    yield from ("## `[settings]`", "")
    yield from ("| Key | Variable | Required | Type | Description |", "| --- | --- | --- | --- | --- |")
    for field in document_of(definition).settings:
        if field.depth == 0:
            variable = cell_code(environment_name(name, field.key))
            as_json = " In its variable, as JSON." if field.type in JSON_TYPES else ""
            yield (
                f"| {cell_code(field.key)} | {variable} | {escaped(field.required)} | {escaped(field.type)} "
                f"| {escaped(field.description)}{as_json} |"
            )
    yield ""


def _accounts(definition: DestinationDefinition, name: str) -> Iterator[str]:
    yield from (
        "## `[accounts.NAME]`",
        "",
        "Accounts under names, for `--account NAME`. The keys of an account win over `[settings]` and over the",
        "variables of settings. Its secrets stay out of the file; the file says where they are.",
        "",
        "| Key | Description |",
        "| --- | --- |",
    )
    if definition.environments is not None:
        names = " or ".join(code(choice.name) for choice in definition.environments.choices)
        yield f"| {cell_code(ENVIRONMENT)} | {names}: the environment that the key must belong to. |"
    found_in = {
        "": "The setting “{}”.",
        "Env": "The name of the environment variable that holds the setting “{}”.",
        "File": "The path of a file that holds the setting “{}”, relative to the configuration.",
    }
    for key in account_keys(name, definition):
        setting = escaped(definition.settings[key.setting].label)
        yield f"| {cell_code(key.name)} | {found_in[key.suffix].format(setting)} |"
    yield ""


def _subscriptions() -> Iterator[str]:
    yield from (
        "## `[[subscriptions]]`",
        "",
        "Which events go to which action, one table each. Without any, the presets apply.",
        "",
        "| Key | Type | Default | Description |",
        "| --- | --- | --- | --- |",
    )
    for key, field in _fields(Subscription):
        yield f"| {cell_code(key)} | {escaped(_type(field))} | {_default(field)} | {words(field.description or '')} |"
    yield ""


def _delivery(name: str) -> Iterator[str]:
    yield from (
        "## `[delivery]`",
        "",
        "| Key | Variable | Type | Default | Description |",
        "| --- | --- | --- | --- | --- |",
    )
    for key, field in _fields(DeliveryOptions):
        variable = cell_code(environment_name(name, key))
        yield (
            f"| {cell_code(key)} | {variable} | {escaped(_type(field))} | {_default(field)} "
            f"| {words(field.description or '')}{_bounds(field)} |"
        )


def _service() -> Iterator[str]:
    yield from (
        "",
        "## `[service]`",
        "",
        "Only for `serve` and `work`.",
        "",
        "| Key | Type | Default | Description |",
        "| --- | --- | --- | --- |",
        *_rows(ServiceOptions),
        "",
        "## `[service.webhook]`",
        "",
        "| Key | Type | Default | Description |",
        "| --- | --- | --- | --- |",
        *_rows(WebhookOptions),
    )


def _kafka() -> Iterator[str]:
    yield from (
        "",
        "## `[kafka]`",
        "",
        "How to reach the brokers, for [a topic of Kafka](scaling.md#kafka). The address of a topic may have the same",
        "options, and wins. They are those of the client library, librdkafka. An option whose name ends in `.env`",
        "names the environment variable that holds its value: secrets are given only so.",
        "",
        *(f"- {cell_code(name)}" for name in OPTIONS),
    )


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for key, field in _fields(model):
        yield (
            f"| {cell_code(key)} | {escaped(_type(field))} | {_default(field)} "
            f"| {words(field.description or '')}{_bounds(field)} |"
        )


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    kinds = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return " or ".join(_type_name(kind) for kind in kinds if kind is not NoneType)


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    return _TYPES.get(get_origin(kind) or kind, "string")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", {}):
        return ""
    return cell_code(str(default).lower() if isinstance(default, bool) else str(default))


def _bounds(field: FieldInfo) -> str:
    bounds = {
        name: getattr(bound, name) for bound in field.metadata for name in ("gt", "ge", "le") if hasattr(bound, name)
    }
    words_of = {"gt": "more than", "ge": "at least", "le": "at most"}
    found = [f"{words_of[name]} {value:,}" for name, value in bounds.items()]
    return f" {', '.join(found).capitalize()}." if found else ""
