"""The body of a call becomes events: completed as Segment does it, and otherwise unchanged, whatever is in it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kable_destination.runner.service.answers import AnswerError
from kable_destination.runner.service.calls import Call, CallRules, moment, read_batch, read_single, written

EXAMPLES = int(os.environ.get("KABLE_EXAMPLES", "60"))
NOW = datetime(2026, 11, 30, 6, 0, 0, tzinfo=UTC)
RULES = CallRules(event_bytes=20_000, batch_bytes=200_000)
STRICT = CallRules(event_bytes=20_000, batch_bytes=200_000, require_message_id=True)
COMPLETED = {"messageId", "timestamp", "originalTimestamp", "receivedAt", "type", "writeKey"}

# As people and SDKs write it: any escapes, any spaces, numbers that no double holds, names that come twice.
TEXT = st.one_of(
    st.text(max_size=8).map(json.dumps),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(
        lambda text: json.dumps(text, ensure_ascii=False)
    ),
    st.sampled_from([r'"\ud83d\ude00"', r'"\u00e9\/"', r'"\\ud83d"', r'"\\\"NaN"', '"NaN, Infinity"']),
)
NUMBER = st.one_of(
    st.integers().map(str),
    st.sampled_from(["9223372036854775809", "-0", "1.0", "1e3", "1E-7", "0.1234567890123456789", "1e400", "9" * 60]),
)
JSON = st.recursive(
    st.one_of(TEXT, NUMBER, st.sampled_from(["true", "false", "null", "{}", "[]", "[ ]", '""'])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(TEXT, inner), max_size=3).map(
            lambda members: "{ " + ",".join(f"{name} : {value}" for name, value in members) + "\n}"
        ),
    ),
    max_leaves=6,
)
NAME = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(
    lambda name: name not in COMPLETED | {"context", "integrations", "batch", "sentAt"}
)
EVENT = st.dictionaries(NAME, JSON, max_size=5)


def body_of(members: dict[str, str]) -> bytes:
    """Return a JSON object of values that are JSON already."""
    return ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items()) + "}").encode()


def batch_of(*events: bytes, **outer: Any) -> bytes:
    """Return a batch of events that are JSON already."""
    rest = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in outer.items())
    return b'{"batch":[' + b",".join(events) + b"]" + rest.encode() + b"}"


def completed(event: dict[str, Any], *, received: datetime = NOW, **outer: Any) -> dict[str, Any]:
    """Return an event as a batch with it brings it."""
    (text,) = read_batch(batch_of(json.dumps(event).encode(), **outer), received, RULES).texts
    found: dict[str, Any] = json.loads(text)
    return found


@settings(max_examples=EXAMPLES, deadline=None)
@given(EVENT)
def test_completing_changes_no_other_member_by_a_byte(event: dict[str, str]) -> None:
    body = body_of(event)
    for call in (read_single(body, "track", NOW, RULES), read_batch(batch_of(body), NOW, RULES)):
        (text,) = call.texts
        for name, value in event.items():
            assert msgspec.json.encode(name) + b":" + value.encode() in text
        assert {*json.loads(text)} - COMPLETED == {*event}


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=12), JSON.map(str.encode), EVENT.map(body_of)), max_size=5), st.booleans())
def test_any_body_is_events_or_an_answer_that_says_why_not(parts: list[bytes], closed: bool) -> None:
    for body in (batch_of(*parts), b"".join(parts), batch_of(*parts)[: None if closed else -1]):
        try:
            call = read_batch(body, NOW, RULES)
        except AnswerError:
            pass
        else:
            assert len(call.texts) + len(call.unreadable) <= body.count(b",") + 1
            assert all(json.loads(text) is not None for text in call.texts if text.isascii())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (r"\ud83d\ude00", r"\ud83d\ude00"),
        (r"\ud83d", r"\ud83d"),
        (r"a\uDE00\\ud83d\"", r"a\uDE00\\ud83d\""),
        (r"\ud800\ud800", r"\ud800\ud800"),
    ],
)
def test_halves_of_surrogate_pairs_stay_as_they_are_and_spoil_no_other_event(value: str, expected: str) -> None:
    call = read_batch(batch_of(f'{{"a":"{value}","n":NaN}}'.encode(), b'{"b":-Infinity}'), NOW, RULES)
    assert f'"a":"{expected}","n":null'.encode() in call.texts[0]
    assert b'"b":null' in call.texts[1]


@pytest.mark.parametrize("bad", [b'{"\xff":1}', b"5", b"null", b'"NaN"', b"[{}]"])
def test_a_value_that_is_not_an_event_is_rejected_alone(bad: bytes) -> None:
    call = read_batch(batch_of(b'{"a":1}', bad, b'{"b":2}'), NOW, RULES)
    assert call.places == [1, 3]
    assert [(each.place, each.text) for each in call.unreadable] == [(2, bad)]


@pytest.mark.parametrize("message_id", ["", "null", '""', '"  "', r'"\u0020\t"'])
def test_an_event_without_an_id_gets_one_unless_ids_are_required(message_id: str) -> None:
    body = body_of({"messageId": message_id} if message_id else {})
    first, second = (json.loads(read_single(body, "track", NOW, RULES).texts[0])["messageId"] for _ in range(2))
    assert len(first) == 36
    assert first != second
    strict = read_single(body, "track", NOW, STRICT)
    assert strict.texts == []
    assert "messageId is missing" in strict.unreadable[0].message


@pytest.mark.parametrize("message_id", ['"m1"', "17", "false", "{}", '" m "'])
def test_an_id_that_an_event_has_stays(message_id: str) -> None:
    (text,) = read_single(body_of({"messageId": message_id}), "track", NOW, STRICT).texts
    assert f'"messageId":{message_id}'.encode() in text


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(-4_000_000, 4_000_000), st.integers(-(10**9), 10**9))
def test_a_clock_that_is_wrong_by_an_hour_at_most_is_corrected(skew: int, age: int) -> None:
    sent = NOW + timedelta(milliseconds=skew)
    told = written(sent - timedelta(milliseconds=age))
    found = completed({"timestamp": told}, sentAt=written(sent))
    assert (found["originalTimestamp"], found["receivedAt"]) == (told, written(NOW))
    known, corrected = moment(told), moment(found["timestamp"])
    assert known is not None
    assert corrected == (known - timedelta(milliseconds=skew) if abs(skew) <= 3_600_000 else known)


def test_the_time_of_sending_is_that_of_the_batch_or_else_of_the_event() -> None:
    event = {"timestamp": "2026-11-30T05:00:00.000Z", "sentAt": "2026-11-30T05:59:00.000Z"}
    assert completed(event)["timestamp"] == "2026-11-30T05:01:00.000Z"
    assert completed(event, sentAt="2026-11-30T05:58:00.000Z")["timestamp"] == "2026-11-30T05:02:00.000Z"
    assert completed(event, sentAt=None)["timestamp"] == "2026-11-30T05:01:00.000Z"


@pytest.mark.parametrize(
    "sent", ["yesterday", 5, None, {}, "0001-01-01T00:00:00+14:00", "2026-11-30T25:00:00Z", "9" * 400]
)
@pytest.mark.parametrize("told", ["2026-11-30", "Nov 30 2026", 1795959300, "9999-12-31T23:59:59Z", "0001-01-01", False])
def test_times_that_nobody_can_read_stay_as_they_are(sent: Any, told: Any) -> None:
    found = completed({"timestamp": told}, sentAt=sent)
    assert (found["timestamp"], found["originalTimestamp"]) == (told, told)


def test_an_event_without_a_time_has_that_of_its_arrival() -> None:
    found = completed({}, sentAt="2026-11-30T05:59:00Z")
    assert found["timestamp"] == found["originalTimestamp"] == found["receivedAt"] == "2026-11-30T06:00:00.000Z"


def test_a_time_that_was_corrected_before_stays() -> None:
    event = {"timestamp": "2026-11-30T05:00:00Z", "originalTimestamp": "2026-11-30T04:00:00Z"}
    found = completed(event, sentAt="2026-11-30T05:59:00Z")
    assert {name: found[name] for name in event} == event


def test_the_context_of_a_batch_is_that_of_each_event_as_go_and_java_send_it() -> None:
    outer = {"library": {"name": "analytics-go", "version": "3.0.0"}, "ip": "203.0.113.9"}
    flags = {"All": True, "Kable": False}
    assert completed({}, context=outer, integrations=flags)["context"] == outer
    found = completed(
        {"context": {"library": {"version": "4"}, "app": 1}, "integrations": {"Kable": True}},
        context=outer,
        integrations=flags,
    )
    assert found["context"] == {"library": {"name": "analytics-go", "version": "4"}, "ip": "203.0.113.9", "app": 1}
    assert found["integrations"] == {"All": True, "Kable": True}
    assert completed({"context": "text"}, context=outer)["context"] == "text"
    assert completed({"context": None}, context=outer)["context"] == outer


def test_contexts_that_are_nested_very_deeply_are_merged_in_little_time() -> None:
    deep = b'{"a":' * 400 + b'{"x":"' + b"y" * 50_000 + b'"}' + b"}" * 400
    body = b'{"batch":[' + b",".join([b'{"context":%s}' % deep] * 3) + b'],"context":' + deep + b"}"
    call = read_batch(body, NOW, CallRules(1_000_000, 1_000_000))
    assert len(call.texts) == 3
    assert all(b'"context":' + deep in text for text in call.texts)


def test_what_a_batch_would_grow_to_is_bounded() -> None:
    for body in (
        batch_of(*[b"{}"] * 10_000, context={"x": "y" * 1_000}),
        batch_of(*[b"{}"] * 10_001),
        batch_of(*[b"5"] * 10_001),
    ):
        with pytest.raises(AnswerError, match=r"too large|more than 10,000 events") as raised:
            read_batch(body, NOW, RULES)
        assert (raised.value.status, raised.value.code) == (400, "too_large")
    assert len(read_batch(batch_of(*[b"{}"] * 10_000), NOW, RULES).texts) == 10_000


@pytest.mark.parametrize(
    "large", [{"x": "y" * 20_000}, {"y" * 20_000: "x"}, {f"{number:05}": 1 for number in range(4_000)}]
)
def test_an_event_that_is_too_large_is_rejected_alone_and_kept_whole(large: dict[str, Any]) -> None:
    event = {**large, "writeKey": "wk", "messageId": "m"}
    call = read_batch(batch_of(json.dumps(event, separators=(",", ":")).encode(), b"{}"), NOW, RULES)
    assert call.places == [2]
    (rejected,) = call.unreadable
    assert rejected.message == "the event has more than 20,000 bytes"
    assert rejected.is_event
    assert json.loads(rejected.text) == {**large, "messageId": "m"}
    assert call.event_keys == {"wk"}


def test_write_keys_are_those_of_the_envelope_and_of_the_events_and_reach_nobody() -> None:
    call = read_batch(batch_of(b'{"writeKey":"a"}', b'{"writeKey":"b"}', b'{"writeKey":5}', writeKey="c"), NOW, RULES)
    assert (call.write_key, call.event_keys) == ("c", {"a", "b"})
    assert not [text for text in call.texts if b"writeKey" in text]
    single: Call = read_single(b'{"writeKey":"a"}', "track", NOW, RULES)
    assert single.write_key == "a"


def test_the_last_of_members_with_one_name_counts_as_everywhere_in_json() -> None:
    call = read_batch(b'{"batch":[],"batch":[{"messageId":"m1","messageId":"m2"}]}', NOW, RULES)
    assert [json.loads(text)["messageId"] for text in call.texts] == ["m2"]


def test_the_endpoint_says_what_an_event_is() -> None:
    (text,) = read_single(b'{"type":"page"}', "track", NOW, RULES).texts
    assert json.loads(text)["type"] == "track"
