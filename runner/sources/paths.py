"""Sources from what a user names on the command line."""

from __future__ import annotations

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
from .descriptors import WaitingFile
from .files import FileSource, shown_path
from .streams import StreamSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Source

STANDARD_INPUT = "-"
"""How a path names standard input."""

STANDARD_INPUT_NAME = "standard input"
_DESCRIPTOR = re.compile(r"/dev/fd/(\d{1,9})|/proc/self/fd/(\d{1,9})")
_STDIN_DESCRIPTOR = 0
_MANY = "can be read only once, and is named twice"


def sources_of(paths: Sequence[str], scope: str = "") -> list[Source]:
    """Return a source for each path; `-` is standard input. Raises SetupError with every path that cannot be read.

    Nothing is opened: who opens a pipe to look at it takes it away from its reader.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            status = _status(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            hint = near_file(path) if isinstance(error, FileNotFoundError) else ""
            problems.append(Problem(shown_path(path), f"cannot be read: {reason}{hint}"))
            continue
        identity = (status.st_dev, status.st_ino)
        if _is_read_once(path, status) and identity in seen:
            name = STANDARD_INPUT_NAME if path == STANDARD_INPUT else "it"
            problems.append(Problem(shown_path(path), f"{name} {_MANY}"))
            continue
        seen.add(identity)
        sources.append(_source(path, status, scope))
    if problems:
        raise SetupError.of(problems)
    return sources


def input_bytes(paths: Sequence[str]) -> int | None:
    """Return the bytes of some files together, as they are stored; None if one is a stream, of any length."""
    statuses = [_status(path) for path in paths]
    return (
        sum([status.st_size for status in statuses]) if all(stat.S_ISREG(item.st_mode) for item in statuses) else None
    )


def _status(path: str) -> os.stat_result:
    """Return the status of what a path names. Raises OSError if it cannot be read."""
    descriptor = _descriptor(path)
    if descriptor is not None:
        if descriptor == _STDIN_DESCRIPTOR and sys.stdin is None:
            # It was closed when the program began; the number may belong to another file by now.
            raise OSError(None, f"{STANDARD_INPUT_NAME} is closed")
        return os.fstat(descriptor)
    status = Path(path).stat()
    if stat.S_ISDIR(status.st_mode):
        raise OSError(None, "it is a folder; name the files in it")
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


def _source(path: str, status: os.stat_result, scope: str) -> Source:
    descriptor = _descriptor(path)
    if descriptor is not None:
        name = STANDARD_INPUT_NAME if path == STANDARD_INPUT else path
        return StreamSource(name, partial(_open_descriptor, descriptor))
    if stat.S_ISREG(status.st_mode):
        return FileSource(path, scope=scope)
    return StreamSource(shown_path(path), partial(WaitingFile, path))


def _open_descriptor(descriptor: int) -> WaitingFile:
    """Open a reader of our own: the interpreter, when it ends, must not wait for a thread that reads `sys.stdin`.

    Opened by its number, since a socket cannot be opened by its path.
    """
    return WaitingFile(descriptor, closefd=False)
