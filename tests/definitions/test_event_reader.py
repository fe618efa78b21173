"""Events are read from text as far as somebody looks at them, and what nobody looks at is checked all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from examples import EXAMPLES
from generated_mappings import EVENTS, MAPPINGS
from kable_destination.definitions import (
    Destination,
    EventData,
    MappingError,
    Plan,
    Subscription,
    UnreadableError,
    compile_mapping,
)
from kable_destination.definitions.event_record import attribute_of
from kable_destination.definitions.planning.event_reader import EventReader, read_event
from kable_destination.destination import kable
from segment_events import track

VECTORS = Path(__file__).parents[1] / "vectors" / "mapping.jsonl"
SETTINGS = {"apiKey": "sk_live.abcdefgh", "kableClientId": "kci_0001"}
READER = EventReader([("type",), ("a", "b", "c"), ("a", "d"), ("list", "0"), ("dotted.key", "x.y")])


def outcome(mapping: Any, event: dict[str, Any]) -> str:
    """Run a mapping; tell its result, or its documented error."""
    try:
        return repr(compile_mapping(mapping)(event))
    except MappingError as error:
        return f"MappingError: {error}"


@settings(deadline=None, max_examples=EXAMPLES)
@given(MAPPINGS, EVENTS)
def test_a_mapping_makes_the_same_of_what_it_needs_as_of_the_whole(mapping: Any, event: dict[str, Any]) -> None:
    """Whatever is left out by the reader of a mapping's paths, the mapping does not miss."""
    text = json.dumps(event).replace("NaN", "0").replace("Infinity", "0").encode()
    read = EventReader(compile_mapping(mapping).keys).read(text)
    assert outcome(mapping, read) == outcome(mapping, read_event(text))


def test_the_vectors_hold_for_what_their_mappings_need() -> None:
    """The recorded answers are given of events that were read in part as well."""
    rows = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["expected"]["ok"] and isinstance(row.get("payload", {}), dict)]
    assert len(rows) > 1_000
    for row in rows:
        text = json.dumps(row.get("payload", {}), ensure_ascii="\\ud" in json.dumps(row)).encode()
        try:
            whole = read_event(text)
        except UnreadableError:
            continue
        read = EventReader(compile_mapping(row["mapping"], is_published=True).keys).read(text)
        assert outcome(row["mapping"], read) == outcome(row["mapping"], whole), row["id"]


def test_only_what_is_looked_at_is_read() -> None:
    """What no path leads to is left out, within objects too."""
    text = b'{"type":"track","a":{"b":{"c":1,"z":2},"d":[3],"z":4},"list":[5,6],"z":{"y":7}}'
    assert READER.read(text) == {"type": "track", "a": {"b": {"c": 1}, "d": [3]}, "list": [5, 6]}


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":null}', b'{"a":"x"}', b'{"a":[{"b":1}]}', b'{"a":{"b":5}}', b'{"a":{"b":[1,{"c":2}]}}', b'{"a":1e5}',
        b'{"list":{"0":1}}', b'{"list":"text"}', b'{"dotted.key":{"x.y":1}}', b'{"a":123456789012345678901234567890}',
        b'{"type":{"deep":[{}]}}', b" {}\r",
    ],
)  # fmt: skip
def test_values_of_other_kinds_than_paths_expect_are_read_as_they_are(text: bytes) -> None:
    """A text, a number or a list may stand where an object was looked for."""
    assert READER.read(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is not valid JSON"),
        (b'{"type": "track"', "is not valid JSON"),
        (b'{"z": [1, 2,]}', "is not valid JSON"),
        (b'{"z": 01}', "is not valid JSON"),
        (b'{"z": tru}', "is not valid JSON"),
        (b'{"z": "a\nb"}', "is not valid JSON"),
        (b'{"z": "\\ud800 alone"}', "is not valid JSON"),
        (b'{"a": {"b": {"c": 1e400}}}', "is not valid JSON"),
        (b'{"z": "\xff"}', "is not valid UTF-8: byte 8 is 0xff"),
        (b'{"a": {"b": "\xc3"}}', "is not valid UTF-8: byte 14 is 0xc3"),
        (b'{"type": NaN}', "is not valid JSON"),
        (b'{"z": 1} x', "is not valid JSON"),
        (b"[1]", "an event is a JSON object, but this is an array"),
        (b'"text"', "an event is a JSON object, but this is a string"),
        (b"null", "an event is a JSON object, but this is a null"),
        (b'{"z":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deeply"),
        (b'{"type":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "is nested too deeply"),
    ],
)
def test_a_text_that_holds_no_event_says_why(text: bytes, told: str) -> None:
    """A fault is noticed wherever it stands, in what nobody looks at too."""
    with pytest.raises(UnreadableError, match=told):
        READER.read(text)
    with pytest.raises(UnreadableError, match=told):
        EventReader([()]).read(text)


def test_a_number_beyond_doubles_is_not_noticed_where_nobody_looks() -> None:
    """The one thing that is passed over: nobody reads that number."""
    assert READER.read(b'{"type": "track", "z": 1e400}') == {"type": "track"}
    with pytest.raises(UnreadableError):
        read_event(b'{"type": "track", "z": 1e400}')


def test_a_path_of_any_length_and_any_keys_can_be_read() -> None:
    """No path makes a reader fail."""
    deep = ("a",) * 100_000
    reader = EventReader([deep, ("class", "def"), ("__class__",), ("a b", ""), ("key_61",)])
    event = {"a": {"a": 1}, "class": {"def": 1}, "__class__": 2, "a b": {"": 3}, "key_61": 4}
    assert reader.read(json.dumps(event).encode()) == event
    assert reader.read_record is not None
    record = reader.read_record(json.dumps(event).encode())
    assert {key: getattr(record, attribute_of(key)) for key in event} == event
    for key in ("é", "\ud800", "\x00", 'a"b', "a\\b", "\n"):
        reader = EventReader([("type",), (key,), ("a", key)])
        assert reader.read_record is None
        assert reader.read(b'{"":1,"a":{"b":2}}') == {"": 1, "a": {"b": 2}}


STREAM = [
    track(1),
    track(2, integrations={"All": True, "Kable": True}),
    track(3, integrations={"Kable": False}),
    b'{"type": "track", "userId"',
    {"type": "page", "userId": "u"},
    track(4, userId=None),
    track(5, timestamp=1772600767, userId=42),
    {"type": "identify", "userId": "u", "messageId": "m", "timestamp": "2026-03-04", "traits": {"plan": "pro"},
     "context": {"personas": {"computation_class": "audience"}}},
    track(6, properties={"n": [None, 1.5, 10**20, "ü"], "x": {}}),
    track(7, properties="none"),
    track(8, context="odd"),
    track(9, properties=None),
    track(10, userId="\ud800"),
    *(track(number) for number in range(20, 700)),
]  # fmt: skip


def as_text(event: Any) -> bytes:
    """Write an event as a line."""
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def shown(plan: Plan) -> list[Any]:
    """Show all of a plan that somebody sees."""
    outcomes = [
        (item.index, item.status, item.action, item.reason, item.detail, str(item.error)) for item in plan.outcomes
    ]
    requests = [
        (item.indexes, item.request.content, list(item.request.headers.raw), item.subscriptions, item.idempotency_keys)
        for item in plan.requests
    ]
    return [outcomes, requests]


SUBSCRIPTIONS = [
    None,
    [Subscription(partner_action="track", subscribe='type = "track"')],
    [
        Subscription(partner_action="track", subscribe='type = "track" and properties.n != null', name="with n"),
        Subscription(partner_action="track", subscribe='type = "track" or type = "identify"', name="all"),
    ],
    [Subscription(partner_action="track", subscribe='type = "track"', mapping={"data": {"@liquid": "{{ userId }}"}})],
    [],
]


@pytest.mark.parametrize("subscriptions", SUBSCRIPTIONS, ids=["presets", "one", "overlapping", "whole events", "none"])
@pytest.mark.parametrize("settings", [{}, {"propertiesMappings": {"n": "m"}, "clientIdField": "properties.region"}])
def test_events_that_come_as_text_are_planned_like_those_that_come_as_objects(
    subscriptions: list[Subscription] | None, settings: dict[str, Any]
) -> None:
    """The same requests, byte for byte, and the same outcomes, one by one or many at once."""
    texts = [text for text in map(as_text, STREAM) if b"ud800" not in text and text.endswith(b"}")]
    destination = Destination(kable, {**SETTINGS, **settings}, subscriptions)
    objects = destination.plan(map(read_event, texts))
    for size in (1, 7, len(texts)):
        planner = destination.planner()
        plans = [planner.feed_texts(texts[at : at + size]) for at in range(0, len(texts), size)]
        plans.append(planner.flush())
        whole = Plan(
            tuple(outcome for plan in plans for outcome in plan.turned_down),
            tuple(request for plan in plans for request in plan.requests),
        )
        assert shown(whole) == shown(objects)


def test_each_text_has_its_outcome_and_its_number() -> None:
    """A text that holds no event is rejected as unreadable, with what it says; the others go on."""
    plan_of = Destination(kable, SETTINGS).planner()
    fed, flushed = plan_of.feed_texts(map(as_text, STREAM), range(100, 10_000)), plan_of.flush()
    plan = Plan(fed.turned_down + flushed.turned_down, fed.requests + flushed.requests)
    assert {outcome.index for outcome in plan.outcomes} == set(range(100, 100 + len(STREAM)))
    unreadable = [outcome for outcome in plan.outcomes if isinstance(outcome.error, UnreadableError)]
    assert [outcome.index for outcome in unreadable] == [103, 112]
    assert unreadable[0].event == '{"type": "track", "userId"'
    rejected = [outcome for outcome in plan.outcomes if outcome.index == 105]
    assert rejected[0].event == track(4, userId=None)


@pytest.mark.parametrize(
    "odd",
    [b"{", b'{"type": "track"} x', b'{"type":"track","context":"\xff"}', b'{"type":"track"}', b'{"type":"page"}', b"3"],
)
@pytest.mark.parametrize("at", [0, 1, 49, 98, 99])
def test_odd_texts_anywhere_take_nothing_from_the_others(odd: bytes, at: int) -> None:
    """Texts are read a hundred at a time; what fails in the midst of them fails alone, also twice in a row."""
    texts = [as_text(track(number)) for number in range(99)]
    texts[at:at] = [odd, odd]
    planner = Destination(kable, SETTINGS).planner()
    fed, flushed = planner.feed_texts(texts), planner.flush()
    assert sorted(outcome.index for outcome in fed.turned_down + flushed.turned_down) == [at, at + 1]
    (request,) = flushed.requests
    assert [*request.events.kept] == [text for text in texts if text is not odd]
    assert [*request.indexes] == [index for index in range(101) if index not in {at, at + 1}]


def test_an_action_sees_the_whole_event_though_it_was_read_in_part() -> None:
    """`event` and `events` hold what the mapping did not ask for."""
    assert EventData({}, {}, b'{"a":1,"b":{"c":2}}').event == {"a": 1, "b": {"c": 2}}
    planner = Destination(kable, SETTINGS).planner()
    event = track(1, context={"page": {"url": "https://a.example"}})
    planner.feed_texts([as_text(event)] * 2)
    (planned,) = planner.flush().requests
    assert list(planned.events) == [event, event]
    assert list(planned.events[1:]) == [event]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("9" * 5_000, "holds an integer of 5,000 digits; at most 4,300 are read"),
        ("-" + "9" * 20_000, "holds an integer of 20,000 digits; at most 4,300 are read"),
        ("1e400", "is not valid JSON: the number 1e400 is too large for any double"),
        ("[1, " + "1" * 4_301 + "]", "holds an integer of 4,301 digits; at most 4,300 are read"),
    ],
)
def test_a_number_that_is_too_large_is_called_so(number: str, reason: str) -> None:
    with pytest.raises(UnreadableError) as error:
        read_event(f'{{"n": {number}}}'.encode())
    assert str(error.value) == reason


def test_a_long_integer_is_read_exactly() -> None:
    assert read_event(b'{"n": ' + b"9" * 4_300 + b"}") == {"n": 10**4_300 - 1}
