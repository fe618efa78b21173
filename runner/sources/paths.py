"""Sources from what a user names on the command line."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError
from ..near_files import near_file
from .contract import Chunk, SourceError
from .descriptors import WaitingFile
from .file_set import FileSet
from .files import FileSource, shown_path
from .folders import Folder
from .objects.addresses import is_address, source_of_address
from .patterns import Pattern, has_pattern
from .period import within
from .source_options import SourceOptions
from .streams import StreamSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .contract import FindCheckpoints, Source

STANDARD_INPUT = "-"
"""How a path names standard input."""

STANDARD_INPUT_NAME = "standard input"
_DESCRIPTOR = re.compile(r"/dev/fd/(\d{1,9})|/proc/self/fd/(\d{1,9})")
_STDIN_DESCRIPTOR = 0
_PIPE_BYTES = 1024 * 1024
_MANY = "can be read only once, and is named twice"


def sources_of(paths: Sequence[str], scope: str = "", options: SourceOptions | None = None) -> list[Source]:
    """Return a source for each path: a file, a folder, a pattern that names files, or an address of objects.

    `-` is standard input. `scope` is that of `options`, for those who need no others.

    One that cannot be read fails when it is read, so the others are read. Raises SetupError if none can be read,
    or if one that can be read only once is named twice. Nothing is opened: who opens a pipe to look at it takes it
    away from its reader.
    """
    options = options or SourceOptions(scope)
    sources: list[Source] = []
    unread: list[Problem] = []
    problems: list[Problem] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if is_address(path):
            sources.append(source_of_address(path, options))
            continue
        try:
            status = _status(path)
        except (OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and has_pattern(path):
                sources.append(FileSet(Folder(path, options, Pattern(path))))
                continue
            reason = getattr(error, "strerror", None) or str(error)
            hint = near_file(path) if isinstance(error, FileNotFoundError) else ""
            problem = Problem(shown_path(path), f"cannot be read: {reason}{hint}")
            unread.append(problem)
            sources.append(_UnreadSource(problem))
            continue
        if stat.S_ISDIR(status.st_mode):
            sources.append(FileSet(Folder(path, options)))
            continue
        identity = (status.st_dev, status.st_ino)
        if _is_read_once(path, status) and identity in seen:
            name = STANDARD_INPUT_NAME if path == STANDARD_INPUT else "it"
            problems.append(Problem(shown_path(path), f"{name} {_MANY}"))
            continue
        seen.add(identity)
        sources.append(_source(path, status, options))
    if problems or len(unread) == len(sources) > 0:
        raise SetupError.of([*unread, *problems])
    return [within(source, options.period) for source in sources]


def input_bytes(paths: Sequence[str]) -> int | None:
    """Return the bytes of some files together, as they are stored; None if one is a stream or a folder, of any size."""
    size = 0
    for path in paths:
        if is_address(path) or (has_pattern(path) and not Path(path).exists()):
            return None
        # The run names one that cannot be read when it comes to it.
        with contextlib.suppress(OSError, ValueError):
            status = _status(path)
            if not stat.S_ISREG(status.st_mode):
                return None
            size += status.st_size
    return size


class _UnreadSource:
    """A path that cannot be read. The run says so when it comes to it."""

    key = None
    resumed = None

    def __init__(self, problem: Problem) -> None:
        self.name = problem.place
        self._message = f"{problem.place} {problem.message}"

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:  # noqa: ARG002 - it has none
        """Raise SourceError."""
        for chunk in tuple[Chunk, ...]():
            yield chunk
        raise SourceError(self._message)

    def stop(self) -> None:
        """Do nothing: nothing is being read."""


def _status(path: str) -> os.stat_result:
    """Return the status of what a path names. Raises OSError if it cannot be read."""
    descriptor = _descriptor(path)
    if descriptor is not None:
        if descriptor == _STDIN_DESCRIPTOR and sys.stdin is None:
            # It was closed when the program began; the number may belong to another file by now.
            raise OSError(None, f"{STANDARD_INPUT_NAME} is closed")
        return os.fstat(descriptor)
    status = Path(path).stat()
    if stat.S_ISSOCK(status.st_mode):
        raise OSError(None, "it is a socket; connect to it with another program and pipe the events in")
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return status


def _descriptor(path: str) -> int | None:
    """Return the number of the open file that a path names, if it names one."""
    if path in {STANDARD_INPUT, "/dev/stdin"}:
        return _STDIN_DESCRIPTOR
    match = _DESCRIPTOR.fullmatch(os.path.normpath(path))
    return None if match is None else int(match[1] or match[2])


def _is_read_once(path: str, status: os.stat_result) -> bool:
    return _descriptor(path) is not None or stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode)


def _source(path: str, status: os.stat_result, options: SourceOptions) -> Source:
    descriptor = _descriptor(path)
    if descriptor is not None:
        name = STANDARD_INPUT_NAME if path == STANDARD_INPUT else path
        return StreamSource(name, partial(_open_descriptor, descriptor))
    if stat.S_ISREG(status.st_mode):
        return FileSource(path, scope=options.whole_scope, columns=options.columns)
    return StreamSource(shown_path(path), partial(_open_path, path))


def _open_path(path: str) -> WaitingFile:
    return _with_room(WaitingFile(path))


def _open_descriptor(descriptor: int) -> WaitingFile:
    """Open a reader of our own: the interpreter, when it ends, must not wait for a thread that reads `sys.stdin`.

    Opened by its number, since a socket cannot be opened by its path.
    """
    return _with_room(WaitingFile(descriptor, closefd=False))


def _with_room(stream: WaitingFile) -> WaitingFile:
    """Let a pipe hold more than its 64 KiB: what is read at once fills requests, and is planned together."""
    # Other systems than Linux cannot, and what is not a pipe holds nothing.
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import fcntl  # noqa: PLC0415 - Windows has none

        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return stream
