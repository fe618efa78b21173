"""Many files as one source: those of a folder, of a pattern, or of a bucket, in the order of their names."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .checkpoints import PageCheckpoints
from .contract import FileCounts, ReplacedError, SourceError
from .stored import read_checkpoint
from .threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .contract import Chunk, FindCheckpoints, FoundCheckpoint, Source

_MOST_BYTES_IN_FLIGHT = 32 * 1024 * 1024
_ATTEMPTS = 3
"""How often a file is read that is replaced each time while it is."""


class Listed(NamedTuple):
    """A file of a listing: its name, the key of its checkpoint, what changes with it, and its bytes as stored."""

    name: str
    key: str
    version: str
    size: int


@dataclass(slots=True)
class Page:
    """Some files of a listing, and the counts of others that are left out or cannot be read."""

    files: list[Listed] = field(default_factory=list)
    others: FileCounts = field(default_factory=FileCounts)

    def taken(self) -> Page:
        """Return what it holds, and hold nothing more."""
        taken = Page(self.files, self.others)
        self.files, self.others = [], FileCounts()
        return taken


class Listing(Protocol):
    """Lists files page by page, so there may be any number of them.

    `may_be_empty`: it is not an error if there are none. `in_flight` files are read at the same time.
    """

    name: str
    may_be_empty: bool
    in_flight: int

    def pages(self) -> Iterator[Page]:
        """Yield the files in order. This runs in a thread. Raises SourceError."""

    def keys(self, files: Sequence[Listed]) -> list[str]:
        """Return by what the checkpoints of some files may be known. This runs in a thread."""

    def source(self, listed: Listed) -> Source:
        """Return the source of a file."""

    def stop(self) -> None:
        """Let nothing wait any more, as a call that is to be repeated does."""

    def again(self, listed: Listed) -> Listed:
        """Return a file that was replaced, as it is now. This runs in a thread. Raises SourceError."""


@dataclass(slots=True)
class _Begun:
    """A file that is being read, and its first chunk."""

    listed: Listed
    source: Source
    chunks: AsyncIterator[Chunk]
    first: asyncio.Future[Chunk | None]
    known: PageCheckpoints | None


class FileSet:
    """The events of many files. Each has a checkpoint of its own; all are listed in each run.

    So a run finds whatever is new or was replaced, under whatever name, and skips what an earlier run has accepted. A
    file that cannot be read does not keep the others from being read. It raises SourceError at the end, if there were
    such files, or if there were none at all.
    """

    resumed = None

    def __init__(self, listing: Listing) -> None:
        self.name = listing.name
        self.key = listing.name
        self.files = FileCounts()
        self._listing = listing
        self._in_flight: deque[_Begun] = deque()
        self._known: PageCheckpoints | None = None
        self._stopped = asyncio.Event()

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield the chunks of one file after the other."""
        pages = self._listing.pages()
        try:
            # One page is listed while files of the one before are read.
            listing = _listed(pages)
            while (page := await listing) is not None and not self._stopped.is_set():
                listing = _listed(pages)
                self.files.add(page.others)
                known = self._known = None if find is None else PageCheckpoints(find)
                for listed in await self._news(page, known):
                    while self._is_enough(listed):
                        async for chunk in self._rest_of_first():
                            yield chunk
                    if self._stopped.is_set():
                        break
                    self._begin(listed, known)
            while self._in_flight:
                async for chunk in self._rest_of_first():
                    yield chunk
        finally:
            for begun in self._in_flight:
                begun.source.stop()
                _drop(begun.first)
            _drop(listing)
        self._raise_problems()

    def stop(self) -> None:
        """Read nothing more; what was read already is still yielded."""
        self._stopped.set()
        self._listing.stop()
        for begun in self._in_flight:
            begun.source.stop()

    async def _news(self, page: Page, known: PageCheckpoints | None) -> list[Listed]:
        """Return the files of a page that were not accepted to their end by an earlier run."""
        if known is None or not page.files:
            return page.files
        found = await known(*(listed.key for listed in page.files))
        news = []
        for listed, earlier in zip(page.files, found, strict=True):
            if not _is_same(listed, earlier):
                news.append(listed)
                known.keep(listed.key, earlier)
        self.files.known += len(page.files) - len(news)
        await known.look_up(await in_thread(lambda: self._listing.keys(news)))
        return news

    def _is_enough(self, listed: Listed) -> bool:
        size = listed.size + sum(begun.listed.size for begun in self._in_flight)
        is_full = len(self._in_flight) >= self._listing.in_flight
        return bool(self._in_flight) and (is_full or size > _MOST_BYTES_IN_FLIGHT)

    def _begin(self, listed: Listed, known: PageCheckpoints | None) -> None:
        source = self._listing.source(listed)
        chunks = source.chunks(known)
        self._in_flight.append(_Begun(listed, source, chunks, asyncio.ensure_future(anext(chunks, None)), known))

    async def _begin_again(self, begun: _Begun) -> bool:
        """Read a file again that was replaced; return whether it is still there.

        What was accepted of it stays so: events that it still holds are known by their IDs.
        """
        try:
            listed = await in_thread(lambda: self._listing.again(begun.listed))
        except SourceError as error:
            self.files.fail(str(error))
            return False
        self._in_flight.popleft()
        self._begin(listed, begun.known)
        self._in_flight.rotate(1)
        return True

    async def _rest_of_first(self) -> AsyncIterator[Chunk]:
        """Yield the chunks of the file that was begun first, and count it."""
        begun = self._in_flight[0]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                chunk = await begun.first
                while chunk is not None:
                    self._note_changed(chunk)
                    yield chunk
                    chunk = await anext(begun.chunks, None)
            except SourceError as error:
                is_replaced = isinstance(error, ReplacedError) and attempt < _ATTEMPTS and not self._stopped.is_set()
                if is_replaced and await self._begin_again(begun):
                    begun = self._in_flight[0]
                    continue
                if not is_replaced:
                    self.files.fail(str(error))
            else:
                resumed = begun.source.resumed
                if resumed is not None and resumed.place is None:
                    self.files.known += 1
                elif not self._stopped.is_set():
                    self.files.read += 1
            break
        self._in_flight.popleft()

    def _note_changed(self, chunk: Chunk) -> None:
        """Note that checkpoints change, for files that are begun and may be copies of this one."""
        pages = [self._known, *(begun.known for begun in self._in_flight)]
        for known in {id(known): known for known in pages}.values():
            if known is not None and chunk.key is not None:
                known.changed.update((chunk.key, *chunk.other_keys))

    def _raise_problems(self) -> None:
        files = self.files
        if files.failed:
            more = f"; and {files.failed - len(files.problems):,} more" if files.failed > len(files.problems) else ""
            count = "1 file" if files.failed == 1 else f"{files.failed:,} files"
            raise SourceError(f"{count} of {self.name}: {'; '.join(files.problems)}{more}")
        if not (files.read or files.known or self._stopped.is_set() or self._listing.may_be_empty):
            hidden = ", ".join(f"{count:,} {reason}" for reason, count in files.left_out.items())
            raise SourceError(f"{self.name} names no file{f' (left out: {hidden})' if hidden else ''}")


def _listed(pages: Iterator[Page]) -> asyncio.Future[Page | None]:
    """List the next page, in a thread: a disk or a network may take its time."""
    return in_thread(lambda: next(pages, None))


def _drop(future: asyncio.Future[Any]) -> None:
    """Wait for a result no more; what it raises is of no interest."""
    future.cancel()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())


def _is_same(listed: Listed, found: FoundCheckpoint | None) -> bool:
    """Return whether an earlier run accepted all of a file that has not changed since."""
    if found is None or not listed.version:
        return False
    checkpoint = read_checkpoint(found.state)
    return checkpoint.is_end and checkpoint.version == listed.version
