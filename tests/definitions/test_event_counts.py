"""A user's own events are counted as they would be delivered: matches, filled fields, paths that never occur."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kable_destination.definitions import Destination, EventCounter, Subscription, SubscriptionCount
from kable_destination.destination import kable
from segment_events import track

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


def counted(*events: Any, mapping: dict[str, Any] | None = None, **settings: Any) -> SubscriptionCount:
    subscription = Subscription(partner_action="track", subscribe='type = "track"', mapping=mapping or {})
    counter = EventCounter(Destination(kable, {**SETTINGS, **settings}, [subscription]))
    for event in events:
        counter.add(event)
    (count,) = counter.subscriptions
    return count


def filled(count: SubscriptionCount) -> dict[str, int]:
    return {field.key: field.filled for field in count.fields}


def test_matches_and_filled_fields_are_counted() -> None:
    count = counted(track(0), track(1, userId=None), track(2, properties={}), {"type": "page", "messageId": "p"})
    assert (count.matched, count.rejected) == (3, 1)
    assert filled(count) == {"clientId": 2, "timestamp": 3, "transactionId": 3, "data": 3}
    assert count.missing_paths == ()
    assert count.unfilled_required == ()


@pytest.mark.parametrize(
    ("mapping", "path"),
    [
        ({"data": {"@path": "$.propertes"}}, "$.propertes"),
        ({"data": {"u": {"@path": "$.properties.unit"}}}, "$.properties.unit"),
        ({"data": {"u": {"@template": "{{properties.unit}}"}}}, "$.properties.unit"),
        ({"data": {"u": {"@if": {"exists": {"@path": "$.traits.a"}, "then": 1}}}}, "$.traits.a"),
        ({"data": {"u": {"@liquid": "{{ properties.unit }}"}}}, "$.properties.unit"),
    ],
)
def test_a_mapped_path_that_never_occurs_is_named(mapping: dict[str, Any], path: str) -> None:
    count = counted(track(0), track(1), mapping=mapping)
    assert count.missing_paths == (path,)


def test_a_renamed_property_that_never_occurs_is_named() -> None:
    count = counted(
        track(0, properties={"a.b": 1, "c": {"d": 1}}), propertiesMappings={"a.b": "x", "c.d": "y", "e": "z"}
    )
    assert count.missing_paths == ("$.properties.e",)


def test_events_with_the_id_of_an_earlier_one_are_counted() -> None:
    same = {"transactionId": {"@path": "$.properties.order"}}
    events = [track(number, properties={"order": number // 3}) for number in range(9)]
    assert counted(*events, mapping=same).repeated == 6
    assert counted(*events).repeated == 0
    assert counted(*[{**track(1), "userId": None}] * 3).repeated == 0, "they would be dead letters"


def test_flags_without_effect_are_counted() -> None:
    counter = EventCounter(Destination(kable, SETTINGS))
    for flags in ({"kable": False}, {"KABLE": True}, {"Kable": True, "kable": False}, {"kable": False}, {}, None):
        counter.add(track(integrations=flags))
    assert counter.misspelt_flags == {"kable": 2, "KABLE": 1}


def test_a_required_field_that_is_never_valid_counts_as_never_filled() -> None:
    count = counted(track(userId="null"), track(userId=None), track(userId={}))
    assert [field.key for field in count.unfilled_required] == ["clientId"]
    assert sum(count.problems.values()) == 3


def test_nothing_that_matches_leaves_nothing_to_say_of_fields() -> None:
    count = counted({"type": "page"})
    assert (count.matched, count.missing_paths, count.unfilled_required) == (0, (), ())


def test_events_that_no_subscription_gets_are_counted_too() -> None:
    counter = EventCounter(Destination(kable, SETTINGS))
    for event in (
        track(type="Track"),
        track(integrations={"all": False}),
        track(integrations=7),
        track(type="purchase"),
    ):
        counter.add(event)
    counter.add_text(b"{")
    counter.add_text(json.dumps(track()).encode())
    assert (counter.events, counter.unreadable, counter.skipped, counter.rejected, counter.matched) == (5, 1, 1, 2, 1)
    assert counter.types == {"track": 3, "Track": 1, "purchase": 1}
    with pytest.raises(TypeError, match="an event is an object"):
        counter.add([])  # type: ignore[arg-type]  # that is the test
