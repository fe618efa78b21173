"""A copy of an outbox, as of one moment, while others continue writing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ..contract import QueueOpenError
from .file import connect_as_it_is

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def back_up(path: Path, target: Path, *, busy_seconds: float = 60.0) -> int:
    """Copy an outbox to a new file that only its owner can read; return the bytes of the copy.

    The copy is complete or not there: it gets its name when it is on disk, and nothing is overwritten.
    Raises FileExistsError and OSError about the copy, QueueOpenError about the outbox.
    """
    if os.path.lexists(target):
        raise FileExistsError(target)
    with closing(connect_as_it_is(path, busy_seconds)) as source, _new_file(target) as part:
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as copy:
                # In one step, so it is one transaction. In WAL mode it keeps no writer waiting.
                source.backup(copy)
                # The copy is alone: its log is in it, and SQLite needs no other file to read it.
                copy.execute("PRAGMA journal_mode = DELETE")
                damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise QueueOpenError(f"the outbox {path} cannot be copied: {error}") from None
        if damage != "ok":
            raise QueueOpenError(f"the outbox {path} is damaged, and so would be its copy: {damage}")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        size = part.stat().st_size
        _name(part, target)
    return size


@contextlib.contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """Make an empty file beside the target, for its owner alone; it is removed in the end."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield part
    finally:
        for path in (part, part.with_name(f"{part.name}-journal"), part.with_name(f"{part.name}-wal")):
            path.unlink(missing_ok=True)


def _name(part: Path, target: Path) -> None:
    """Give a file its name, unless another one has it by now. Raises FileExistsError."""
    try:
        # A new name for the file fails if the name is taken; to rename it would overwrite.
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems know one name only.
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        part.rename(target)
