"""Lists of members: what is read of each format, and what is refused before anything is changed."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from kable_destination.runner.audience.columns import NO_COLUMNS, Columns
from kable_destination.runner.audience.files import FileMembers
from kable_destination.runner.audience.members import MembersError
from kable_destination.runner.audience.members_read import SortedMembers, read_members
from kable_destination.runner.audience.sorting import LineSorter

if TYPE_CHECKING:
    from pathlib import Path

VALUES = Columns(value="spend")


def read(
    path: Path, columns: Columns = NO_COLUMNS, *, lines_in_memory: int = 1_000
) -> tuple[SortedMembers, dict[str, Any]]:
    """Return a list, and its members with their values in the order in which they are compared."""
    with LineSorter(lines_in_memory=lines_in_memory) as sorter:
        members = read_members(FileMembers(str(path), columns), sorter)
        lines = [line.partition(b"\0") for block in members.blocks() for line in block]
    return members, {member.decode(): json.loads(value) for member, _, value in lines}


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.txt", "u2\nu1\n\nu3"),
        ("m", b"\xef\xbb\xbfu2\r\n  u1 \r\nu3\r\n"),
        ("m.csv", "userId,plan\nu2,a\nu1,\nu3,\n"),
        ("m.csv", 'id\n"u2"\nu1\nu3\n'),
        ("m.tsv", "user_id\tid\nu2\t1\nu1\t2\nu3\t3\n"),
        ("m.ndjson", '{"userId":"u2"}\n{"userId":"u1","x":[]}\n\n{"userId":"u3"}'),
        ("m.txt.gz", gzip.compress(b"u2\nu1\nu3\n")),
        ("m.csv.zst", zstandard.compress(b"userId\nu2\nu1\nu3\n")),
    ],
)
def test_every_format_gives_the_same_members(tmp_path: Path, name: str, content: bytes | str) -> None:
    members, found = read(written(tmp_path, name, content))
    assert found == {"u1": True, "u2": True, "u3": True}
    assert [*found] == ["u1", "u2", "u3"]
    assert (members.rows, members.duplicates) == (3, 0)


def test_parquet_is_read_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    columns = {"plan": ["a", "b", "c"], "user_id": [2, 10, 1], "spend": [1.5, None, 7.0]}
    parquet.write_table(pa.table(columns), path)
    assert read(path)[1] == {"1": True, "10": True, "2": True}
    members, found = read(path, VALUES)
    assert (found, members.without_value) == ({"1": 7.0, "2": 1.5}, 1)
    cut = written(tmp_path, "cut.parquet", path.read_bytes()[:-100])
    with pytest.raises(MembersError, match="is not a complete Parquet file"):
        read(cut)


def test_a_trait_has_any_json_value(tmp_path: Path) -> None:
    cells = {
        "12": 12,
        "1.50": 1.5,
        "true": True,
        "007": "007",
        "gold": "gold",
        '"{""a"":[1]}"': {"a": [1]},
        '"""12"""': "12",
        "-0.5e3": -500.0,
        "1,5": None,
    }
    rows = [f"u{number};{cell}" for number, cell in enumerate(cells) if cell != "1,5"]
    members, found = read(written(tmp_path, "m.csv", "\n".join(["id;spend", *rows, "u99;", "u98;null"])), VALUES)
    assert [*found.values()] == [value for cell, value in cells.items() if cell != "1,5"]
    assert (members.rows, members.without_value) == (10, 2)
    objects = [{"userId": "a", "traits": {"spend": {"b": 1, "a": None}}}, {"userId": "b", "spend": [True]}]
    _, found = read(written(tmp_path, "m.ndjson", "\n".join(map(json.dumps, objects))), VALUES)
    assert found == {"a": {"a": None, "b": 1}, "b": [True]}


def test_duplicates_count_once_wherever_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, "m.txt", "\n".join([f"u{number % 700}" for number in range(1_000)]))
    for lines_in_memory in (1, 7, 300, 10_000):
        members, found = read(path, lines_in_memory=lines_in_memory)
        assert (len(found), members.rows, members.duplicates) == (700, 1_000, 300)
        assert [*found] == sorted(found)


@pytest.mark.parametrize("lines_in_memory", [1, 2, 100])
def test_a_member_with_two_values_is_refused(tmp_path: Path, lines_in_memory: int) -> None:
    path = written(tmp_path, "m.csv", "id,spend\nu1,1\nu2,5\nu3,1\nu2,6\n")
    with pytest.raises(MembersError, match="more than one value for u2"):
        read(path, VALUES, lines_in_memory=lines_in_memory)


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("m.txt", "u1\nnull\nu2\nundefined\n", NO_COLUMNS, r"2 rows of 4 that cannot be used.*line 2 .*line 4"),
        ("m.txt", "u1\n\N{ZERO WIDTH SPACE}\n", NO_COLUMNS, "line 2 has an ID that is blank"),
        ("m.txt", b"u1\n\xff\xfe\n", NO_COLUMNS, "line 2 is not UTF-8"),
        ("m.txt", f"u1\n{'x' * 1_001}\n", NO_COLUMNS, "more than 1,000 bytes"),
        ("m.txt", "u1\nu\x1b\n", NO_COLUMNS, "control character"),
        ("m.txt", "userId\nu1\n", NO_COLUMNS, "begins with userId, which names a column.*--format csv"),
        ("m.txt", "id,plan\nu1,a\n", NO_COLUMNS, "looks like a CSV table"),
        ("m.txt", '{"userId":"u1"}\n', NO_COLUMNS, "begins like JSON.*--format ndjson"),
        ("m.txt", '"u1"\n', NO_COLUMNS, "begins like JSON"),
        ("m.txt", "u1\n", Columns("id"), "has no columns"),
        ("m.txt", b"PAR1....", NO_COLUMNS, "is a Parquet file.*--format parquet"),
        ("m.txt", b"\x89PNG\r\n\x1a\n", NO_COLUMNS, "is a PNG picture"),
        ("m.txt", gzip.compress(b"u1\nu2\n" * 1_000)[:-9], NO_COLUMNS, "damaged or cut off"),
        ("m.txt", b"x" * 5_000_000, NO_COLUMNS, "a line of more than"),
        ("m.csv", "name,plan\na,b\n", NO_COLUMNS, r"no column userId or user_id or id.*it has name, plan"),
        ("m.csv", "user_id,plan\na,b\n", Columns("userid"), "no column userid; did you mean user_id?"),
        ("m.csv", "id,id\na,b\n", NO_COLUMNS, "2 columns id"),
        ("m.csv", "id,plan\na,b\nc\n", NO_COLUMNS, "1 columns on line 3, and 2 names.*cut off"),
        ("m.csv", 'id,plan\na,b\nc,"d', NO_COLUMNS, "not valid CSV on line 3.*cut off"),
        ("m.csv", "id,plan\nu1,a\n,b\nnan,c\n", NO_COLUMNS, "2 rows of 3 that cannot be used.*line 3 .*line 4"),
        ("m.csv", 'id\n"a\nb"\n', NO_COLUMNS, "line break"),
        ("m.csv", b"id,plan\nu1,\xff\n", NO_COLUMNS, "not UTF-8 on line 2"),
        ("m.csv", "id\nu1\n", VALUES, "no column spend"),
        ("m.ndjson", '{"userId":"u1"}\n{"userId":', NO_COLUMNS, "not valid JSON on line 2.*cut off"),
        ("m.ndjson", '["u1"]\n', NO_COLUMNS, "no JSON object on line 1"),
        ("m.ndjson", '{"name":"u1"}\n{"name":"u2"}\n', Columns("userId"), "no column userId"),
        ("m.ndjson", '{"userId":"u1"}\n{"userId":true}\n{"id":"x"}\n', NO_COLUMNS, "2 rows of 3 that cannot be used"),
        ("m.ndjson", '{"userId":1.5}\n', NO_COLUMNS, "must be text or a whole number"),
        ("nowhere.txt", None, NO_COLUMNS, "nowhere.txt cannot be read: No such file"),
    ],
)
def test_what_is_not_a_list_of_members_is_refused(
    tmp_path: Path, name: str, content: bytes | str | None, columns: Columns, message: str
) -> None:
    path = tmp_path / name if content is None else written(tmp_path, name, content)
    with pytest.raises(MembersError, match=f"(?s){message}"):
        read(path, columns)


def test_a_column_that_hardly_differs_is_not_one_of_ids(tmp_path: Path) -> None:
    path = written(tmp_path, "m.csv", "id,country\n" + "".join(f"u{number},c{number % 9}\n" for number in range(100)))
    members, found = read(path, Columns("country"))
    assert len(found) == 9
    with pytest.raises(MembersError, match="only 9 different IDs in 100 rows"):
        members.check_repeats()
    read(path)[0].check_repeats()


def test_many_faults_are_counted_and_few_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path, "m.txt", "".join(["u1\n", *["null\n"] * 5_000]))
    with pytest.raises(MembersError) as refused:
        read(path)
    assert "5,000 rows of 5,001" in str(refused.value)
    assert len(str(refused.value)) < 400
