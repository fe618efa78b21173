"""The objects of a bucket below a prefix, as a listing of files."""

from __future__ import annotations

import gc
from typing import IO, TYPE_CHECKING, cast

from ..contract import Resumed, SourceError
from ..file_set import Listed, Page
from ..segment_archive import path_of_day
from ..stored import StoredSource, read_checkpoint
from .contract import RemovedError, StoredObject
from .range_file import RangeFile

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Sequence

    from ..contract import FindCheckpoints
    from ..patterns import Pattern
    from ..source_options import SourceOptions
    from ..tables.columns import Columns
    from .contract import ObjectPage
    from .retrying import RetryingStore

_IN_FLIGHT = 16
"""A store answers after some hundredths of a second, and many at a time."""


class ObjectSource(StoredSource):
    """The events of one object, of the version that was listed.

    Its checkpoint is known by its address. It counts if it is of the same version, since a version never changes.
    """

    def __init__(self, store: RetryingStore, stored: StoredObject, listed: Listed, columns: Columns | None) -> None:
        super().__init__(listed.name, listed.key, listed.name, columns)
        self._store = store
        self._stored = stored
        self._version = stored.version

    def _open(self) -> IO[bytes]:
        return cast("IO[bytes]", RangeFile(self._store, self._stored))

    def _has_news(self, stream: IO[bytes], find: FindCheckpoints, loop: asyncio.AbstractEventLoop) -> bool:  # noqa: ARG002
        (found,) = self._asked(find, loop, self.key)
        if found is None:
            return True
        checkpoint = read_checkpoint(found.state)
        if not self._version:
            # Nothing shows whether the object is the same. Its events that were accepted are known by their IDs.
            return True
        if checkpoint.version != self._version:
            self._generation = self._version
            return True
        self.resumed = Resumed(None if checkpoint.is_end else checkpoint.line, found.name)
        if not checkpoint.is_end:
            self._take_up(checkpoint)
        return not checkpoint.is_end


class Bucket:
    """Lists the objects below a prefix, or those that a pattern matches, in the order of their keys.

    `address` is what comes before a key, such as `s3://bucket/`. A prefix without a slash at its end names an object
    or a folder, and never the beginning of another name.
    """

    may_be_empty = False
    in_flight = _IN_FLIGHT

    def __init__(
        self, store: RetryingStore, address: str, path: str, options: SourceOptions, pattern: Pattern | None
    ) -> None:
        self.name = f"{address}{path}"
        self._early_day = ""
        self._store = store
        self._address = address
        self._path = path
        self._options = options
        self._period = options.period
        self._pattern = pattern

    def pages(self) -> Iterator[Page]:
        """Yield the objects, page by page. This runs in a thread. Raises SourceError."""
        prefix = self._path if self._pattern is None else self._pattern.literal
        following: str | None = ""
        last = b""
        while following is not None:
            try:
                found = self._store.list_page(prefix, following)
            except SourceError as error:
                raise SourceError(f"{self.name} {error}") from error
            page = Page()
            for stored in found.objects:
                order = stored.key.encode(errors="surrogateescape")
                # A list that is continued at a key would leave out what is not in order.
                if order <= last and last and not found.is_token:
                    raise SourceError(f"{self.name} is not listed in the order of its keys, so nothing more is read")
                last = order
                self._take(stored, page)
            following = self._after_early_days(found)
            yield page
            # Libraries of stores leave circles with each answer, and a run lets Python look for those seldom.
            gc.collect(0)

    def keys(self, files: Sequence[Listed]) -> list[str]:
        """Return the keys of the checkpoints of some objects."""
        return [listed.key for listed in files]

    def source(self, listed: Listed) -> ObjectSource:
        """Return the source of an object."""
        stored = StoredObject(listed.name.removeprefix(self._address), listed.version, listed.size)
        return ObjectSource(self._store, stored, listed, self._options.columns)

    def again(self, listed: Listed) -> Listed:
        """Return an object as it is now. Raises SourceError if it was removed."""
        try:
            stored = self._store.find(listed.name.removeprefix(self._address))
        except RemovedError:
            raise SourceError(f"{listed.name} was removed before it was read to its end") from None
        except SourceError as error:
            raise SourceError(f"{listed.name} {error}") from error
        return self._listed(stored)

    def stop(self) -> None:
        """Let nothing wait for the store any more."""
        self._store.stop()

    def _after_early_days(self, found: ObjectPage) -> str | None:
        """Return where the next page begins: days that hold nothing of the period are not listed to their end."""
        following = found.following
        if following is None or found.is_token or self._period is None or not self._period.is_after(following):
            return following
        first = self._period.first_day
        return following if first is None else max(following, path_of_day(following, first) or "")

    def _take(self, stored: StoredObject, page: Page) -> None:
        key, path = stored.key, self._path
        if key.endswith("/"):
            # An empty object that consoles make for a folder.
            return
        if self._period is not None and self._period.is_after(key):
            day = key[: key.rindex("/") + 1]
            if day != self._early_day:
                self._early_day = day
                page.others.leave_out(f"{self._address}{day}", "received before --since")
            return
        if self._pattern is not None:
            if self._pattern.matches(key):
                page.files.append(self._listed(stored))
            return
        if path and not path.endswith("/") and key != path and not key.startswith(f"{path}/"):
            return
        if any(name.startswith((".", "_")) for name in key[len(path) :].split("/")):
            page.others.leave_out(f"{self._address}{key}", "hidden")
        else:
            page.files.append(self._listed(stored))

    def _listed(self, stored: StoredObject) -> Listed:
        name = f"{self._address}{stored.key}"
        return Listed(name, f"{self._options.whole_scope} {name}", stored.version, stored.size)
