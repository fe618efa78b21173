"""A destination that a manifest describes can be previewed and checked; what nobody here can do is refused aloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import (
    ActionDefinition,
    Authentication,
    Destination,
    DestinationDefinition,
    InputField,
    Preset,
    RequestOptions,
    SetupError,
    Subscription,
)
from kable_destination.definitions.documentation import FORMATS, render
from kable_destination.definitions.lint import lint
from kable_destination.definitions.planning.explanation import explain
from kable_destination.destination import kable
from manifests import action, manifest, preset, setting, without_nulls

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

EVENT = {"type": "track", "event": "Called", "properties": {"units": "7"}}
NO_CODE = (
    "the destination was read from a manifest, which holds no code: it can be previewed and checked, not delivered"
)
SYNC_MODE = {"label": "How", "default": "add", "choices": [{"label": "Add", "value": "add"}]}


def destination(given: dict[str, Any], *subscriptions: Subscription) -> Destination:
    """Set up the destination of a manifest."""
    return Destination(DestinationDefinition.from_manifest(given), {"apiKey": "secret-key"}, subscriptions or None)


def in_code(
    *, authentication: Authentication | None = None, presets: tuple[Preset, ...] = (), **more: Any
) -> DestinationDefinition:
    """Define a destination that has code."""
    send = ActionDefinition(
        title="Send",
        description="Sends an event.",
        fields={"name": InputField(label="Name", type="string", default={"@path": "$.event"})},
        perform=lambda request, data: request("POST", "/events", json=data.payload),
        **more,
    )
    return DestinationDefinition(
        name="Meter",
        slug="meter",
        authentication=authentication or Authentication(),
        extend_request=lambda _: RequestOptions("https://meter.example"),
        actions={"send": send},
        presets=presets,
    )


ALL_USAGE = Subscription(partner_action="send", subscribe='type = "track"', name="All usage")


def test_a_preset_of_a_manifest_whose_action_is_not_there_never_applies() -> None:
    """Segment's manifests hold such presets, for actions that only the part in the browser has."""
    plugin = preset(name="Browser plugin", partnerAction="plugin", mapping={"id": "x"})
    given = manifest(presets=[plugin, preset()])
    ready = destination(given)
    assert [explained.name for explained in explain(ready, EVENT).subscriptions] == ["All usage"]
    assert ("KD307", "presets[0].partnerAction") in [(found.code, found.place) for found in lint(ready.definition)]
    assert without_nulls(ready.definition.to_manifest()) == without_nulls(given)
    for page_format in FORMATS:
        assert "Never: there is no such action" in render(ready.definition, page_format)


def test_a_preset_in_code_names_an_action_that_is_there() -> None:
    with pytest.raises(ValueError, match='the preset "All" names the unknown action "sned"'):
        in_code(presets=(Preset(name="All", partner_action="sned", subscribe='type = "track"'),))


def test_an_event_for_an_action_without_code_is_rejected_with_the_reason() -> None:
    plan = destination(manifest()).plan([EVENT])
    assert [str(problem) for problem in plan.outcomes[0].problems] == [NO_CODE]
    assert (plan.outcomes[0].status, plan.requests) == ("rejected", ())


def test_a_fault_of_the_event_is_told_before_the_lack_of_code() -> None:
    plan = destination(manifest()).plan([{"type": "track", "properties": {"units": "many"}}])
    assert {problem.place for problem in plan.outcomes[0].problems} == {"name", "units"}


def test_an_explanation_shows_the_fields_of_an_action_without_code() -> None:
    (explained,) = explain(destination(manifest()), EVENT).subscriptions
    assert [(field.key, field.mapped, field.sent) for field in explained.fields] == [
        ("name", "Called", "Called"),
        ("units", "7", 7),
    ]
    assert [problem.message for problem in explained.problems] == [NO_CODE]


def test_kables_manifest_maps_as_kable_does() -> None:
    settings = {
        "apiKey": "sk_test.abcdefgh",
        "kableClientId": "kci_1",
        "clientIdField": "context.groupId",
        "propertiesMappings": {"units": "amount"},
    }
    event = {**EVENT, "userId": "u", "messageId": "m", "timestamp": "2026-03-04T05:06:07Z", "context": {"groupId": "g"}}
    read = Destination(DestinationDefinition.from_manifest(kable.to_manifest()), settings)
    sent, own = (
        {field.key: field.sent for field in _track(ready, event)} for ready in (read, Destination(kable, settings))
    )
    assert sent == own


def _track(ready: Destination, event: dict[str, Any]) -> Any:
    return explain(ready, event).subscriptions[0].fields


@pytest.mark.parametrize("scheme", ["oauth2", "oauth-managed"])
def test_a_request_that_needs_tokens_is_refused_by_name(scheme: Any) -> None:
    ready = Destination(in_code(authentication=Authentication(scheme=scheme)), {}, [ALL_USAGE])
    expected = f'authentication: the scheme "{scheme}" needs tokens, which this runtime does not obtain'
    assert str(ready.plan([EVENT]).outcomes[0].error) == expected
    with pytest.raises(SetupError, match="needs tokens"):
        ready.authentication_request()


def test_credentials_of_a_destination_without_code_cannot_be_tested() -> None:
    with pytest.raises(SetupError, match="holds no code"):
        destination(manifest()).authentication_request()


LACKING = [
    ({"sync_mode": SYNC_MODE}, 'the action "send" asks for a sync mode, and this runtime has none'),
    (
        {"hooks": {"onMappingSave": {}}},
        'the action "send" has hooks (onMappingSave), which this runtime does not run',
    ),
    ({"platform": "web"}, 'the action "send" is for the platform "web"; this runtime has "cloud" only'),
]


@pytest.mark.parametrize(("more", "message"), LACKING)
def test_code_that_relies_on_what_this_runtime_lacks_is_refused_at_set_up(more: dict[str, Any], message: str) -> None:
    with pytest.raises(SetupError) as refusal:
        Destination(in_code(**more), {}, [ALL_USAGE])
    assert str(refusal.value) == f"subscriptions[0].partnerAction: {message}"


def test_code_that_relies_on_audiences_or_on_another_mode_is_refused_at_set_up() -> None:
    definition = in_code().model_copy(update={"audience_config": {"mode": {"type": "realtime"}}, "mode": "device"})
    with pytest.raises(SetupError) as refusal:
        Destination(definition, {}, [ALL_USAGE])
    assert [problem.message for problem in refusal.value.problems] == [
        'Meter works in the mode "device"; this runtime has "cloud" only',
        "Meter keeps audiences, which this runtime does not create",
    ]


def test_a_manifest_that_asks_for_what_this_runtime_lacks_can_be_previewed_and_says_so() -> None:
    given = manifest(
        authentication={"scheme": "oauth2", "fields": {"apiKey": setting()}},
        audienceConfig={"mode": {"type": "realtime"}},
        actions={"send": action(syncMode=SYNC_MODE, hooks={"onMappingSave": {}})},
        presets=[preset(mapping={"name": {"@path": "$.event"}, "__segment_internal_sync_mode": "add"})],
    )
    (explained,) = explain(destination(given), EVENT).subscriptions
    assert [field.sent for field in explained.fields if field.key == "name"] == ["Called"]
    assert [problem.place for problem in explained.problems] == [
        "", "authentication", "syncMode", "hooks", "audienceConfig",
    ]  # fmt: skip


def test_what_a_manifests_preset_leaves_out_is_not_sent() -> None:
    ready = destination(manifest(presets=[preset(mapping={"name": {"@path": "$.event"}})]))
    assert ready.compiled_subscriptions[0].payload(EVENT) == {"name": "Called"}


def test_settings_that_contradict_themselves_are_told_at_set_up() -> None:
    given = manifest(
        authentication={"scheme": "custom", "fields": {"apiKey": setting(), "on": setting(type="boolean")}}
    )
    given["authentication"]["fields"]["on"]["default"] = "perhaps"
    with pytest.raises(SetupError, match=r"settings\.on: the default is the text"):
        destination(given)


def test_a_definition_has_code_for_all_its_actions_or_for_none() -> None:
    silent = ActionDefinition(title="Send", description="Sends.", fields={})
    with pytest.raises(ValueError, match='the action "send" has no perform'):
        DestinationDefinition(
            name="Meter",
            slug="meter",
            extend_request=lambda _: RequestOptions("https://meter.example"),
            actions={"send": silent},
        )
    with pytest.raises(ValueError, match="extend_request is needed"):
        DestinationDefinition(name="Meter", slug="meter", actions=in_code().actions)


@pytest.fixture
def meter(tmp_path: Path) -> Path:
    """The manifest, in a file of the folder in which the command line runs."""
    path = tmp_path / "meter.json"
    path.write_text(json.dumps(manifest()), encoding="utf-8")
    return path


def test_the_command_line_previews_a_manifest_with_settings_from_its_own_variables(
    command_line: CommandLine, meter: Path
) -> None:
    run = command_line(
        "preview", "-", "--destination", meter.name, stdin=json.dumps(EVENT).encode(), METER_API_KEY="secret-key"
    )
    assert run.code == 0
    assert '"Called"' in run.out
    assert f"rejected  {NO_CODE}" in run.out


def test_the_command_line_checks_a_manifest(command_line: CommandLine, meter: Path) -> None:
    checked = command_line("check", "--destination", str(meter), METER_API_KEY="secret-key")
    assert (checked.code, checked.out) == (0, "Meter: settings are valid; subscriptions: All usage\n")
    live = command_line("check", "--credentials", "--destination", str(meter), METER_API_KEY="secret-key")
    assert live.code == 2
    assert NO_CODE in live.err
    without = command_line("check", "--destination", str(meter))
    assert without.code == 2
    assert "settings.apiKey" in without.err


UNREADABLE = [
    (b"{", "meter.json: is not JSON: "),
    (b"[]", "meter.json: a manifest is an object; got array"),
    (b'{"name": "M", "slug": "m", "actions": {"a": {"title": 1}}}', "meter.json: actions.a.title: should be text"),
    (b" " * (16 * 1024 * 1024 + 1), "meter.json: is larger than 16 MiB, so it is hardly a manifest"),
    (b"[" * 100_000, "meter.json: is not JSON: "),
]


@pytest.mark.parametrize(("content", "message"), UNREADABLE, ids=[message for _, message in UNREADABLE])
def test_an_unreadable_manifest_is_refused_with_its_path(
    command_line: CommandLine, content: bytes, message: str
) -> None:
    (command_line.folder / "meter.json").write_bytes(content)
    run = command_line("check", "--destination", "meter.json")
    assert run.code == 2
    assert run.err.startswith(f"error: {message}")
    assert "Traceback" not in run.err


def test_a_manifest_that_is_not_there_is_refused_with_its_path(command_line: CommandLine) -> None:
    run = command_line("check", "--destination", "meter.json")
    assert (run.code, run.err) == (2, "error: meter.json: cannot be read: No such file or directory\n")
