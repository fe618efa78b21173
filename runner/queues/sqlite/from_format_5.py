"""From format 5 to format 6: dead letters get their groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stored.letter_groups import group_of
from .schema import statements

if TYPE_CHECKING:
    import sqlite3


def from_5(connection: sqlite3.Connection, now: float) -> None:  # noqa: ARG001 - the signature of all steps
    """Migrate an outbox of format 5: give each dead letter its group."""
    connection.create_function("group_of", 3, group_of, deterministic=True)
    for statement in statements(_ADD_GROUPS):
        connection.execute(statement)


# SQLite adds no column without a default, which an earlier version of the program that is still running would use. With
# another name for the size it can write no dead letter.
_ADD_GROUPS = """
ALTER TABLE dead_letters RENAME COLUMN bytes TO size;
ALTER TABLE dead_letters ADD COLUMN group_id INTEGER NOT NULL DEFAULT 0;
UPDATE dead_letters SET group_id = group_of(reason, message, request_id);
CREATE INDEX dead_letters_by_group ON dead_letters (group_id, at);
"""
