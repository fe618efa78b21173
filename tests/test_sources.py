"""Input is read as a stream, in any blocks, and damage ends as little as it can."""

from __future__ import annotations

import gzip
import io
import json

import pytest

from kable_destination.runner.scanners import MAX_EVENT_BYTES, ArrayScanner, LineScanner, Piece
from kable_destination.runner.sources import Chunk, read_events
from segment_events import ndjson, track


def read(data: bytes) -> Chunk:
    """Read everything as one chunk."""
    whole = Chunk([], [], [])
    for chunk in read_events(io.BytesIO(data)):
        whole.events.extend(chunk.events)
        whole.lines.extend(chunk.lines)
        whole.unreadable.extend(chunk.unreadable)
    return whole


def scanned(scanner: ArrayScanner | LineScanner, data: bytes, block: int) -> list[Piece]:
    """Scan data in blocks of a size."""
    pieces = [piece for at in range(0, len(data), block) for piece in scanner.feed(data[at : at + block])]
    return pieces + scanner.end()


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_cut_into_its_elements_wherever_the_blocks_end(block: int, indent: int | None) -> None:
    elements = [{"a": 'x"]},[{\\'}, {"b": [[1, 2], {"c": {}}]}, 5, "te,xt", [], {"ü": "\\\\"}]
    data = json.dumps(elements, indent=indent).encode()
    pieces = scanned(ArrayScanner(), data, block)
    assert [json.loads(piece.text) for piece in pieces] == elements
    assert all(piece.fault is None for piece in pieces)
    lines = data.decode().split("\n")
    for piece in pieces:
        assert piece.text.split(b"\n")[0].decode() in lines[piece.line - 1]


def test_indented_objects_are_read_one_after_the_other() -> None:
    events = [track(1, properties={"a": {"b": [1, "}"]}}), {"b": {}}]
    text = "\n\n".join(json.dumps(event, indent=2) for event in events)
    chunk = read(text.encode())
    assert chunk.events == events
    first_lines = text.count("\n", 0, text.index('{\n  "b": {}')) + 1
    assert chunk.lines == [1, first_lines]


def test_a_bad_indented_object_leaves_the_next_readable() -> None:
    chunk = read(b'{\n  "a": ,\n}\n{\n  "b": 1\n}\n{\n  "c": 1')
    assert chunk.events == [{"b": 1}]
    assert [problem.line for problem in chunk.unreadable] == [1, 7]


@pytest.mark.parametrize("block", [1, 5, 100_000])
def test_lines_are_cut_wherever_the_blocks_end(block: int) -> None:
    data = b'{"a":1}\n\n  \r\n{"b":"\xe2\x80\xa8"}\r\nlast'
    pieces = scanned(LineScanner(), data, block)
    assert [(piece.line, piece.text.strip()) for piece in pieces] == [
        (1, b'{"a":1}'),
        (4, b'{"b":"\xe2\x80\xa8"}'),
        (5, b"last"),
    ]


def test_a_bad_element_of_an_array_leaves_the_others_readable() -> None:
    chunk = read(b'[{"a":1},\n{"b":},\n{"c":3},,\n7,\n{"d":4}]')
    assert chunk.events == [{"a": 1}, {"c": 3}, {"d": 4}]
    assert [problem.line for problem in chunk.unreadable] == [2, 3, 4]


@pytest.mark.parametrize("data", [b'[{"a":1},{"b":2', b'[{"a":1},', b'[{"a":1}'])
def test_an_array_that_is_cut_off_is_reported(data: bytes) -> None:
    chunk = read(data)
    assert "cut off" in chunk.unreadable[-1].message


def test_what_follows_an_array_is_reported() -> None:
    chunk = read(b'[\n{"a":1}\n]\n{"b":2}\n')
    assert chunk.events == [{"a": 1}]
    assert "after the end" in chunk.unreadable[0].message


def test_an_empty_input_holds_no_events() -> None:
    for data in (b"", b"\n\n", b"[]", b" [ ]\n", gzip.compress(b"")):
        assert read(data) == Chunk([], [], [])


def test_a_list_on_the_first_line_is_a_bad_line_when_others_follow() -> None:
    chunk = read(b'[1,2]\n{"a":1}\n')
    assert chunk.events == [{"a": 1}]
    assert len(chunk.unreadable) == 1


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read(b"\xef\xbb\xbf" + ndjson({"a": 1})).events == [{"a": 1}]


def test_a_line_that_is_too_long_is_reported_without_being_kept_whole() -> None:
    scanner = LineScanner()
    pieces = [piece for _ in range(20) for piece in scanner.feed(b"x" * 1_000_000)]
    pieces += scanner.feed(b'\n{"a":1}\n') + scanner.end()
    assert [(piece.line, piece.fault is None) for piece in pieces] == [(1, False), (2, True)]
    assert len(pieces[0].text) <= MAX_EVENT_BYTES


def test_an_element_that_is_too_long_is_reported_and_the_next_is_read() -> None:
    scanner = ArrayScanner()
    pieces = scanner.feed(b'[{"a":[')
    for _ in range(20):
        pieces += scanner.feed(b'"%b",' % (b"x" * 1_000_000))
    pieces += scanner.feed(b'1]},{"b":2}]') + scanner.end()
    assert [piece.fault is None for piece in pieces] == [False, True]
    assert pieces[1].text == b'{"b":2}'


def test_damaged_gzip_data_keeps_what_came_before() -> None:
    compressed = gzip.compress(ndjson(*(track(number) for number in range(5_000))))
    chunk = read(compressed[: len(compressed) // 2])
    assert 0 < len(chunk.events) < 5_000
    assert "gzip data is damaged" in chunk.unreadable[-1].message


def test_a_gzip_of_several_members_is_one_stream() -> None:
    assert len(read(gzip.compress(ndjson(track(1))) + gzip.compress(ndjson(track(2)))).events) == 2
