"""The files of a folder, in the order of their paths, as an object store lists its keys."""

from __future__ import annotations

import contextlib
import heapq
import os
import stat
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from .contract import SourceError
from .file_set import Listed, Page
from .files import FileSource, file_key, shown_path, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .patterns import Pattern
    from .source_options import SourceOptions

_PAGE_FILES = 500
_MOST_NAMES_HELD = 50_000
"""A larger folder is looked through once for so many of its names: memory is bounded."""

_HERE = "./"
"""Where a pattern begins that names no folder; its files are named without it."""


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry of a folder."""

    path: str
    is_folder: bool


class Folder:
    """Lists the files in a folder and in those below it, or those that a pattern matches.

    A folder that several names lead to, such as a link to one above it, is read once. Files that the run
    itself writes are not read.
    """

    in_flight = 1
    """A file of a disk is read one after the other: a copy is recognised once the original is accepted."""

    def __init__(self, path: str, options: SourceOptions, pattern: Pattern | None = None) -> None:
        self.name = shown_path(path)
        self.may_be_empty = pattern is None
        self._options = options
        self._scope = options.whole_scope
        self._pattern = pattern
        self._root = path if path.endswith("/") else f"{path}/"
        if pattern is not None:
            self._root = pattern.root or _HERE
        self._written = {os.path.realpath(name) for name in options.written}
        self._written_names = {os.path.basename(name) for name in self._written}  # noqa: PTH119 - many names
        self._seen: set[tuple[int, int]] = set()

    def pages(self) -> Iterator[Page]:
        """Yield the files. This runs in a thread."""
        page = Page()
        for _ in self._walk(self._root, page):
            if len(page.files) >= _PAGE_FILES:
                yield page.taken()
        yield page

    def keys(self, files: Sequence[Listed]) -> list[str]:
        """Return by what the checkpoints of some files may be known: their paths, and how their content begins."""
        keys: list[str] = []
        for listed in files:
            # The run names one that cannot be read when it comes to it.
            with contextlib.suppress(OSError, SourceError):
                keys += self.source(listed).keys()
        return keys

    def source(self, listed: Listed) -> FileSource:
        """Return the source of a file."""
        return FileSource(listed.name, scope=self._scope, columns=self._options.columns)

    def stop(self) -> None:
        """Do nothing: nothing waits."""

    def again(self, listed: Listed) -> Listed:
        """Return the same: a file is opened by its name."""
        return listed

    def _walk(self, root: str, page: Page) -> Iterator[None]:
        """Put into the page what is found, and yield after each."""
        folders = [self._items(root, page)]
        while folders:
            item = next(folders[-1], None)
            if item is None:
                folders.pop()
            elif item.is_folder:
                folders.append(self._items(f"{item.path}/", page))
            else:
                self._take(item, page)
                yield

    def _items(self, folder: str, page: Page) -> Iterator[_Item]:
        """Yield the entries of a folder in order; of one that cannot be read, none."""
        try:
            status = os.stat(folder)  # noqa: PTH116 - many folders
            identity = status.st_dev, status.st_ino
            if identity in self._seen:
                page.others.leave_out(shown_path(folder), "read under another name")
                return
            self._seen.add(identity)
            for order, entry in _in_order(folder):
                if item := self._found(folder, page, entry, is_folder=order.endswith(b"/")):
                    yield item
        except OSError as error:
            page.others.fail(f"{shown_path(folder)} cannot be read: {error.strerror or error}")

    def _found(self, folder: str, page: Page, entry: os.DirEntry[str], *, is_folder: bool) -> _Item | None:
        """Return an entry, if it is to be read."""
        path = f"{'' if folder == _HERE else folder}{entry.name}"
        period = self._options.period
        if period is not None and is_folder and period.is_after(f"{path}/"):
            page.others.leave_out(f"{shown_path(path)}/", "received before --since")
            return None
        if self._pattern is not None:
            is_wanted = self._pattern.may_hold(f"{path}/") if is_folder else self._pattern.matches(path)
            return _Item(path, is_folder) if is_wanted else None
        if entry.name.startswith((".", "_")):
            page.others.leave_out(f"{shown_path(path)}{'/' * is_folder}", "hidden")
            return None
        return _Item(path, is_folder)

    def _take(self, item: _Item, page: Page) -> None:
        name = shown_path(item.path)
        try:
            status = os.stat(item.path)  # noqa: PTH116 - many files
        except OSError as error:
            page.others.fail(f"{name} cannot be read: {error.strerror or error}")
            return
        base = item.path.rpartition("/")[2]
        if base in self._written_names and os.path.realpath(item.path) in self._written:
            page.others.leave_out(name, "written by this run")
        elif not stat.S_ISREG(status.st_mode):
            page.others.leave_out(name, "not a file")
        else:
            page.files.append(Listed(item.path, file_key(item.path, self._scope), version_of(status), status.st_size))


def _in_order(folder: str) -> Iterator[tuple[bytes, os.DirEntry[str]]]:
    """Yield the entries of a folder by their names as bytes, and hold no more than some of them at once.

    The name of a folder ends with a slash, so paths are in the order in which an object store lists its keys.
    """
    after = b""
    while True:
        with os.scandir(folder) as entries:
            named = ((os.fsencode(entry.name) + b"/" * entry.is_dir(), entry) for entry in entries)
            later = (item for item in named if item[0] > after)
            chosen = heapq.nsmallest(_MOST_NAMES_HELD, later, key=itemgetter(0))
        yield from chosen
        if len(chosen) < _MOST_NAMES_HELD:
            return
        after = chosen[-1][0]
