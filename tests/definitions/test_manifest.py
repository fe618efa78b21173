"""A manifest in the shape of Segment's metadata.json is read as a definition and written again without a loss."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions import DefinitionError, DestinationDefinition, InputField
from kable_destination.destination import kable
from manifests import action, field, manifest, preset, setting, without_nulls

IS_EU = {"fieldKey": "region", "operator": "is", "value": "eu"}


def again(given: dict[str, Any]) -> dict[str, Any]:
    """Read a manifest and write it."""
    return DestinationDefinition.from_manifest(given).to_manifest()


def with_field(**more: Any) -> dict[str, Any]:
    """Describe a destination whose action has one more field."""
    return manifest(actions={"send": action(fields={"name": field(), "extra": field(**more)})}, presets=[])


def test_kables_own_manifest_is_read_and_written_without_a_loss() -> None:
    written = kable.to_manifest()
    assert again(written) == written


def test_kables_manifest_has_segments_keys_in_segments_order() -> None:
    written = kable.to_manifest()
    assert list(written) == [
        "slug", "name", "mode", "description", "authentication", "audienceConfig", "actions", "presets",
    ]  # fmt: skip
    assert list(written["actions"]["track"]) == list(action())
    assert list(written["presets"][0]) == list(preset())
    assert list(written["actions"]["track"]["fields"]["timestamp"]) == [*field(), "rfc3339"]
    assert list(written["authentication"]["fields"]["apiKey"])[: len(setting())] == list(setting())


def test_kables_manifest_tells_what_only_this_framework_declares_where_it_is_declared() -> None:
    fields = kable.to_manifest()["actions"]["track"]["fields"]
    assert (fields["clientId"]["identifier"], fields["clientId"]["defaultPathSetting"]) == (True, "clientIdField")
    assert fields["data"]["renamesSetting"] == "propertiesMappings"
    assert fields["timestamp"]["rfc3339"] is True
    assert not {"identifier", "defaultPathSetting", "renamesSetting"} & set(fields["timestamp"])


def test_a_preset_is_written_with_its_whole_mapping() -> None:
    track = kable.to_manifest()["presets"][0]
    assert track["mapping"] == {
        "clientId": {"@path": "$.userId"},
        "timestamp": {"@path": "$.timestamp"},
        "transactionId": {"@path": "$.messageId"},
        "data": {"@path": "$.properties"},
    }


def test_a_setting_still_names_the_path_of_a_default_after_a_round_trip() -> None:
    read = DestinationDefinition.from_manifest(kable.to_manifest())
    assert "clientId" not in (read.presets[0].mapping or {})


def test_a_manifest_shares_nothing_with_its_definition() -> None:
    given = manifest()
    definition = DestinationDefinition.from_manifest(given)
    given["actions"]["send"]["fields"]["name"]["default"]["@path"] = "$.changed"
    definition.to_manifest()["actions"]["send"]["fields"]["name"]["default"]["@path"] = "$.changed"
    assert definition.actions["send"].fields["name"].default == {"@path": "$.event"}


CARRIED: dict[str, dict[str, Any]] = {
    "a plain destination": manifest(),
    "an OAuth scheme": manifest(authentication={"scheme": "oauth2", "fields": {}}),
    "a managed OAuth scheme": manifest(authentication={"scheme": "oauth-managed", "fields": {"apiKey": setting()}}),
    "no authentication": manifest(authentication=None),
    "authentication without fields": manifest(authentication={"scheme": "custom", "fields": {}}),
    "authentication without a scheme": manifest(authentication={"fields": {"apiKey": setting()}}),
    "another mode": manifest(mode="warehouse"),
    "no description": manifest(description=None),
    "an empty description": manifest(description=""),
    "an audience configuration": manifest(
        audienceConfig={
            "mode": {"type": "synced", "full_audience_sync": False},
            "audienceFields": {"id": setting(type="string")},
            "supportsAudienceFunctions": True,
        }
    ),
    "a sync mode": manifest(
        actions={
            "send": action(
                syncMode={"label": "How", "default": "add", "choices": [{"label": "Add", "value": "add"}]},
            )
        }
    ),
    "hooks": manifest(
        actions={"send": action(hooks={"onMappingSave": {"label": "Save", "inputFields": {}, "outputFields": {}}})}
    ),
    "dynamic fields": manifest(actions={"send": action(dynamicFields={"name": ["__keys__", "__values__"]})}),
    "batches": manifest(actions={"send": action(hasPerformBatch=True)}),
    "a hidden action of the browser": manifest(actions={"send": action(hidden=True, platform="web")}),
    "an action without a subscription": manifest(actions={"send": action(defaultSubscription=None)}),
    "no presets": manifest(presets=[]),
    "a preset for one event": manifest(
        presets=[preset(type="specificEvent", eventSlug="warehouse_entity_added_track", subscribe=None)]
    ),
    "a preset that overrides a default": manifest(
        presets=[preset(mapping={"name": {"@literal": "fixed"}, "units": {"@path": "$.properties.units"}})]
    ),
    "a preset that leaves a default out": manifest(presets=[preset(mapping={"name": {"@path": "$.event"}})]),
    "a preset that maps nothing": manifest(presets=[preset(mapping={})]),
    "a preset without a mapping": manifest(presets=[preset(mapping=None)]),
    "a preset without a type": manifest(presets=[preset(type=None)]),
    "a preset for an action that is not there": manifest(presets=[preset(partnerAction="plugin")]),
    "a preset with a root directive": manifest(
        presets=[preset(mapping={"__segment_internal_directive": {"@transform": {"apply": {}}}, "name": "x"})]
    ),
    "choices": with_field(choices=[{"label": "One", "value": 1}, {"label": "Two", "value": "2"}]),
    "choices and conditions of a newer kind": with_field(
        choices=[{"label": "One", "value": 1, "hint": "new"}],
        required={"match": "any", "conditions": [{**IS_EU, "weight": 1}], "new": True},
    ),
    "conditions of a requirement": with_field(required={"match": "any", "conditions": [IS_EU]}),
    "a condition that asks whether a field is there": with_field(
        required={"conditions": [{"fieldKey": "region", "operator": "is_not"}]}
    ),
    "a condition on a sync mode": with_field(
        depends_on={"match": "all", "conditions": [{"type": "syncMode", "operator": "is", "value": ["add"]}]}
    ),
    "what a form shows": with_field(
        placeholder="Ada",
        category="hashedPII",
        displayMode="collapsed",
        defaultObjectUI="keyvalue:only",
        disabledInputMethods=["literal", "variable"],
        dynamic=True,
    ),
    "a field that is hidden": with_field(hidden=True, readOnly=True),
    "a field that says that it is not hidden": with_field(hidden=False, readOnly=False),
    "a field without a description": with_field(description=None),
    "bounds": with_field(type="number", minimum=0, maximum=2.5),
    "a format": with_field(format="email"),
    "defaults that are false, zero or empty": manifest(
        actions={
            "send": action(
                fields={
                    "no": field(type="boolean", default=False),
                    "zero": field(type="integer", default=0),
                    "text": field(default=""),
                    "list": field(default=[], multiple=True),
                }
            )
        },
        presets=[preset(mapping={"no": False, "zero": 0, "text": "", "list": []})],
    ),
    "nested properties": with_field(
        type="object",
        allowNull=True,
        additionalProperties=True,
        properties={"inner": field(type="object", properties={"innermost": field(required=True)})},
    ),
}


@pytest.mark.parametrize("given", CARRIED.values(), ids=CARRIED)
def test_everything_that_segment_writes_is_carried(given: dict[str, Any]) -> None:
    assert without_nulls(again(given)) == without_nulls(given)


def test_what_a_newer_segment_writes_is_carried_at_every_level() -> None:
    given = manifest(
        newer={"a": [1]},
        authentication={"scheme": "custom", "fields": {"apiKey": setting(newer=1)}, "newer": 2},
        actions={"send": action(newer=3, perform="text", fields={"name": field(newer=4, carried=5)})},
        presets=[preset(newer=6, mapping={"name": {"@path": "$.event"}})],
    )
    assert without_nulls(again(given)) == without_nulls(given)


def test_a_key_that_is_null_counts_as_absent() -> None:
    given = manifest()
    assert again(without_nulls(given)) == again(given)


def test_a_choice_in_short_form_is_written_with_its_label() -> None:
    written = again(with_field(choices=["eu", "us"]))
    assert written["actions"]["send"]["fields"]["extra"]["choices"] == [
        {"label": "eu", "value": "eu"},
        {"label": "us", "value": "us"},
    ]


def test_a_preset_that_leaves_a_default_out_maps_nothing_there() -> None:
    definition = DestinationDefinition.from_manifest(manifest(presets=[preset(mapping={"name": {"@path": "$.event"}})]))
    assert definition.presets[0].mapping == {"units": None}


def test_settings_and_payloads_have_a_json_schema() -> None:
    definition = DestinationDefinition.from_manifest(manifest())
    assert definition.settings_schema()["required"] == ["apiKey"]
    assert definition.actions["send"].payload_schema()["required"] == ["name"]


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """Give the manifest with one value changed."""
    document = manifest()
    parent: Any = document
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = to
    return document


MALFORMED: list[tuple[Any, str]] = [
    ([], "a manifest is an object; got array"),
    ("text", "a manifest is an object; got string"),
    ({}, "name: is missing; slug: is missing; actions: is missing"),
    (changed("actions", to=[1]), "actions: should be an object; got array"),
    (changed("actions", "send", to=None), "actions.send: should be an object; got null"),
    (changed("actions", "send", "title", to=5), "actions.send.title: should be text; got number"),
    (changed("actions", "send", "fields", to="name"), "actions.send.fields: should be an object; got string"),
    (changed("actions", "send", "hidden", to="perhaps"), "actions.send.hidden: should be true or false; got string"),
    (
        changed("actions", "send", "fields", "name", "type", to="sting"),
        (
            "actions.send.fields.name.type: should be 'string', 'text', 'number', 'integer', 'datetime', 'boolean', "
            "'password', 'object' or 'text-map'"
        ),
    ),
    (
        changed("actions", "send", "fields", "name", "choices", to=[{"value": 1}]),
        "actions.send.fields.name.choices[0].label: is missing",
    ),
    (
        changed("actions", "send", "fields", "name", "depends_on", to={"conditions": [{"fieldKey": "x"}]}),
        "actions.send.fields.name.depends_on.conditions[0].operator: is missing",
    ),
    (
        changed("authentication", "fields", "apiKey", "label", to=["x"]),
        "authentication.fields.apiKey.label: should be text; got array",
    ),
    (
        changed("authentication", "scheme", to="magic"),
        "authentication.scheme: should be 'custom', 'basic', 'oauth2' or 'oauth-managed'",
    ),
    (changed("authentication", to="custom"), "authentication: should be an object; got string"),
    (changed("presets", to={}), "presets: should be a list; got object"),
    (changed("presets", 0, to=7), "presets[0]: should be an object; got number"),
    (changed("presets", 0, "mapping", to=[]), "presets[0].mapping: should be an object; got array"),
]


@pytest.mark.parametrize(("given", "message"), MALFORMED, ids=[message for _, message in MALFORMED])
def test_a_malformed_manifest_is_refused_with_the_place_and_what_was_expected(given: Any, message: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        DestinationDefinition.from_manifest(given)
    assert str(refusal.value) == message


def test_all_that_is_wrong_with_a_manifest_is_told_at_once() -> None:
    fields = {f"f{number}": {"label": number, "type": "string"} for number in range(80)}
    with pytest.raises(DefinitionError) as refusal:
        DestinationDefinition.from_manifest(manifest(actions={"send": action(fields=fields)}))
    assert len(refusal.value.problems) == 51
    assert str(refusal.value).endswith("actions.send.fields.f49.label: should be text; got number; and 30 more")


def test_a_manifest_that_is_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"properties": deep}
    endless = manifest()
    endless["actions"]["send"]["fields"]["name"]["default"] = endless
    for given in (manifest(actions=deep), endless):
        with pytest.raises(DefinitionError, match="nested deeper than 100 levels"):
            DestinationDefinition.from_manifest(given)


def test_a_definition_in_code_keeps_its_strictness_about_unknown_keys() -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        InputField.model_validate({"label": "Name", "type": "string", "requird": True})


def test_what_a_manifest_does_not_tell_stays_untold() -> None:
    """No default takes the place of what is absent."""
    given = manifest(actions={"send": {"title": "Send", "fields": {"name": {"label": "Name", "type": "string"}}}})
    given["presets"] = []
    assert without_nulls(again(given)) == without_nulls(given)
