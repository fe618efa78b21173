"""Rows of dead letters. A damaged one is read as a dead letter that says so, since it must not hide the others."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ....definitions import Problem
from ...sources.contract import Origin
from ..contract import DeadLetter, KeptDeadLetter
from .sqlite_errors import is_damage

if TYPE_CHECKING:
    from collections.abc import Sequence

_READ = (
    "SELECT id, at, source, place, unit, problems, reason, message, event, account, action, subscription, key, payload,"
    " path, status_code, request_id FROM dead_letters"
)
_NOTHING = type(None)
_TYPES: tuple[tuple[type, ...], ...] = (
    *((int,), (float, int), (str,), (int,), (str,), (str,), (str,), (str,), (bytes, _NOTHING), (str,)),
    *((str, _NOTHING), (str, _NOTHING), (str, _NOTHING), (bytes, _NOTHING), (str,), (int, _NOTHING), (str, _NOTHING)),
)
"""What the columns hold."""


def read_letters(connection: sqlite3.Connection, ids: Sequence[int]) -> list[KeptDeadLetter]:
    """Return dead letters by ID, the oldest first."""
    try:
        rows = connection.execute(f"{_READ} WHERE id IN ({','.join('?' * len(ids))}) ORDER BY id", ids).fetchall()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return [letter for number in sorted(ids) if (letter := _read_alone(connection, number)) is not None]
    return [_letter(row) for row in rows]


def _read_alone(connection: sqlite3.Connection, number: int) -> KeptDeadLetter | None:
    """Return one dead letter. What is damaged in one row keeps SQLite from reading others with it."""
    try:
        row = connection.execute(f"{_READ} WHERE id = ?", (number,)).fetchone()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return _damaged(number, 0.0, str(error))
    return None if row is None else _letter(row)


def _letter(row: tuple[Any, ...]) -> KeptDeadLetter:
    number, at, source, place, unit, problems, reason, message, *columns, path, status_code, request_id = row
    if not all(isinstance(value, types) for value, types in zip(row, _TYPES, strict=True)):
        return _damaged(number, at if isinstance(at, float) else 0.0, "a column holds a wrong value")
    values: list[Any] = [*columns, _problems(problems), status_code, request_id, path]
    return KeptDeadLetter(number, at, DeadLetter(reason, message, Origin(source, place, unit), *values))


def _damaged(number: int, at: float, reason: str) -> KeptDeadLetter:
    message = f"dead letter {number} of the outbox is damaged ({reason}); its row is kept in the table dead_letters"
    return KeptDeadLetter(number, at, DeadLetter("unreadable", message, Origin("outbox", number, "item"), None))


def _problems(text: str) -> tuple[Problem, ...]:
    """Return the problems of a row; none if they are damaged, since that must not hide the dead letter."""
    try:
        return tuple([Problem(*pair) for pair in cast("list[list[str]]", msgspec.json.decode(text))])
    except (msgspec.DecodeError, TypeError, ValueError):
        return ()
