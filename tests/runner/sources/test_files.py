"""Input is read as a stream, in any blocks, and damage ends as little as it can."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from kable_destination.definitions import UnreadableError, read_event
from kable_destination.runner.sources import files
from kable_destination.runner.sources.blocks import read_blocks
from kable_destination.runner.sources.chunks import chunk_of
from kable_destination.runner.sources.contract import FoundCheckpoint, SourceError
from kable_destination.runner.sources.event_splitting import MAX_EVENT_BYTES, ArrayScanner, LineScanner, Texts
from kable_destination.runner.sources.files import FileSource
from kable_destination.runner.sources.splitter import Splitter
from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Whole:
    """All that a stream holds: its events with their lines, and what is no event."""

    events: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)


def read(data: bytes) -> Whole:
    """Read everything, as a planner would."""
    whole = Whole()
    splitter = Splitter()
    for chunk in (splitter.feed(block) for block in read_blocks(io.BytesIO(data))):
        whole.unreadable += [(text.place, text.message) for text in chunk.unreadable]
        for line, text in zip(chunk.lines, chunk.texts, strict=True):
            try:
                whole.events.append(read_event(text))
                whole.lines.append(line)
            except UnreadableError as error:
                whole.unreadable.append((line, error.message))
    whole.unreadable.sort()
    return whole


def scanned(scanner: ArrayScanner | LineScanner, data: bytes, block: int) -> Texts:
    """Scan data in blocks of a size."""
    whole = Texts()
    chunks = [scanner.feed(data[at : at + block]) for at in range(0, len(data), block)]
    for chunk in [*chunks, scanner.end()]:
        whole.add_all(chunk)
    return whole


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_cut_into_its_elements_wherever_the_blocks_end(block: int, indent: int | None) -> None:
    elements = [{"a": 'x"]},[{\\'}, {"b": [[1, 2], {"c": {}}]}, 5, "te,xt", [], {"ü": "\\\\"}]
    data = json.dumps(elements, indent=indent).encode()
    chunk = scanned(ArrayScanner(), data, block)
    assert [json.loads(text) for text in chunk.texts] == elements
    assert chunk.unreadable == []
    lines = data.decode().split("\n")
    for line, text in zip(chunk.lines, chunk.texts, strict=True):
        assert text.split(b"\n")[0].decode() in lines[line - 1]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_batch_may_be_longer_than_an_event(indent: int | None) -> None:
    """It holds many of them. It was cut off and kept as one dead letter."""
    batch = {"sentAt": "x", "batch": [track(number, context={"blob": "x" * 9_000}) for number in range(1_000)]}
    text = json.dumps(batch, indent=indent).encode()
    assert len(text) > MAX_EVENT_BYTES
    splitter = Splitter()
    chunks = [chunk_of(splitter.feed(block), "batch") for block in read_blocks(io.BytesIO(text + b"\n"))]
    assert sum(len(chunk.texts) for chunk in chunks) == 1_000
    assert [chunk.unreadable for chunk in chunks if chunk.unreadable] == []


@pytest.mark.parametrize("indent", [None, 1])
def test_an_event_may_not_be_as_long_as_a_batch_though_it_looks_like_one(indent: int | None) -> None:
    text = json.dumps({"batch": [1, 2], "type": "track", "context": "x" * MAX_EVENT_BYTES}, indent=indent).encode()
    splitter = Splitter()
    chunks = [chunk_of(splitter.feed(block), "batch") for block in read_blocks(io.BytesIO(text))]
    assert [chunk.texts for chunk in chunks if chunk.texts] == []
    (unreadable,) = [text for chunk in chunks for text in chunk.unreadable]
    assert "hardly an event" in unreadable.message
    assert len(unreadable.text) <= MAX_EVENT_BYTES


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
    assert [line for line, _ in chunk.unreadable] == [1, 7]


@pytest.mark.parametrize("first", [b"{", b'{"a": 1,', b'{"a": {', b'{"a": 1, "b": [', b'{"a": 1},\n{"b": 2},'])
def test_lines_at_the_beginning_that_are_no_events_hide_no_others(first: bytes) -> None:
    """All of the input was one text: one dead letter for any number of events."""
    chunk = read(first + b'\n{"c": 3}\n{"d": 4}\n')
    assert chunk.events == [{"c": 3}, {"d": 4}]
    assert [line for line, _ in chunk.unreadable] == list(range(1, first.count(b"\n") + 2))


def test_lines_that_end_with_commas_are_an_event_each() -> None:
    chunk = read(b'{"a": 1},\n' * 50)
    assert [line for line, _ in chunk.unreadable] == list(range(1, 51))


@pytest.mark.parametrize("name", [b'"batch": [', b'  "a": 1,', b"}"])
def test_an_object_that_goes_on_in_the_next_line_is_one_text(name: bytes) -> None:
    text = b"{\n%b" % name if name == b"}" else b'{"sentAt": "x",\n%b {"b": 2}' % name
    chunk = read(text + (b"]}" if b"[" in name else b""))
    assert len(chunk.events) + len(chunk.unreadable) == 1


def test_a_string_of_escapes_takes_no_more_memory_than_its_text() -> None:
    """The regular expression noted a way back at each of them: sixty bytes for two."""
    scanner, escapes = ArrayScanner(), rb"\\" * 500_000
    scanner.feed(b'["')
    tracemalloc.start()
    try:
        scanner.feed(escapes)
        assert tracemalloc.get_traced_memory()[1] < 5 * len(escapes)
    finally:
        tracemalloc.stop()
    assert scanner.feed(b'", 1]').lines == [1, 1]


@pytest.mark.parametrize("block", [1, 5, 100_000])
def test_lines_are_cut_wherever_the_blocks_end(block: int) -> None:
    data = b'{"a":1}\n\n  \r\n{"b":"\xe2\x80\xa8"}\r\nlast'
    chunk = scanned(LineScanner(), data, block)
    assert chunk.lines == [1, 4, 5]
    assert [text.strip() for text in chunk.texts] == [b'{"a":1}', b'{"b":"\xe2\x80\xa8"}', b"last"]


def test_a_bad_element_of_an_array_leaves_the_others_readable() -> None:
    chunk = read(b'[{"a":1},\n{"b":},\n{"c":3},,\n7,\n{"d":4}]')
    assert chunk.events == [{"a": 1}, {"c": 3}, {"d": 4}]
    assert [line for line, _ in chunk.unreadable] == [2, 3, 4]


@pytest.mark.parametrize("data", [b'[{"a":1},{"b":2', b'[{"a":1},', b'[{"a":1}'])
def test_an_array_that_is_cut_off_is_reported(data: bytes) -> None:
    chunk = read(data)
    assert "cut off" in chunk.unreadable[-1][1]


def test_what_follows_an_array_is_reported() -> None:
    chunk = read(b'[\n{"a":1}\n]\n{"b":2}\n')
    assert chunk.events == [{"a": 1}]
    assert "after the end" in chunk.unreadable[0][1]


def test_an_empty_input_holds_no_events() -> None:
    for data in (b"", b"\n\n", b"[]", b" [ ]\n", gzip.compress(b"")):
        assert read(data) == Whole()


def test_a_list_on_the_first_line_is_a_bad_line_when_others_follow() -> None:
    chunk = read(b'[1,2]\n{"a":1}\n')
    assert chunk.events == [{"a": 1}]
    assert len(chunk.unreadable) == 1


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read(b"\xef\xbb\xbf" + ndjson({"a": 1})).events == [{"a": 1}]


def test_a_line_that_is_too_long_is_reported_without_being_kept_whole() -> None:
    scanner = LineScanner()
    chunks = [scanner.feed(b"x" * 1_000_000) for _ in range(20)]
    chunks += [scanner.feed(b'\n{"a":1}\n'), scanner.end()]
    unreadable = [text for chunk in chunks for text in chunk.unreadable]
    assert [text.place for text in unreadable] == [1]
    assert len(unreadable[0].text) <= MAX_EVENT_BYTES
    assert [(chunk.lines, chunk.texts) for chunk in chunks if chunk.texts] == [([2], [b'{"a":1}'])]


def test_an_element_that_is_too_long_is_reported_and_the_next_is_read() -> None:
    scanner = ArrayScanner()
    chunks = [scanner.feed(b'[{"a":[')]
    chunks += [scanner.feed(b'"%b",' % (b"x" * 1_000_000)) for _ in range(20)]
    chunks.append(scanner.feed(b'1]},{"b":2}]'))
    chunks.append(scanner.end())
    assert sum(len(chunk.unreadable) for chunk in chunks) == 1
    assert [text for chunk in chunks for text in chunk.texts] == [b'{"b":2}']


def test_damaged_gzip_data_keeps_what_came_before() -> None:
    compressed = gzip.compress(ndjson(*(track(number) for number in range(5_000))))
    chunk = read(compressed[: len(compressed) // 2])
    assert 0 < len(chunk.events) < 5_000
    assert "gzip data is damaged" in chunk.unreadable[-1][1]


def test_a_gzip_of_several_members_is_one_stream() -> None:
    assert len(read(gzip.compress(ndjson(track(1))) + gzip.compress(ndjson(track(2)))).events) == 2


def test_an_endless_string_in_an_array_takes_time_in_proportion_to_its_length() -> None:
    def seconds(megabytes: int) -> float:
        scanner, began = ArrayScanner(), time.process_time()
        chunks = [scanner.feed(b'[{"a":1},{"b":"')]
        chunks += [scanner.feed(b"x\\n" * 21_845) for _ in range(megabytes * 16)]
        chunks += [scanner.feed(b'"},{"c":2}]'), scanner.end()]
        assert [text for chunk in chunks for text in chunk.texts] == [b'{"a":1}', b'{"c":2}']
        assert [len(text.text) for chunk in chunks for text in chunk.unreadable] < [MAX_EVENT_BYTES * 2]
        return time.process_time() - began

    assert seconds(60) < 15 * seconds(12)


@pytest.mark.parametrize("tail", [b'"}]', b'\\"}]', b'\\\\"}]', b'", "x": ["]"]}]'])
@pytest.mark.parametrize("block", [1, 2, 3, 5])
def test_a_string_ends_where_it_ends_wherever_the_blocks_end(tail: bytes, block: int) -> None:
    data = b'[{"a":"te\\\\xt\\"' + tail
    chunk = scanned(ArrayScanner(), data, block)
    assert chunk.texts == scanned(ArrayScanner(), data, 1_000).texts
    assert bool(chunk.texts) != tail.startswith(b'\\"')


def test_a_file_that_is_cut_between_comparing_and_reading_is_refused(tmp_path: Path) -> None:
    """Otherwise the beginning of what is new would be taken for what was accepted."""
    path = tmp_path / "app.log"
    old = ndjson(*(track(number) for number in range(2_000)))
    path.write_bytes(old)

    async def first() -> bytes:
        chunks = [chunk async for chunk in FileSource(str(path)).chunks(None)]
        checkpoint = chunks[-1].checkpoint
        assert checkpoint is not None
        return checkpoint

    checkpoint = asyncio.run(first())
    path.write_bytes(old + ndjson(track(2_000)))

    async def second() -> list[bytes]:
        source = FileSource(str(path))

        async def find(*keys: str) -> list[FoundCheckpoint | None]:
            return [FoundCheckpoint("app.log", checkpoint) for _ in keys]

        texts: list[bytes] = []
        compare = files._compare

        def compared(stream: Any, accepted: Any) -> Any:
            match = compare(stream, accepted)
            path.write_bytes(ndjson(*(track(number) for number in range(5_000, 8_000))))
            return match

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "_compare", compared)
            async for chunk in source.chunks(find):
                texts += chunk.texts
        return texts

    with pytest.raises(SourceError, match="was replaced while it was read"):
        asyncio.run(second())
