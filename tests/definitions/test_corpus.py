"""Public definitions of real destinations are read, written again and run: set KABLE_CORPUS to a folder of them."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import (
    Destination,
    DestinationDefinition,
    RejectedError,
    compile_fields,
    compile_mapping,
    compile_trigger,
    one_line,
)
from kable_destination.definitions.documentation import FORMATS, document_of, render
from kable_destination.definitions.lint import CODES, lint
from kable_destination.definitions.planning.explanation import explain
from manifests import without_nulls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kable_destination.definitions import InputField

FOLDER = os.environ.get("KABLE_CORPUS")
FILES = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []
EVENT = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m-1",
    "userId": "u-1",
    "anonymousId": "a-1",
    "timestamp": "2026-03-04T05:06:07.000Z",
    "properties": {"email": "ada@example.com", "revenue": 12.5, "products": [{"sku": "x", "price": 3, "quantity": 2}]},
    "traits": {"email": "ada@example.com", "first_name": "Ada"},
    "integrations": {"Rokt Conversions API": {"rtid": "r"}},
    "context": {
        "ip": "192.0.2.1",
        "userAgent": "test",
        "groupId": "g-1",
        "page": {"url": "https://example.com/?a=b", "search": "?rtid=1&b=2"},
        "traits": {"email": "ada@example.com"},
        "device": {"id": "d", "type": "ios", "advertisingId": "x"},
        "personas": {"computation_class": "audience", "computation_key": "buyers", "computation_id": "aud_1"},
    },
}


if not FILES:
    pytest.skip(
        f"{FOLDER} holds no .json file"
        if FOLDER
        else "KABLE_CORPUS is not set: it names a folder with metadata.json "
        "files of Segment's destinations (packages/destination-actions/src/destinations/*/metadata.json of "
        "segmentio/action-destinations), each under its own name: "
        "KABLE_CORPUS=folder pytest tests/definitions/test_corpus.py",
        allow_module_level=True,
    )


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One definition of the corpus."""
    read: dict[str, Any] = json.loads(request.param.read_text(encoding="utf-8"))
    return read


@pytest.fixture
def definition(manifest: dict[str, Any]) -> DestinationDefinition:
    """The same, read."""
    return DestinationDefinition.from_manifest(manifest)


def test_a_definition_is_written_as_it_was_read(manifest: dict[str, Any], definition: DestinationDefinition) -> None:
    assert without_nulls(definition.to_manifest()) == without_nulls(manifest)


def test_every_default_mapping_compiles_and_runs(manifest: dict[str, Any]) -> None:
    for key, action in manifest["actions"].items():
        defaults = {
            name: field["default"] for name, field in action["fields"].items() if field.get("default") is not None
        }
        for name, default in defaults.items():
            compile_mapping({name: default})(EVENT)
        assert isinstance(compile_mapping(defaults)(EVENT), dict), key
    for preset in manifest["presets"]:
        assert isinstance(compile_mapping(preset.get("mapping") or {})(EVENT), dict), preset["name"]


def test_every_trigger_compiles_and_runs(manifest: dict[str, Any]) -> None:
    triggers = [action.get("defaultSubscription") for action in manifest["actions"].values()]
    triggers += [preset.get("subscribe") for preset in manifest["presets"]]
    for trigger in filter(None, triggers):
        compiled = compile_trigger(trigger, is_published=True)
        assert compile_trigger(str(compiled))(EVENT) == compiled(EVENT), trigger


def test_all_fields_compile_and_have_a_schema(definition: DestinationDefinition) -> None:
    compile_fields(definition.settings)
    assert definition.settings_schema()["type"] == "object"
    for action in definition.actions.values():
        compile_fields(action.fields)
        assert action.payload_schema()["type"] == "object"


def test_a_definition_can_be_looked_over(definition: DestinationDefinition) -> None:
    assert all(finding.code in CODES and finding.place and finding.message for finding in lint(definition))


def test_a_definition_can_be_previewed(definition: DestinationDefinition) -> None:
    settings = dict(_some_settings(definition))
    ready = Destination(definition, settings)
    for explained in explain(ready, EVENT).subscriptions:
        assert explained.why_not or (explained.problems and explained.request is None)
    for subscription in ready.compiled_subscriptions:
        with contextlib.suppress(RejectedError):
            assert isinstance(subscription.payload(EVENT), dict)


def test_a_definition_has_a_page_with_every_field_in_it(definition: DestinationDefinition) -> None:
    """In each format; the labels and keys of Markdown and HTML are read from the JSON, which has them unescaped."""
    pages = {page_format: render(definition, page_format) for page_format in FORMATS}
    told = json.loads(pages["json"])
    described = [(field["label"], field["key"]) for part in (told, *told["actions"]) for field in _told_fields(part)]
    fields = [*_all_fields(definition.settings)]
    for action in definition.actions.values():
        fields += _all_fields(action.fields)
    assert described == [(one_line(field.label) or one_line(key), one_line(key)) for key, field in fields]
    visible = html.unescape(pages["html"])
    unescaped = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", pages["markdown"]))
    for label, key in described:
        assert label in visible, label
        assert key in visible, key
        assert label in unescaped, label
        assert key in unescaped, key
    for documented in document_of(definition).actions:
        assert documented.example is not None
        assert documented.example.payload or documented.example.outcome


def _told_fields(part: dict[str, Any]) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = part.get("fields", part.get("settings", []))
    return fields


def _all_fields(fields: Mapping[str, InputField]) -> Iterator[tuple[str, InputField]]:
    for key, field in fields.items():
        yield key, field
        yield from _all_fields(field.properties or {})


def _some_settings(definition: DestinationDefinition) -> Iterator[tuple[str, Any]]:
    for key, field in definition.settings.items():
        if not _is_usable(field):
            yield key, [_some_value(field)] if field.multiple else _some_value(field)


def _is_usable(field: InputField) -> bool:
    """Return whether a user may leave a default as it is: some are blank, or none of the choices."""
    values = [choice if isinstance(choice, str) else choice.value for choice in field.choices or ()]
    if values and not field.multiple:
        return field.default in values
    return field.default is not None and field.default != ""


def _some_value(field: InputField) -> Any:
    if field.choices:
        first = field.choices[0]
        return first if isinstance(first, str) else first.value
    return {"boolean": True, "number": 1, "integer": 1}.get(field.type, "https://example.com")
