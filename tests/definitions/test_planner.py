"""The planner fills batches by events and by bytes, keeps one event's fault from the others, and runs exchanges."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kable_destination.definitions import (
    ORDER_SHARDS,
    ActionDefinition,
    BatchData,
    BatchLimits,
    Destination,
    DestinationDefinition,
    EventData,
    InputField,
    PlannedRequest,
    Preset,
    RefusedError,
    RejectedError,
    RequestBuilder,
    RequestOptions,
)
from kable_destination.definitions.json_body import encode_json
from kable_destination.definitions.planning.batch_group import order_shard
from kable_destination.destination import kable
from segment_events import track

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}


def units(data: dict[str, Any]) -> Any:
    """Give the value by which the tests know an event."""
    return data["data"]["units"]


def destination(**action: Any) -> Destination:
    """Make a destination with one action that sends the property `units`."""
    defaults: dict[str, Any] = {
        "title": "Send",
        "description": "Sends an event.",
        "fields": {"units": InputField(label="Units", type="number", default={"@path": "$.properties.units"})},
        "perform": lambda request, data: request("POST", "/one", json=data.payload),
    }
    definition = DestinationDefinition(
        name="Test",
        slug="test",
        extend_request=lambda _: RequestOptions("https://api.example.com/base"),
        actions={"send": ActionDefinition(**{**defaults, **action})},
        presets=(Preset(name="All", partner_action="send", subscribe='type = "track"'),),
    )
    return Destination(definition, {})


def batching(
    perform_batch: Callable[[RequestBuilder, BatchData], httpx.Request], events: int, size: int, **more: Any
) -> Destination:
    """Make a destination that batches."""
    return destination(perform_batch=perform_batch, batch=BatchLimits(events=events, bytes=size), **more)


def envelope(request: RequestBuilder, data: BatchData) -> httpx.Request:
    """Send the payloads inside an object, which makes the body larger than the list of them."""
    return request("POST", "/many", json={"padding": "x" * 50, "items": data.payloads})


def test_batches_fill_across_feeds_and_indexes_go_on() -> None:
    planner = Destination(kable, SETTINGS).planner()
    first = planner.feed(track(number) for number in range(300))
    second = planner.feed(track(number) for number in range(300, 700))
    last = planner.flush()
    assert [len(plan.requests) for plan in (first, second, last)] == [0, 1, 1]
    assert second.requests[0].indexes == tuple(range(500))
    assert last.requests[0].indexes == tuple(range(500, 700))
    assert len(first.outcomes + second.outcomes + last.outcomes) == 700


def test_a_batch_keeps_to_its_bytes_and_uses_them() -> None:
    events = [track(number, properties={"units": number, "blob": "x" * 99_000}) for number in range(25)]
    plan = Destination(kable, SETTINGS).plan(events)
    sizes = [len(planned.request.content) for planned in plan.requests]
    assert max(sizes) <= 1_000_000
    assert len(plan.requests) == 3
    sent = [units(event) for planned in plan.requests for event in json.loads(planned.request.content)]
    assert sent == list(range(25))


@pytest.mark.parametrize(("extra", "status"), [(0, "planned"), (1, "rejected")])
def test_an_event_may_be_as_large_as_a_request_and_no_larger(extra: int, status: str) -> None:
    (planned,) = Destination(kable, SETTINGS).plan([track(properties={"blob": ""})]).requests
    room = 1_000_000 - len(planned.request.content)
    plan = Destination(kable, SETTINGS).plan([track(1), track(properties={"blob": "x" * (room + extra)}), track(2)])
    assert [outcome.status for outcome in plan.outcomes] == ["planned", status, "planned"]
    assert all(len(planned.request.content) <= 1_000_000 for planned in plan.requests)


def test_a_body_that_an_envelope_makes_too_large_is_split() -> None:
    plan = batching(envelope, 100, 140).plan(track(number) for number in range(8))
    assert {outcome.status for outcome in plan.outcomes} == {"planned"}
    assert all(len(planned.request.content) <= 140 for planned in plan.requests)
    assert [index for planned in plan.requests for index in planned.indexes] == list(range(8))


def test_events_share_a_batch_only_where_its_keys_are_equal() -> None:
    plan = batching(envelope, 100, 10_000, batch_keys=("units",)).plan(
        track(number, properties={"units": number % 2}) for number in range(6)
    )
    assert [planned.indexes for planned in plan.requests] == [(0, 2, 4), (1, 3, 5)]


def ordered(events: int = 100, size: int = 10_000, **more: Any) -> Destination:
    """Make a destination whose events arrive in order for each region."""
    fields = {
        "units": InputField(label="Units", type="number", default={"@path": "$.properties.units"}),
        "region": InputField(label="Region", type="string", default={"@path": "$.properties.region"}),
    }
    return batching(envelope, events, size, fields=fields, order_field="region", **more)


def of_regions(*regions: str | None) -> list[dict[str, Any]]:
    """Make events of some regions, of which None is no region."""
    values = [{} if region is None else {"region": region} for region in regions]
    return [track(number, properties={"units": number, **value}) for number, value in enumerate(values)]


def test_events_with_one_order_key_share_a_batch_in_order() -> None:
    (planned,) = ordered().plan(of_regions("eu", "eu", "eu")).requests
    assert planned.indexes == (0, 1, 2)
    assert planned.batch.shard == zlib.crc32(b"eu") % ORDER_SHARDS
    assert planned.batch.part([0, 2]).shard == planned.batch.shard


def test_each_order_key_has_one_shard_and_each_batch_too() -> None:
    regions = [f"region {number % 40}" for number in range(400)]
    shards: dict[str, set[int | None]] = {}
    plan = ordered().plan(of_regions(*regions))
    for planned in plan.requests:
        for index in planned.indexes:
            shards.setdefault(regions[index], set()).add(planned.batch.shard)
    assert sorted(shards) == sorted(set(regions))
    assert all(len(found) == 1 for found in shards.values())
    assert len(set.union(*shards.values())) > ORDER_SHARDS / 2
    by_shard: dict[int | None, list[int]] = {}
    for planned in plan.requests:
        by_shard.setdefault(planned.batch.shard, []).extend(planned.indexes)
    assert all(indexes == sorted(indexes) for indexes in by_shard.values())


@pytest.mark.parametrize("region", [12.5, True, "\ud800", ""])
def test_an_order_key_of_any_kind_has_a_shard(region: Any) -> None:
    payload = {"region": region}
    assert order_shard(payload, "region") in range(ORDER_SHARDS)
    assert order_shard(payload, "region") == order_shard({**payload, "more": 1}, "region")


def test_events_without_an_order_key_have_no_shard() -> None:
    plan = ordered().plan(of_regions(None, "eu", None))
    assert [(planned.indexes, planned.batch.shard is None) for planned in plan.requests] == [
        ((0, 2), True),
        ((1,), False),
    ]
    (unordered,) = batching(envelope, 100, 10_000).plan(of_regions("eu", "us")).requests
    assert unordered.batch.shard is None


@pytest.mark.parametrize("more", [{}, {"batch_keys": ("units",)}, {"events": 3, "size": 170}])
def test_texts_and_objects_make_the_same_batches(more: dict[str, Any]) -> None:
    regions = [None if number % 9 == 0 else f"region {number % 11}" for number in range(300)]
    events = of_regions(*regions)
    for number, event in enumerate(events):
        event["properties"]["units"] = number % 3
    planners = [ordered(**more).planner() for _ in range(3)]
    texts = [json.dumps(event).encode() for event in events]
    plans = [
        (planners[0].feed(events), planners[0].flush()),
        (planners[1].feed_texts(texts), planners[1].flush()),
        (planners[2].feed_texts(texts[:130]), planners[2].feed_texts(texts[130:]), planners[2].flush()),
    ]
    made = [
        [(sent.indexes, sent.batch.shard, sent.request.content) for plan in some for sent in plan.requests]
        for some in plans
    ]
    assert made[0] == made[1] == made[2]
    assert sorted(index for indexes, _, _ in made[0] for index in indexes) == list(range(300))


@pytest.mark.parametrize("fault", ["prepare", "perform"])
def test_a_fault_in_an_actions_code_rejects_that_event_alone(fault: str) -> None:
    def fail_at_two(data: EventData) -> dict[str, Any]:
        if data.payload["units"] == 2:
            raise KeyError("of what")
        return data.payload

    def perform(request: RequestBuilder, data: EventData) -> httpx.Request:
        return request("POST", "/one", json=fail_at_two(data))

    made = destination(prepare=fail_at_two) if fault == "prepare" else destination(perform=perform)
    plan = made.plan(track(number) for number in range(4))
    assert [outcome.status for outcome in plan.outcomes] == ["planned", "planned", "rejected", "planned"]
    assert "KeyError: 'of what' (file " in str(plan.outcomes[2].error)


def test_what_json_cannot_carry_is_rejected_with_its_place() -> None:
    values = [float("nan"), float("inf"), "\ud800", object(), {1: 2}]
    plan = Destination(kable, SETTINGS).plan(track(n, properties={"deep": [{"v": v}]}) for n, v in enumerate(values))
    assert {outcome.status for outcome in plan.outcomes} == {"rejected"}
    assert plan.outcomes[0].problems[0].place == "data.deep[0].v"


def test_an_integer_of_any_size_is_sent_as_it_is() -> None:
    plan = Destination(kable, SETTINGS).plan([track(properties={"n": 2**64}), track(properties={"n": [-(10**30)]})])
    (planned,) = plan.requests
    assert [event["data"]["n"] for event in json.loads(planned.request.content)] == [2**64, [-(10**30)]]


@pytest.mark.parametrize("event", [None, [], "track", 5, [("type", "track")]])
def test_what_is_no_event_is_rejected(event: object) -> None:
    plan = Destination(kable, SETTINGS).plan([event, track()])
    assert [outcome.status for outcome in plan.outcomes] == ["rejected", "planned"]


def test_planning_changes_no_event() -> None:
    event = track(properties={"a": {"b": 1}, "segmentX": 2}, timestamp=1772600767)
    before = json.dumps(event)
    Destination(kable, {**SETTINGS, "propertiesMappings": {"a.b": "x", "segmentX": "y"}}).plan([event])
    assert json.dumps(event) == before


@pytest.mark.parametrize("path", ["https://evil.example/", "relative", ""])
def test_a_path_cannot_name_a_host(path: str) -> None:
    plan = destination(perform=lambda request, data: request("POST", path, json=data.payload)).plan([track()])
    assert plan.outcomes[0].status == "rejected"
    for sly in ("//evil.example/x", "/@evil.example", "/../x"):
        made = destination(perform=lambda request, data, sly=sly: request("POST", sly, json=data.payload))
        (planned,) = made.plan([track()]).requests
        assert planned.request.url.host == "api.example.com"


def test_an_exchange_of_two_requests_is_read_step_by_step() -> None:
    def look_up_then_send(request: RequestBuilder, data: EventData) -> Generator[httpx.Request, httpx.Response, None]:
        found = yield request("GET", "/customers")
        yield request("POST", "/usage", json={"customer": found.json()["id"], **data.payload})

    made = destination(perform=look_up_then_send)
    (first,) = made.plan([track(7)]).requests
    assert (first.request.method, first.request.url.path) == ("GET", "/base/customers")
    unavailable = made.read(first, httpx.Response(503))
    assert isinstance(unavailable, list)
    assert not unavailable[0].delivered, "and the exchange waits where it was"
    second = made.read(first, httpx.Response(200, json={"id": "c9"}))
    assert isinstance(second, PlannedRequest)
    assert json.loads(second.request.content) == {"customer": "c9", "units": 7}
    (result,) = made.read(second, httpx.Response(200))  # type: ignore[misc] # the last answer gives results
    assert (result.index, result.delivered) == (0, True)


def test_an_exchange_that_is_refused_ends_with_that() -> None:
    def two(request: RequestBuilder, data: EventData) -> Generator[httpx.Request, httpx.Response, None]:
        yield request("GET", "/customers")
        yield request("POST", "/usage", json=data.payload)

    made = destination(perform=two)
    (first,) = made.plan([track()]).requests
    results = made.read(first, httpx.Response(400))
    assert isinstance(results, list)
    assert isinstance(results[0].error, RefusedError)


def test_a_rejection_names_what_to_do() -> None:
    (outcome,) = Destination(kable, SETTINGS).plan([track(userId=True)]).outcomes
    assert isinstance(outcome.error, RejectedError)
    assert (outcome.action, outcome.subscription) == ("track", "Record usage")
    assert "clientId" in str(outcome.error)


def spoilt(make: Callable[[RequestBuilder, EventData], Any]) -> Callable[[RequestBuilder, EventData], Any]:
    """Give a perform that fails on the event with 13 units and works on the others."""

    def perform(request: RequestBuilder, data: EventData) -> Any:
        if data.payload["units"] == 13:
            return make(request, data)
        return request("POST", "/one", json=data.payload)

    return perform


@pytest.mark.parametrize(
    "make",
    [
        lambda *_: None,
        lambda *_: [],
        lambda *_: httpx.Request("POST", "https://api.example.com", content=failing_body()),
        lambda *_: 1 / 0,
        lambda *_: (_ for _ in ()),
        lambda *_: (item for item in [None]),
    ],
    ids=["nothing", "a list", "a body that fails", "an error", "an exchange of nothing", "an exchange without request"],
)
def test_a_fault_of_an_actions_code_rejects_that_event_alone(make: Any) -> None:
    """The events beside it are planned, and the rejection says whose fault it is."""
    events = [track(properties={"units": number}) for number in (1, 13, 2)]
    plan = destination(perform=spoilt(make)).plan(events)
    assert [outcome.status for outcome in plan.outcomes] == ["planned", "rejected", "planned"]
    assert "fault of the plugin" in str(plan.outcomes[1].error)


def failing_body() -> Any:
    """Make the content of a body that cannot be read."""
    yield b"a"
    raise OSError


def test_a_payload_that_an_action_prepares_is_an_object() -> None:
    plan = destination(prepare=lambda _: None).plan([track(properties={"units": 1})])
    assert "where a payload was expected" in str(plan.outcomes[0].error)


@pytest.mark.parametrize("second", [None, ZeroDivisionError(), RejectedError("not this one")], ids=repr)
def test_an_exchange_that_fails_on_an_answer_refuses_its_events(second: Any) -> None:
    """The runner then halves the batch, as for any refusal of content."""

    def perform(request: RequestBuilder, _: EventData) -> Generator[httpx.Request, httpx.Response, None]:
        yield request("GET", "/look-up")
        if isinstance(second, Exception):
            raise second
        yield second

    target = destination(perform=perform)
    (planned,) = target.plan([track(properties={"units": 1})]).requests
    results = target.read(planned, httpx.Response(200))
    assert isinstance(results, list)
    assert [type(result.error) for result in results] == [RefusedError]


def test_a_number_is_written_alike_whatever_stands_beside_it() -> None:
    """An integer beyond 64 bits is written by other means, which must not show in its neighbours."""
    alone = encode_json({"n": 1e22, "items": [2.5, True, None]})
    assert encode_json({"n": 1e22, "items": [2.5, True, None], "big": 2**70}) == alone[:-1] + b',"big":%d}' % 2**70


def test_indexes_that_do_not_suffice_are_refused() -> None:
    """An event without a number could not be settled."""
    text = json.dumps(track(properties={"units": 1})).encode()
    with pytest.raises(ValueError, match="fewer indexes"):
        destination().planner().feed_texts([text, text], [0])
    with pytest.raises(ValueError, match="fewer indexes"):
        destination().planner().feed([{}, {}], [0])
