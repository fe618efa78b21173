"""Dead letters as they stand in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ....definitions import Problem
from ..contract import Letter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from ..contract import Reread

_COLUMNS = (
    "identity, run, at, reason, message, source, line, account, action, subscription, key, event, payload, problems,"
    " status_code, request_id"
)
_MARKS = ", ".join("?" * len(_COLUMNS.split(",")))
_READ = (
    "id, at, reason, message, source, line, event, account, action, subscription, key, payload, problems, status_code,"
    " request_id"
)
_PAGE = 200
_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter that is kept, under its number, since the moment `at` (seconds since 1970)."""

    id: int
    at: float
    letter: Letter


def put_letter(connection: sqlite3.Connection, letter: Letter, identity: bytes, run: int, now: float) -> None:
    """Keep a dead letter of a run, unless it is kept already under the same identity."""
    connection.execute(
        f"INSERT OR IGNORE INTO letters ({_COLUMNS}) VALUES ({_MARKS})",  # noqa: S608 - constants
        (
            identity,
            run,
            now,
            letter.reason,
            letter.message,
            letter.source,
            letter.line,
            letter.account,
            letter.action,
            letter.subscription,
            letter.key,
            letter.event,
            letter.payload,
            _to_json([[problem.place, problem.message] for problem in letter.problems]).decode(),
            letter.status_code,
            letter.request_id,
        ),
    )


def forget_beginnings(connection: sqlite3.Connection, reread: Reread) -> None:
    """Forget the unreadable letters of what was the beginning of a text by then."""
    connection.execute(
        "DELETE FROM letters WHERE reason = 'unreadable' AND account = ? AND source = ? AND line = ?"
        " AND event = substr(?, 1, length(event))",
        (reread.account, reread.source, reread.line, reread.text),
    )


def letters_of(connection: sqlite3.Connection, numbers: Sequence[int]) -> Iterator[KeptLetter]:
    """Read dead letters by their numbers, some at a time."""
    for start in range(0, len(numbers), _PAGE):
        some = numbers[start : start + _PAGE]
        marks = ",".join("?" * len(some))
        query = f"SELECT {_READ} FROM letters WHERE id IN ({marks}) ORDER BY id"  # noqa: S608 - marks
        for number, at, *columns, problems, status, request_id in connection.execute(query, some).fetchall():
            pairs = cast("list[list[str]]", msgspec.json.decode(problems))
            values: list[Any] = [*columns, tuple(Problem(*pair) for pair in pairs), status, request_id]
            yield KeptLetter(number, at, Letter(*values))
