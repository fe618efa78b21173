"""How far each source has been accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import Position

if TYPE_CHECKING:
    import sqlite3


def find_position(connection: sqlite3.Connection, key: str) -> Position | None:
    """Tell how far a source has been accepted; None when it is not known."""
    row = connection.execute("SELECT name, line, size, digest, is_end FROM positions WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    name, line, size, digest, is_end = row
    return Position(key, name, line, size, digest, bool(is_end))


def put_position(connection: sqlite3.Connection, position: Position) -> None:
    """Note how far a source has been accepted."""
    connection.execute(
        "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)",
        (position.key, position.name, position.line, position.size, position.digest, position.is_end),
    )
