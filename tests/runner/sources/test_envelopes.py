"""A batch as Segment's SDKs post it is read as its events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kable_destination.runner.sources.envelopes import EnvelopeError, events_of


def read(envelope: dict[str, Any]) -> list[Any]:
    """The events of a batch."""
    found = events_of(json.dumps(envelope).encode())
    assert found is not None
    return [json.loads(text) for text in found]


def test_the_context_and_integrations_of_the_batch_are_merged_and_the_events_own_values_count() -> None:
    batch = [
        {"type": "track"},
        {"type": "track", "context": {"ip": "2.2.2.2", "library": {"version": "9"}}, "integrations": {"Kable": True}},
        {"type": "track", "context": None, "integrations": None},
    ]
    context = {"ip": "1.1.1.1", "library": {"name": "analytics-go", "version": "3"}}
    first, second, third = read({"batch": batch, "sentAt": "x", "context": context, "integrations": {"All": False}})
    assert first == third == {"type": "track", "context": context, "integrations": {"All": False}}
    assert second["context"] == {"ip": "2.2.2.2", "library": {"name": "analytics-go", "version": "9"}}
    assert second["integrations"] == {"All": False, "Kable": True}


@pytest.mark.parametrize("kind", ["batch", None])
def test_a_batch_may_say_that_it_is_one(kind: str | None) -> None:
    assert read({"type": kind, "batch": [{"type": "track"}]}) == [{"type": "track"}]


@pytest.mark.parametrize("flags", [False, "x", 0, [1], {"All": "no"}])
def test_flags_that_nobody_can_read_reach_the_events(flags: Any) -> None:
    """Whoever reads the events rejects them: the batch may have been meant to stay away."""
    first, second = read({"batch": [{}, {"integrations": {"Kable": True}}], "integrations": flags})
    assert first["integrations"] == flags
    assert second["integrations"]["Kable"] is True


@pytest.mark.parametrize("flags", [None, {}, []])
def test_flags_that_say_nothing_are_left_out(flags: Any) -> None:
    assert read({"batch": [{"type": "track"}], "integrations": flags, "context": []}) == [{"type": "track"}]


def test_numbers_and_texts_of_the_events_stay_as_they_are() -> None:
    text = b'{"context":{"a":1.50},"batch":[ {"n":1.50,"big":123456789012345678901234567890, "u":"\\u00e9"} ]}'
    assert events_of(text) == [
        b'{"n":1.50,"big":123456789012345678901234567890,"u":"\\u00e9","context":{"a":1.50}}',
    ]
    assert events_of(b'{"batch":[ {"n" : 1.50} ]}') == [b'{"n" : 1.50}']


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"track","batch":[1]}',
        b'{"type":"Batch","batch":[1]}',
        b'{"properties":{"batch":[1]}}',
        b'{"batch":{"a":1}}',
        b'{"batch":"x"}',
        b'["batch"]',
        b'{"batch":[1,}',
        b'{"batch":[{"a":NaN}',
        b'{"batch":[{"a":1}],"context":{"a":NaN}}',
    ],
)
def test_what_is_no_batch_is_left_to_the_planner(text: bytes) -> None:
    assert events_of(text) is None


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_an_event_with_what_is_no_number_leaves_the_others_readable(word: bytes) -> None:
    """Segment's library for Python writes them; otherwise one event would cost a batch of a hundred."""
    text = (
        b'{"batch": [{"n":1.50,"t":"NaN"}, {"p":{"n":%b}}, {"n":2}, {"n":2}, %b], "sentAt":"x", "context":{"c":"NaN"}}'
        % (word, word)
    )
    assert events_of(text) == [
        b'{"n":1.50,"t":"NaN","context":{"c":"NaN"}}',
        b'{"p":{"n":%b}}' % word,
        b'{"n":2,"context":{"c":"NaN"}}',
        b'{"n":2,"context":{"c":"NaN"}}',
        word,
    ]
    assert events_of(b'{"batch":[{"n":1}],"sentAt":%b}' % word) == [b'{"n":1}']


def test_items_that_are_no_events_are_left_to_the_planner() -> None:
    assert events_of(b'{"batch":[5,"x",null,[]],"context":{"a":1}}') == [b"5", b'"x"', b"null", b"[]"]
    assert events_of(b'{"batch":[]}') == []


def test_a_large_context_and_many_events_are_refused_before_they_fill_the_memory() -> None:
    text = json.dumps({"context": {"a": "x" * 1_000_000}, "batch": [{}] * 1_000}).encode()
    with pytest.raises(EnvelopeError, match="1,000 events"):
        events_of(text)
