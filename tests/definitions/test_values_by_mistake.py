"""What a user maps is warned of if many events would share what should differ, or if it is sent as it is written."""

from __future__ import annotations

from typing import Any

import pytest

from kable_destination.definitions import Destination, SetupError, Subscription
from kable_destination.destination import kable

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


def ready(mapping: dict[str, Any], **settings: Any) -> Destination:
    subscription = Subscription(partner_action="track", subscribe='type = "track"', mapping=mapping)
    return Destination(kable, {**SETTINGS, **settings}, [subscription])


def warnings(mapping: dict[str, Any], **settings: Any) -> list[str]:
    return [str(mistake) for mistake in ready(mapping, **settings).probable_mistakes()]


@pytest.mark.parametrize(
    "value",
    [
        {"@path": "$.type"},
        {"@path": "$.event"},
        {"@path": "$.userId"},
        {"@path": "$.timestamp"},
        {"@path": "$.context.ip"},
        {"@template": "{{type}}-{{userId}}"},
        {"@liquid": "{{ event | upcase }}"},
        {"@if": {"exists": {"@path": "$.userId"}, "then": {"@path": "$.userId"}}},
        {"@json": {"mode": "encode", "value": [{"@path": "$.userId"}, {"@path": "$.event"}]}},
    ],
)
def test_an_id_that_many_events_share_is_warned_of(value: Any) -> None:
    """All but the first would be discarded as duplicates, and `check` said that it is valid."""
    (warning,) = warnings({"transactionId": value})
    assert warning.startswith("track, transactionId: reads $.")
    assert "all but the first would be discarded as duplicates; map $.messageId" in warning


@pytest.mark.parametrize(
    "value",
    [
        {"@path": "$.messageId"},
        {"@path": "$.properties.orderId"},
        {"@path": "$.context.requestId"},
        {"@template": "{{userId}}-{{timestamp}}"},
        {"@template": "{{messageId}}-{{type}}"},
        {"@liquid": "{{ properties.id | default: messageId }}"},
    ],
)
def test_an_id_that_may_differ_is_no_mistake(value: Any) -> None:
    assert warnings({"transactionId": value}) == []


@pytest.mark.parametrize("path", ["$.type", "$.event", "$.messageId", "$.timestamp", "$.channel"])
def test_a_customer_that_is_nobody_is_warned_of(path: str) -> None:
    assert f"reads {path}, which names no customer" in warnings({"clientId": {"@path": path}})[0]
    assert f"reads {path}, which names no customer" in warnings({}, clientIdField=path.removeprefix("$."))[0]


@pytest.mark.parametrize("path", ["$.userId", "$.anonymousId", "$.context.groupId", "$.properties.type", "$.email"])
def test_a_customer_that_may_be_one_is_no_mistake(path: str) -> None:
    assert warnings({"clientId": {"@path": path}}) == []


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00Z", {"@literal": "2026-01-01"}, 1_767_225_600])
def test_a_time_that_is_the_same_for_every_event_is_warned_of(value: Any) -> None:
    (warning,) = warnings({"timestamp": value})
    assert "timestamp: is the same for every event" in warning


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("{{properties.x}}", "data.x"),
        ("a {{ properties.x }} b", "data.x"),
        (["{{{properties.x}}}", 1], "data.x[0]"),
        ({"@case": {"operator": "upper", "value": "{{event}}"}}, "data.x.@case.value"),
    ],
)
def test_a_template_without_its_directive_is_warned_of(value: Any, place: str) -> None:
    (warning,) = warnings({"data": {"x": value}})
    assert warning.startswith(f"track, {place}: ")
    assert 'is sent as it is; write {"@template": ' in warning


@pytest.mark.parametrize(
    "value",
    [{"@template": "{{properties.x}}"}, {"@liquid": "{{ properties.x }}"}, {"@literal": "{{x}}"}, "{x}", "{{}}"],
)
def test_what_is_filled_or_meant_is_no_mistake(value: Any) -> None:
    assert warnings({"data": {"x": value}}) == []


@pytest.mark.parametrize(
    "value",
    [
        {"@json": {"mode": "encode", "value": {"a": 1}}},
        {"@json": {"mode": "encode", "value": ["acme", "b"]}},
        {"@json": {"mode": "encode", "value": {"a": {"@literal": 1}}}},
        {"@literal": "$.messageId"},
    ],
)
def test_more_constants_are_refused_for_an_id(value: Any) -> None:
    with pytest.raises(SetupError, match="discarded as duplicates"):
        ready({"transactionId": value})


@pytest.mark.parametrize("value", [" ", "null", "undefined", "[object Object]", True, 1.5, "\u200b"])
def test_a_customer_that_would_make_every_event_a_dead_letter_is_refused(value: Any) -> None:
    with pytest.raises(SetupError, match=r"clientId\.@literal: the value "):
        ready({"clientId": {"@literal": value}})


@pytest.mark.parametrize(
    ("value", "place", "message"),
    [
        (
            {"@if": {"exists": {"@path": "$.event"}, "then": 1, "esle": 2}},
            "data.x.@if.esle",
            '@if has no option "esle", so this has no effect; did you mean "else"?',
        ),
        (
            {"@literal": [{"@case": {"operator": "upper", "value": "a", "x": 1}}]},
            "data.x.@literal[0].@case.x",
            '@case has no option "x", so this has no effect; its options are operator, value',
        ),
        (
            {"@arrayPath": ["$.properties.items", {"y": {"@json": {"mode": "encode", "value": 1, "Mode": "decode"}}}]},
            "data.x.@arrayPath[1].y.@json.Mode",
            '@json has no option "Mode", so this has no effect; did you mean "mode"?',
        ),
    ],
)
def test_an_option_that_a_directive_does_not_have_is_warned_of(value: Any, place: str, message: str) -> None:
    """Segment ignores it, so it is no error."""
    assert warnings({"data": {"x": value}}) == [f"track, {place}: {message}"]


@pytest.mark.parametrize(
    "value",
    [
        {"@if": {"exists": {"@path": "$.event"}, "blank": 1, "then": 1, "else": 2, "_metadata": {}}},
        {"@flatten": {"value": {"@path": "$.properties"}, "separator": "_", "omitArrays": True}},
        {"@replace": {"pattern": "a", "pattern2": "b", "replacement2": "", "ignorecase": True, "value": "a"}},
        {"@merge": {"objects": [{"a": 1}], "direction": "left"}},
        {"if": {"exists": 1, "esle": 1}},
    ],
)
def test_options_that_a_directive_has_and_keys_of_data_are_no_mistake(value: Any) -> None:
    assert warnings({"data": {"x": value}}) == []


@pytest.mark.parametrize(
    ("value", "place", "rewrite"),
    [
        ({"@template": "{{$.userId}}"}, "data.x.@template", "{{userId}}"),
        ({"@template": "a {{ $.properties.plan }} {{event}}"}, "data.x.@template", "a {{properties.plan}} {{event}}"),
        (
            {"@arrayPath": ["$.properties.items", {"y": {"@template": "{{$.sku}}"}}]},
            "data.x.@arrayPath[1].y.@template",
            "{{sku}}",
        ),
        (
            {"@transform": {"apply": {"a": {"@path": "$.event"}}, "mapping": {"b": {"@template": "{{{$.a}}}"}}}},
            "data.x.@transform.mapping.b.@template",
            "{{a}}",
        ),
    ],
)
def test_a_template_that_begins_at_the_dollar_is_warned_of_with_the_rewrite(
    value: Any, place: str, rewrite: str
) -> None:
    (warning,) = warnings({"data": {"x": value}})
    assert warning.startswith(f"track, {place}: ")
    assert warning.endswith(f'is empty at each $, which only @path understands; write "{rewrite}"')
