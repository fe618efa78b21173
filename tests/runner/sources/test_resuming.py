"""Resuming: whichever chunk was accepted last, the next run gets every later event, and none of the earlier ones."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.sources import blocks, stored
from kable_destination.runner.sources.contract import FoundCheckpoint
from kable_destination.runner.sources.event_splitting import Texts
from kable_destination.runner.sources.files import FileSource

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sources.contract import Chunk


def lines(count: int) -> list[bytes]:
    """Make events as lines; one in 500 is blank."""
    return [b"" if number % 500 == 499 else b'{"number": %d}' % number for number in range(count)]


def indented(count: int) -> bytes:
    """Make events as indented objects."""
    return b"".join(b'{\n  "number": %d\n}\n' % number for number in range(count))


FILES = {
    "lines": b"\n".join(lines(1_501)),
    "array": b"[\n" + b",\n".join(filter(None, lines(1_501))) + b"\n]\n",
    "array with gaps": b"[\n" + b",\n".join(lines(1_501)).replace(b"\n,\n", b",,\n") + b"]\n",
    "three on a line": b"[" + b",".join(b"\n" * (at % 3 == 0) + b'{"number": %d}' % at for at in range(1_501)) + b"]",
    "objects": indented(1_501),
    "all on a line": b"[" + b",".join(lines(1_501)) + b"]",
    "all on a line, cut off": b"[" + b",".join(lines(1_501)),
}


async def read(path: Path, after: bytes | None = None, most: int | None = None) -> list[Chunk]:
    """Read a file after a checkpoint, up to some number of chunks."""
    source = FileSource(str(path))
    found: list[Chunk] = []

    async def find(*keys: str) -> list[FoundCheckpoint | None]:
        return [None if after is None else FoundCheckpoint(path.name, after) for _ in keys]

    async for chunk in source.chunks(find):
        found.append(chunk)
        if len(found) == most:
            source.stop()
            break
    return found


def events(chunks: list[Chunk]) -> list[tuple[int, bytes]]:
    """Return the events of chunks, and what is none, with their lines."""
    return [
        item
        for chunk in chunks
        for item in [*zip(chunk.places, chunk.texts, strict=True), *((text.place, b"") for text in chunk.unreadable)]
    ]


@pytest.mark.parametrize("block", [1_000, 20_000])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_no_event_is_skipped_and_none_is_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, block: int, *, zipped: bool
) -> None:
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", block)
    if "all on a line" in name:
        monkeypatch.setattr(stored, "_MOST_HELD_BYTES", 5_000)
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(FILES[name]) if zipped else FILES[name])
    whole = asyncio.run(read(path))
    for most in range(1, len(whole)):
        first = asyncio.run(read(path, most=most))
        checkpoint = next(chunk.checkpoint for chunk in reversed(first) if chunk.checkpoint is not None)
        rest = asyncio.run(read(path, after=checkpoint))
        assert sorted(events(first) + events(rest)) == sorted(events(whole)), f"after chunk {most} of {len(whole)}"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_grows_is_read_on_after_its_last_whole_event(tmp_path: Path, name: str) -> None:
    """Wherever it ended: within a line, within an element, or between two."""
    path, content = tmp_path / "events", FILES[name]
    path.write_bytes(content)
    whole = [text for _, text in events(asyncio.run(read(path))) if text]
    for cut in (len(content) // 3, len(content) // 2, *range(len(content) - 60, len(content), 7)):
        path.write_bytes(content[:cut])
        first = asyncio.run(read(path))
        checkpoint = first[-1].checkpoint
        path.write_bytes(content)
        rest = asyncio.run(read(path, after=checkpoint))
        found = [text for _, text in events(first) + events(rest) if text in whole]
        assert sorted(set(found)) == sorted(whole), f"cut at {cut}"
        assert len(found) <= len(whole) + 1, f"cut at {cut}"


def test_texts_that_may_be_cut_off_are_so_in_whatever_part_they_are() -> None:
    texts = Texts([b"1", b"2", b"half"], [1, 2, 3], next_line=3, loose=1)
    first, rest = texts.divide(1)
    assert (first.on_next_line(), rest.on_next_line()) == ((0, 0), (0, 0))
    assert (first.loose, rest.loose) == (0, 1)
