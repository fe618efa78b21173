"""How to delete what nobody may read any more."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@contextmanager
def overwriting(connection: sqlite3.Connection) -> Iterator[None]:
    """Let zeros take the place of what is deleted: in the file, too, once the log is folded into it.

    Otherwise SQLite does that only where it costs no additional writes.
    """
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA secure_delete = FAST")
