"""Where a partition continues: at the checkpoint, at a commit of another outbox, or nowhere, with the reason."""

from __future__ import annotations

import orjson
import pytest

from kable_destination.runner.sources.kafka.checkpoints import Committed, Gap, Log, Position, resume
from kable_destination.runner.sources.kafka.held import Held
from kable_destination.runner.sources.kafka.partition import Partition
from kable_destination.runner.sources.kafka.values import Values

LOG = Log("topic", 10, 100)


@pytest.mark.parametrize(
    ("stored", "committed", "expected"),
    [
        (None, Committed(), None),
        (None, Committed(50, "other"), 50),
        (None, Committed(50, ""), 50),
        (None, Committed(50, "own"), "the outbox has no checkpoint of it"),
        (None, Committed(5, "other"), "Kafka has deleted 5 offsets that were not read (5 to 9)"),
        (Position(50, "topic", 3), Committed(), 50),
        (Position(50, "topic"), Committed(40, "other"), 50),
        (Position(50, "topic"), Committed(60, "other"), 60),
        # The outbox was restored: what it had accepted beyond its checkpoint is lost with it.
        (Position(50, "topic"), Committed(60, "own"), 50),
        (Position(10, "topic"), Committed(), 10),
        (Position(9, "topic"), Committed(), "Kafka has deleted 1 offsets that were not read (9 to 9)"),
        (Position(100, "topic"), Committed(), 100),
        (Position(101, "topic"), Committed(), "it ends at offset 100, but it was read to 101"),
        (Position(50, "earlier"), Committed(60, "other"), "the topic was deleted and made again"),
        # Old brokers have no IDs of topics.
        (Position(50, ""), Committed(), 50),
    ],
)
def test_a_partition_continues_where_nothing_is_lost(
    stored: Position | None, committed: Committed, expected: int | str | None
) -> None:
    found = resume(stored, committed, LOG, "own")
    if isinstance(expected, str):
        assert isinstance(found, Gap)
        assert expected in found.reason
    else:
        assert (None if found is None else found.offset) == expected  # type: ignore[union-attr]


def test_headers_become_context_of_each_event_of_a_batch() -> None:
    values = Values()
    batch = b'{"batch": [{"type": "track", "n": 1.10}, {"type": "track", "context": {"kafka": {"x": 1}}}, 5]}'
    values.add(7, batch, [("a", b"1"), ("long", b"x" * 2000)])
    first, second, third = values.texts
    assert first == b'{"type":"track","n":1.10,"context":{"kafka":{"headers":{"a":"1"}}}}'
    assert orjson.loads(second)["context"] == {"kafka": {"headers": {"a": "1"}, "x": 1}}
    assert third == b"5"
    assert values.places == [7, 7, 7]


def test_a_value_with_headers_that_is_no_event_stays_as_it_is() -> None:
    values = Values()
    for text in (b"{", b"[" * 100_000, b"\xff", b'{"context": {"a": }}'):
        values.add(1, text, [("a", b"1")])
        assert values.texts[-1] == text


def test_a_partition_of_which_nothing_comes_although_there_is_something_is_noticed_once_a_minute() -> None:
    found = Partition(0, "kafka:t/0", "key", position=Position(5), is_fetched=True)
    asked = [(0, 3), (50, 3), (61, 3), (62, 3), (100, 0), (123, 3), (180, 3)]
    assert [found.is_stuck(now, lag) for now, lag in asked] == [False, False, True, False, False, False, False]
    found.position = Position(6)
    assert not found.is_stuck(200, 2)
    assert found.is_stuck(261, 2)


def test_reading_slows_down_and_stops_while_too_much_is_held() -> None:
    held = Held()
    held.add(10_000, 0)
    held.look(0)
    assert (held.at_once, held.is_suspended(4), held.is_suspended(6)) == (1, False, True)
    held.add(-2_000, 0)
    held.look(7)
    assert held.is_suspended(8)
    held.add(-2_000, 0)
    held.look(8)
    assert (held.at_once, held.is_suspended(20)) == (500, False)
    held.add(0, 16 * 1024 * 1024)
    held.look(21)
    assert held.at_once == 1
