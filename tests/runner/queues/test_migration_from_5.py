"""The dead letters of an outbox of format 5 get their groups."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.queues.contract import DeadLetterFilter, DeadLetterGroup
from kable_destination.runner.queues.opening import open_queue
from kable_destination.runner.queues.sqlite.dead_letters import DeadLetterTable
from kable_destination.runner.queues.suite.opened import MovedClock
from outbox_samples import SAMPLES, Sample, made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kable_destination.runner.queues.contract import Reason

INSERT = (
    "INSERT INTO dead_letters (identity, run, at, reason, message, source, place, unit, account, problems, request_id)"
    " VALUES (?, 1, ?, ?, ?, 'events.ndjson', 1, 'line', 'a', '[]', ?)"
)
AS_IN_FORMAT_5 = (
    "SELECT reason, replace(message, ' (request id ' || coalesce(request_id, '') || ')', '') AS words,"
    " json_group_array(id), min(at), max(at) FROM dead_letters GROUP BY reason, words"
    " ORDER BY count(*) DESC, max(id) DESC"
)


@pytest.fixture
def fifth(tmp_path: Path) -> Sample:
    """An outbox of format 5 with dead letters that share a message, and such as differ in the request ID only."""
    sample = made(next(path for path in SAMPLES if path.stem == "format-5"), tmp_path / "outbox.sqlite")
    letters: list[tuple[str, str, str | None]] = [
        ("refused", f"no such customer (request id r-{number})", f"r-{number}") for number in range(7)
    ]
    letters += [("exhausted", "no such customer", None)] * 4 + [("refused", "kein Gruß (request id )", None)] * 2
    with closing(sqlite3.connect(sample.path)) as connection, connection:
        rows = [(os.urandom(16), 1_800_000_000.0 - at, *letter) for at, letter in enumerate(letters)]
        connection.executemany(INSERT, rows)
    return sample


def told(sample: Sample, chosen: DeadLetterFilter) -> tuple[Sequence[DeadLetterGroup], Mapping[Reason, int]]:
    """Return the groups and the counts of an outbox."""

    async def read() -> tuple[Sequence[DeadLetterGroup], Mapping[Reason, int]]:
        queue = open_queue(sample.path, clock=MovedClock())
        found = await queue.dead_letters.groups(chosen), (await queue.status()).dead
        await queue.close()
        return found

    return asyncio.run(read())


def test_groups_and_counts_stay_the_same(fifth: Sample) -> None:
    rows = fifth.rows(AS_IN_FORMAT_5)
    expected = [DeadLetterGroup(reason, words, sorted(json.loads(ids)), *at) for reason, words, ids, *at in rows]
    counts = dict(fifth.rows("SELECT reason, count(*) FROM dead_letters GROUP BY reason"))
    assert [group.count for group in expected][:3] == [7, 4, 2]
    assert told(fifth, DeadLetterFilter()) == (expected, counts)
    for reason in counts:
        groups = [group for group in expected if group.reason == reason]
        assert told(fifth, DeadLetterFilter(reason=reason))[0] == groups


def test_a_time_divides_a_group(fifth: Sample) -> None:
    (group, *_), _ = told(fifth, DeadLetterFilter(reason="refused", since=1_800_000_000.0 - 2))
    assert (group.count, group.message, group.last_at - group.first_at) == (3, "no such customer", 2)


def test_an_earlier_version_that_is_still_running_writes_no_dead_letter_without_a_group(fifth: Sample) -> None:
    with closing(sqlite3.connect(fifth.path)) as earlier:
        told(fifth, DeadLetterFilter())
        with pytest.raises(sqlite3.OperationalError, match="bytes"):
            earlier.execute(INSERT.replace("request_id)", "request_id, bytes)").replace("?)", "?, 1)"))


@pytest.mark.parametrize("chosen", [DeadLetterFilter(), DeadLetterFilter(reason="refused"), DeadLetterFilter(since=1)])
def test_letters_are_counted_by_an_index(fifth: Sample, chosen: DeadLetterFilter) -> None:
    told(fifth, chosen)
    with closing(sqlite3.connect(fifth.path)) as connection:
        queries: list[str] = []
        connection.set_trace_callback(queries.append)
        table = DeadLetterTable(connection)
        assert table.groups(chosen)
        assert table.counts()
        connection.set_trace_callback(None)
        for query in queries:
            steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
            assert any("COVERING INDEX dead_letters_by_group" in step for step in steps), (query, steps)
