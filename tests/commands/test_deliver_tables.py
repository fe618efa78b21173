"""Parquet and CSV files: each row becomes an event, as a file of columns says, and no value changes on the way."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from local_s3 import local_s3
from object_store import BUCKET

if TYPE_CHECKING:
    from command_line import CommandLine, Run
    from kable_destination.runner.sandbox import RunningSandbox

COLUMNS = """
[event]
messageId = "id"
userId = "user_id"
timestamp = "sent_at"
event = "event"
context.plan = "plan"

[csv]
numbers = ["units"]
"""
TIMES = [datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)]


def deliver(command_line: CommandLine, sandbox: RunningSandbox, *arguments: str, columns: str = COLUMNS) -> Run:
    """Deliver with a file of columns."""
    (command_line.folder / "columns.toml").write_text(columns, encoding="utf-8")
    common = ("--base-url", sandbox.base_url, "--report", "report.json", "--dead-letters", "letters.ndjson")
    return command_line("deliver", *arguments, "--columns", "columns.toml", *common)


def table(**more: Any) -> pa.Table:
    """Return a table of two rows."""
    return pa.table(
        {
            "id": ["r-1", "r-2"],
            "user_id": ["u1", "u2"],
            "sent_at": pa.array(TIMES, pa.timestamp("us", "UTC")),
            "event": pa.array(["API Call", "API Call"]).dictionary_encode(),
            "plan": ["free", None],
            **more,
        }
    )


def events(run: Run) -> list[dict[str, Any]]:
    """Return the bodies that a dry run has printed."""
    bodies = [json.loads(line, parse_float=Decimal) for line in run.out.splitlines() if line.startswith(("{", "["))]
    return [event for body in bodies for event in (body if isinstance(body, list) else [body])]


def test_types_of_parquet_become_json_and_nulls_are_absent(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    nanoseconds = pa.array([1, None], pa.timestamp("ns", "UTC"))
    content = table(
        cost=pa.array([Decimal("0.10"), None], pa.decimal128(20, 2)),
        large=pa.array([Decimal(12345678901234567890), Decimal(3)], pa.decimal128(38, 0)),
        count=pa.array([2**62, 1]),
        ratio=[0.25, None],
        day=[date(2026, 3, 4), None],
        at=nanoseconds,
        flag=[True, None],
        tags=[["a", "b"], None],
        pair=pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
        times=pa.array([[TIMES[0]], None], pa.list_view(pa.timestamp("ns", "UTC"))),
        nested=[{"x": 1, "when": TIMES[0], "none": None}, None],
        raw=[b"\x00\xff", None],
    )
    parquet.write_table(content, command_line.folder / "usage.parquet")
    run = deliver(command_line, sandbox, "usage.parquet", "--dry-run")
    first, second = events(run)
    assert (first["clientId"], first["transactionId"]) == ("u1", "r-1")
    assert first["timestamp"] == "2026-03-04T05:06:07.123456Z"
    assert first["data"] == {
        "cost": Decimal("0.1"),
        "large": 12345678901234567890,
        "count": 2**62,
        "ratio": Decimal("0.25"),
        "day": "2026-03-04",
        "at": "1970-01-01T00:00:00.000000001Z",
        "flag": True,
        "tags": ["a", "b"],
        "pair": [1, 2],
        "times": ["2026-03-04T05:06:07.123456000Z"],
        "nested": {"x": 1, "when": "2026-03-04T05:06:07.123456Z"},
        "raw": "AP8=",
    }
    assert second["data"] == {"large": 3, "count": 1}
    assert second["timestamp"] == "2026-03-04T00:00:00Z"


def test_a_bad_row_is_a_dead_letter_with_its_number(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    exact = Decimal("12345678901234567890.123")
    content = pa.concat_tables(
        [
            table(value=[1.0, float("nan")], cost=pa.array([Decimal("0.5"), Decimal("0.5")], pa.decimal128(30, 3))),
            table(value=[1.0, 2.0], cost=pa.array([exact, Decimal("0.5")], pa.decimal128(30, 3))).set_column(
                0, "id", pa.array(["r-3", None])
            ),
        ]
    )
    parquet.write_table(content, command_line.folder / "usage.parquet", row_group_size=1)
    run = deliver(command_line, sandbox, "usage.parquet")
    assert run.code == 1
    problems = {letter["line"]: str(letter) for letter in run.letters}
    assert "row 2: the column value is nan, which is not a number in JSON" in problems[2]
    assert f"row 3: the column cost is {exact}, which has more digits" in problems[3]
    assert "Transaction ID is required" in problems[4]
    assert billed(sandbox) == Counter(["r-1"])


def billed(sandbox: RunningSandbox) -> Counter[str]:
    """Count how often each event is in the ledger."""
    return Counter(event["transactionId"] for event in sandbox.ledger.events)


CSV = """id,user_id,sent_at,event,plan,units,zip
r-1,u1,2026-03-04T05:06:07Z,API Call,free,12345678901234567890,0123
r-2,u2,2026-03-04,"API, ""Call""
of two lines",,1.5,
r-3,u3,2026-03-04,API Call,free,many,
r-4,u4

r-5,u5,2026-03-04,API Call,,,
"""


@pytest.mark.parametrize(("name", "delimiter", "zipped"), [("a.csv", ",", False), ("a.tsv.gz", "\t", True)])
def test_rows_of_csv_are_events_and_bad_ones_dead_letters(
    command_line: CommandLine, sandbox: RunningSandbox, name: str, delimiter: str, *, zipped: bool
) -> None:
    text = CSV.replace(",", delimiter).encode()
    (command_line.folder / name).write_bytes(gzip.compress(text) if zipped else text)
    for _ in range(2):
        run = deliver(command_line, sandbox, name)
        assert billed(sandbox) == Counter(["r-1", "r-2", "r-5"])
    assert f"{name}: all of it was accepted by an earlier run" in run.out
    by_id = {event["transactionId"]: event.get("data", {}) for event in sandbox.ledger.events}
    assert by_id["r-1"] == {"units": 12345678901234567890, "zip": "0123"}
    assert by_id["r-2"] == {"units": 1.5}
    assert by_id["r-5"] == {}
    letters = str(run.letters)
    assert "row 3: the column units is not a number" in letters
    assert "row 4: has 2 values, and the first line names 7 columns" in letters


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ('[event]\nuserId = "user_id"', "no column is the messageId: without an ID, nobody can say whether a row was"),
        ('[event]\nmessageId.constant = "1"', "no column is the messageId"),
        ('[event]\nmessageId = "id"\nuserId = 5', "userId is the name of a column"),
        ('[events]\nmessageId = "id"', "events is unknown; there are [event] and [csv]"),
        ("[event", "is not TOML"),
        ('[event]\nmessageId = "id"\nuserId = "id"', 'the column "id" is named twice'),
    ],
)
def test_a_file_of_columns_that_cannot_be_used_is_refused(
    command_line: CommandLine, sandbox: RunningSandbox, columns: str, problem: str
) -> None:
    (command_line.folder / "a.csv").write_text(CSV, encoding="utf-8")
    run = deliver(command_line, sandbox, "a.csv", columns=columns)
    assert run.code == 2
    assert run.err.startswith(f"error: columns.toml: {problem}"), run.err


def test_a_table_without_a_column_that_is_named_is_refused(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    (command_line.folder / "a.csv").write_text(CSV, encoding="utf-8")
    run = deliver(command_line, sandbox, "a.csv", columns='[event]\nmessageId = "idd"')
    assert run.code == 2
    assert 'a.csv has no column "idd", which is to be the messageId; did you mean "id"?' in run.err
    assert billed(sandbox) == Counter()


def test_a_damaged_parquet_file_is_named_and_the_others_are_read(
    command_line: CommandLine, sandbox: RunningSandbox
) -> None:
    folder = command_line.folder / "export"
    folder.mkdir()
    written = io.BytesIO()
    parquet.write_table(table(), written)
    (folder / "a.parquet").write_bytes(written.getvalue()[:-20])
    (folder / "b.parquet").write_bytes(written.getvalue())
    (folder / "c.ndjson").write_text("", encoding="utf-8")
    run = deliver(command_line, sandbox, "export")
    assert run.code == 1
    assert "error: 1 file of export: export/a.parquet is a damaged Parquet file" in run.err
    assert billed(sandbox) == Counter(["r-1", "r-2"])


def test_parquet_in_a_bucket_is_read_by_ranges(command_line: CommandLine, sandbox: RunningSandbox) -> None:
    rows = 5_000
    content = pa.table(
        {
            "id": [f"r-{number}" for number in range(rows)],
            "user_id": ["u"] * rows,
            "sent_at": pa.array([TIMES[1]] * rows, pa.timestamp("ms", "UTC")),
            "event": ["API Call"] * rows,
            "plan": pa.nulls(rows, pa.string()),
        }
    )
    written = io.BytesIO()
    parquet.write_table(content, written, row_group_size=700)
    (command_line.folder / "columns.toml").write_text(COLUMNS, encoding="utf-8")
    with local_s3() as store:
        store.put("export/a.parquet", written.getvalue())
        arguments = ("deliver", f"s3://{BUCKET}/export/", "--columns", "columns.toml", "--base-url", sandbox.base_url)
        run = command_line(*arguments, stdin=b"", **store.environment)
    assert run.code == 0, run.err
    assert billed(sandbox) == Counter(f"r-{number}" for number in range(rows))
