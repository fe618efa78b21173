"""A first configuration file: commented, with the known settings filled in."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from ...definitions import one_line
from .delivery_options import DeliveryOptions
from .environment import environment_name
from .toml_text import toml_key, toml_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...definitions import DestinationDefinition, InputField

_WIDTH = 100
_OPTIONS = ("live", "outbox", "concurrency", "wait", "give_up_hours")
"""The delivery options that a new user needs."""
_EXAMPLES = {"text-map": '{ "old name" = "new name" }', "object": '{ "name" = "value" }', "number": "1", "integer": "1"}


def configuration_text(
    definition: DestinationDefinition,
    destination: str | None,
    name: str,
    settings: Mapping[str, Any],
    *,
    schema: str,
    base_url: str | None,
) -> str:
    """Return the text of a configuration file. The settings that it holds are not secrets.

    `destination` is what the file names, if it is not the default; variables begin with `name`. `schema` is the path of
    the JSON Schema that editors check it by.
    """
    lines = [
        f"#:schema {schema}",
        *_comment(f"Configuration of kable-destination for {definition.name}. Environment variables override it."),
        "# Check it: kable-destination check --config FILE. All keys: docs/configuration.md",
    ]
    if destination is not None:
        lines += ["", f"destination = {toml_text(destination)}"]
    lines += ["", "[settings]", *_settings(definition, name, settings)]
    lines += _subscriptions(definition)
    lines += ["", "[delivery]", *_delivery(base_url)]
    return "\n".join(lines).rstrip() + "\n"


def _settings(definition: DestinationDefinition, name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    for key, field in definition.settings.items():
        if field.type == "password":
            yield from _comment(
                f"{field.label} stays out of this file: {environment_name(name, key)}, or .env beside it."
            )
    for key, field in definition.settings.items():
        if field.type == "password":
            continue
        yield ""
        yield from _comment(field.description or field.label)
        if key in settings:
            yield f"{toml_key(key)} = {toml_text(settings[key])}"
        else:
            yield f"# {toml_key(key)} = {_example(field)}"


def _subscriptions(definition: DestinationDefinition) -> Iterator[str]:
    yield ""
    yield from _comment("Which events go to which action. Without subscriptions of your own, the presets apply:")
    for preset in definition.automatic_presets:
        yield "#"
        yield "# [[subscriptions]]"
        yield f"# name = {toml_text(preset.name)}"
        yield f"# partnerAction = {toml_text(preset.partner_action)}"
        yield f"# subscribe = {toml_text(preset.subscribe or '')}"
    if not definition.automatic_presets:
        yield "# This destination has no presets, so add [[subscriptions]] with partnerAction and subscribe"


def _delivery(base_url: str | None) -> Iterator[str]:
    if base_url is not None:
        yield from ("# Where requests go instead of the destination's own host.", f"baseUrl = {toml_text(base_url)}")
    for name in _OPTIONS:
        field = DeliveryOptions.model_fields[name]
        yield from _comment((field.description or "").replace("`", ""))
        default = field.get_default()
        yield f"# {field.alias} = {toml_text(not default if name == 'live' else default)}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(one_line(text), _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _example(field: InputField) -> str:
    if field.type in _EXAMPLES:
        return _EXAMPLES[field.type]
    if field.type == "boolean":
        return "true"
    return toml_text(field.placeholder or "…")
