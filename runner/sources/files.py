"""A regular file as a source."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from .blocks import identities, read_head
from .contract import Resumed, SourceError
from .stored import StoredSource, read_checkpoint
from .tables.opening import stored_blocks

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from os import PathLike

    from .blocks import Block
    from .contract import FindCheckpoints
    from .stored import StoredCheckpoint
    from .tables.columns import Columns

_GENERATION_LETTERS = 16
_QUIET_NANOSECONDS = 2_000_000_000
"""A file that was changed later than this before it was read may change again with no trace in its times."""

_Match = Literal["same", "longer", "other"]


def shown_path(path: str | PathLike[str]) -> str:
    """Return a path as text that can be shown and stored, also if the name of the file is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class FileSource(StoredSource):
    """The events of one file.

    Its checkpoint is known by `scope` and its absolute path, and also by `scope` and how its content begins: a log that
    was rotated has another name and the same content. `scope` says what the events are for: with other settings or
    mappings the file is read from its beginning.
    """

    def __init__(self, path: str, *, scope: str = "", columns: Columns | None = None) -> None:
        self._path = Path(path)
        super().__init__(shown_path(path), file_key(path, scope), _shown_path(path), columns)
        self._scope = scope

    def keys(self) -> list[str]:
        """Return by what its checkpoint may be known. Raises OSError."""
        with self._path.open("rb") as stream:
            return list(self._keys(stream))

    def _open(self) -> IO[bytes]:
        stream = self._path.open("rb")
        self._version = version_of(os.fstat(stream.fileno()))
        return stream

    def _has_news(self, stream: IO[bytes], find: FindCheckpoints, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether there is anything to read, and note where that begins.

        Of several checkpoints that are of this file the one counts that reaches furthest: a copy of it may have been
        read since.
        """
        seen: set[bytes] = set()
        keys = list(self._keys(stream))
        for key, found in zip(keys, self._asked(find, loop, *keys), strict=True):
            if found is None or found.state in seen:
                continue
            seen.add(found.state)
            checkpoint = read_checkpoint(found.state)
            if checkpoint.size < self._accepted.size:
                continue
            match = _compare(stored_blocks(stream, self._columns), checkpoint)
            if match == "same" and checkpoint.is_end:
                self.resumed = Resumed(None, found.name)
                return False
            if match == "other":
                if key == self.key:
                    # Another file had this name.
                    self._generation = hashlib.sha256(found.state).hexdigest()[:_GENERATION_LETTERS]
            else:
                self.resumed = Resumed(checkpoint.line, found.name)
                self._take_up(checkpoint)
        if self._accepted.is_end and self._accepted.path not in {"", self._stored_path}:
            self._was_moved = not _is_still_at(self._accepted, self._columns)
        return True

    def _keys(self, stream: IO[bytes]) -> Iterator[str]:
        """Yield by what a checkpoint may be known: its name, and how it begins, which other files may do too."""
        yield self.key
        stream.seek(0)
        for identity in identities(read_head(stream)):
            yield self._content_key(identity)

    def _other_keys(self, block: Block) -> tuple[str, ...]:
        return (self._content_key(block.identity),) if block.identity else ()

    def _content_key(self, identity: str) -> str:
        return f"{self._scope} content {identity}"


def file_key(path: str, scope: str) -> str:
    """Return the key of the checkpoint of a file."""
    return f"{scope} {shown_path(Path(path).absolute())}"


def version_of(status: os.stat_result) -> str:
    """Return what changes whenever a file does; empty if it has just been changed."""
    latest = max(status.st_mtime_ns, status.st_ctime_ns)
    if time.time_ns() - latest < _QUIET_NANOSECONDS:
        return ""
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def _is_still_at(checkpoint: StoredCheckpoint, columns: Columns | None) -> bool:
    """Return whether the path of a checkpoint still holds what was read there: then a copy was made of it."""
    path = Path(checkpoint.path)
    try:
        # What is not a file any more, such as a pipe, is not opened: that may wait for ever.
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return _compare(stored_blocks(stream, columns), checkpoint) != "other"
    except (OSError, ValueError, SourceError):
        return False


def _shown_path(path: str) -> str:
    """Return the absolute path without links, as text that any store takes: a name may hold any bytes."""
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace")


def _compare(blocks: Iterator[Block], checkpoint: StoredCheckpoint) -> _Match:
    """Return whether a file begins with the bytes that were read before, and whether it holds more."""
    digest, signature, left = bytes.fromhex(checkpoint.digest), hashlib.sha256(), checkpoint.size
    for block in blocks:
        data = block.data
        if not left and data:
            return "longer"
        signature.update(data[:left])
        if len(data) > left:
            return "longer" if signature.digest() == digest else "other"
        left -= len(data)
        if not left and signature.digest() != digest:
            return "other"
    return "same" if not left else "other"
