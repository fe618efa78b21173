"""Files that hold events: made for their owner alone, and never by way of a link."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_to_append(path: Path) -> int:
    """Open a file to append to it, and return its descriptor. A new one is readable by its owner only.

    Raises OSError, also for a link to a file that does not exist: the maker of a link must not choose where events are
    written.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        raise OSError(errno.ENOENT, "it is a link to a file that does not exist") from None


def others_may_use(path: Path) -> str | None:
    """Return the permissions of a file that others than its owner may read or write; None if nobody else may."""
    try:
        found = path.stat()
    except OSError:
        return None
    if os.name != "posix" or not stat.S_ISREG(found.st_mode) or not found.st_mode & _OTHERS:
        return None
    return f"{stat.S_IMODE(found.st_mode):04o}"
