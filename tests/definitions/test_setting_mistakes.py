"""Settings that hardly ever match an event are found, with the way to write them; nothing refuses events for them."""

from __future__ import annotations

import pytest

from kable_destination.definitions import Destination, explain
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


def mistakes(**settings: object) -> list[str]:
    destination = Destination(kable, {**SETTINGS, **settings})
    assert destination.plan([track()]).turned_down == () or "clientIdField" in settings
    return list(map(str, destination.setting_mistakes()))


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (" userId ", "userId"),
        ("context. groupId", "context.groupId"),
        ("userId\t", "userId"),
        ("{{userId}}", "userId"),
        ("$userId", "userId"),
        (" $.properties.tenant", "properties.tenant"),
        ("userId\u200b", "userId"),
        ("\ufeffcontext.groupId", "context.groupId"),
        ("${userId}", "userId"),
        ("%userId%", "userId"),
        ("<userId>", "userId"),
        ("userId;", "userId"),
        ("event.userId", "userId"),
        ("payload.properties.tenant", "properties.tenant"),
        ("userId.id", "userId"),
        ("properties[tenant]", "properties.tenant"),
        ("properties/tenant", "properties.tenant"),
        ("properties->tenant", "properties.tenant"),
        ("context::groupId", "context.groupId"),
        ("properties.tenants[].id", "properties.tenants[0].id"),
        ("properties.tenants[*].id", "properties.tenants[0].id"),
    ],
)
def test_a_path_that_no_event_has_is_found(path: str, meant: str) -> None:
    (mistake,) = mistakes(clientIdField=path)
    assert mistake.startswith("settings.clientIdField: ")
    assert mistake.endswith(f'write "{meant}"')


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("properties", "properties.userId"),
        ("$.context", "context."),
        ("$", ""),
        ("context.traits", "context.traits.userId"),
        (" $.context.device", "context.device."),
    ],
)
def test_a_path_of_an_object_is_found(path: str, example: str) -> None:
    (mistake,) = mistakes(clientIdField=path)
    assert f"is an object, so it is not Client ID; write the path of a field, such as {example}" in mistake


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("$.a", "a"),
        ("properties.a", "a"),
        ("$.properties.a.b", "a.b"),
        (" b ", "b"),
        ("a . b", "a.b"),
        ("{{a}}", "a"),
        ("a\u200b", "a"),
        ("Properties.a", "a"),
        ("property.a", "a"),
        ("event.properties.a.b", "a.b"),
    ],
)
def test_a_property_that_no_event_has_is_found(source: str, meant: str) -> None:
    (mistake,) = mistakes(propertiesMappings={source: "x"})
    assert mistake.startswith("settings.propertiesMappings.")
    assert mistake.endswith(f'write "{meant}"')


def test_a_property_within_a_list_has_to_be_mapped() -> None:
    (mistake,) = mistakes(propertiesMappings={"arr[0].q": "x"})
    assert 'map "x" = {"@path": "$.properties.arr[0].q"}' in mistake
    (mistake,) = mistakes(propertiesMappings={"properties.arr[0]": "x"})
    assert '"$.properties.arr[0]"' in mistake


@pytest.mark.parametrize("target", [" x", "x\u200b", "$.x"])
def test_a_new_name_with_what_is_hardly_meant_is_found(target: str) -> None:
    (mistake,) = mistakes(propertiesMappings={"a": target})
    assert 'write "x"' in mistake


@pytest.mark.parametrize("source", ["context.ip", "traits.plan"])
def test_what_is_no_property_has_to_be_mapped(source: str) -> None:
    (mistake,) = mistakes(propertiesMappings={source: "x"})
    assert f'map "x" = {{"@path": "$.{source}"}}' in mistake


@pytest.mark.parametrize(
    "settings",
    [
        {"clientIdField": "$.userId"},
        {"clientIdField": "properties.tenants[0].id"},
        {"clientIdField": "traits.company name"},
        {"clientIdField": ".userId"},
        {"clientIdField": "properties..tenant"},
        {"clientIdField": "'userId'"},
        {"clientIdField": "tenant"},
        {"clientIdField": "properties.$id"},
        {"propertiesMappings": {"$revenue": "x", "@id": "y", "#n": "z", "userId": "u", "a,b": "c"}},
        {"propertiesMappings": {"a": "x", "b.c": "y", "first name": "first"}},
        {"propertiesMappings": {"properties": "x", "a$.b": "y"}},
    ],
)
def test_what_events_have_is_no_mistake(settings: dict[str, object]) -> None:
    assert mistakes(**settings) == []


def test_a_setting_that_was_written_so_on_purpose_still_works() -> None:
    destination = Destination(kable, {**SETTINGS, "propertiesMappings": {"$.a": "x"}})
    (planned,) = destination.plan([track(properties={"$.a": 1})]).requests
    assert planned.batch.payloads[0]["data"] == {"x": 1}


def test_an_explanation_names_the_setting_that_renames() -> None:
    destination = Destination(kable, {**SETTINGS, "propertiesMappings": {"units": "x"}})
    fields = explain(destination, track()).subscriptions[0].fields
    assert [field.renamed_by for field in fields] == [None, None, None, "propertiesMappings"]
