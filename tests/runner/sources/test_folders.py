"""Listing folders: any number of names in bounded memory, and files that vanish after they were listed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kable_destination.runner.sources import folders
from kable_destination.runner.sources.contract import FoundCheckpoint, SourceError
from kable_destination.runner.sources.file_set import FileSet, Listed
from kable_destination.runner.sources.folders import Folder
from kable_destination.runner.sources.patterns import Pattern
from kable_destination.runner.sources.source_options import SourceOptions
from segment_events import ndjson, track

if TYPE_CHECKING:
    from pathlib import Path

    from kable_destination.runner.sources.files import FileSource


def test_a_large_folder_is_listed_in_order_though_few_names_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a", "a!/x", "a-b", "a/1", "a/2", "a/3", "a/4", "a0", "b", "c/d/e", "z", "é"]
    for name in names:
        path = tmp_path / f"{name}.f"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(folders, "_MOST_NAMES_HELD", 2)
    monkeypatch.setattr(folders, "_PAGE_FILES", 3)
    pages = list(Folder(str(tmp_path), SourceOptions()).pages())
    assert max(len(page.files) for page in pages) == 3
    found = [listed.name.removeprefix(f"{tmp_path}/") for page in pages for listed in page.files]
    assert found == sorted((f"{name}.f" for name in names), key=str.encode)


def test_a_file_that_vanishes_before_it_is_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        (tmp_path / name).write_bytes(ndjson(track(number)))

    class Vanishing(Folder):
        """A folder whose second file is deleted after it was listed."""

        def source(self, listed: Listed) -> FileSource:
            (tmp_path / "b").unlink(missing_ok=True)
            return super().source(listed)

    source, texts = FileSet(Vanishing(str(tmp_path), SourceOptions())), list[bytes]()

    async def read() -> None:
        async def find(*keys: str) -> list[FoundCheckpoint | None]:
            return [None for _ in keys]

        async for chunk in source.chunks(find):
            texts.extend(chunk.texts)

    with pytest.raises(SourceError, match=r"1 file of .*: .*/b cannot be read: No such file or directory"):
        asyncio.run(read())
    assert texts == ndjson(track(0), track(2)).splitlines()
    assert (source.files.read, source.files.failed) == (2, 1)


def test_a_copy_is_known_though_its_checkpoint_was_looked_up_before_the_original_was_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_PAGE_FILES", 1)
    for name in "abc":
        (tmp_path / name).write_bytes(ndjson(*map(track, range(5))))
    accepted, texts = dict[str, FoundCheckpoint](), list[bytes]()
    source = FileSet(Folder(str(tmp_path), SourceOptions()))

    async def find(*keys: str) -> list[FoundCheckpoint | None]:
        return [accepted.get(key) for key in keys]

    async def read() -> None:
        async for chunk in source.chunks(find):
            texts.extend(chunk.texts)
            assert chunk.key is not None
            assert chunk.checkpoint is not None
            for key in (chunk.key, *chunk.other_keys):
                accepted[key] = FoundCheckpoint(chunk.source, chunk.checkpoint)

    asyncio.run(read())
    assert len(texts) == 5
    assert (source.files.read, source.files.known) == (1, 2)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a/**/b*.gz", ["a/b.gz", "a/x/b1.gz", "a/x/y/b.gz"], ["a/x/.h/b.gz", "b.gz", "a/b.gzip"]),
        ("a/[0-9]?", ["a/01", "a/9x"], ["a/x1", "a/0", "a/012"]),
        ("a/[!_.]*", ["a/x"], ["a/_x", "a/.x", "a/x/y"]),
        ("a/[", ["a/["], ["a/x"]),
        ("a/**", ["a/x", "a/x/y"], ["a/.x", "a/_x/y"]),
        ("a/[]]*", ["a/]x"], ["a/x"]),
        ("a/[a^-]x", ["a/ax", "a/^x", "a/-x"], ["a/bx"]),
    ],
)
def test_a_pattern_matches_as_in_a_shell(pattern: str, matching: list[str], others: list[str]) -> None:
    compiled = Pattern(pattern)
    assert [path for path in (*matching, *others) if compiled.matches(path)] == matching
    for path in matching:
        parts = path.split("/")
        for depth in range(2, len(parts)):
            assert compiled.may_hold("/".join(parts[:depth]) + "/")
