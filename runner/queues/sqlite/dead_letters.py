"""Dead letters in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..contract import DeadLetterFilter, DeadLetterGroup
from ..stored.letter_groups import REASONS, common_message, group_of, groups_with
from .letter_rows import read_letters
from .overwriting import overwriting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ..contract import DeadLetter, KeptDeadLetter, Reason, RereadText

_COLUMNS = (
    "identity, run, at, reason, message, source, place, unit, event, account, action, subscription, key, payload,"
    " problems, status_code, request_id, path, name, size, group_id"
)
_INSERT = f"INSERT OR IGNORE INTO dead_letters ({_COLUMNS}) VALUES ({', '.join('?' * len(_COLUMNS.split(',')))})"  # noqa: S608 - constants
_PAGE = 200
_UNREADABLE = groups_with("unreadable")
_to_json = msgspec.json.Encoder().encode
_read_ids = msgspec.json.Decoder(list[int]).decode


class DeadLetterTable:
    """The dead letters of an outbox."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, letter: DeadLetter, identity: bytes, name: bytes | None, run: int, now: float) -> bool:
        """Store a dead letter of a run, unless one with the same identity is stored; return whether it was stored."""
        problems = _to_json([[problem.place, problem.message] for problem in letter.problems]).decode()
        cursor = self._connection.execute(
            _INSERT,
            (
                identity, run, now, letter.reason, letter.message, *letter.origin, letter.event, letter.account,
                letter.action, letter.subscription, letter.key, letter.payload, problems, letter.status_code,
                letter.request_id, letter.path, name, letter.size,
                group_of(letter.reason, letter.message, letter.request_id),
            ),
        )  # fmt: skip
        return cursor.rowcount > 0

    def reason(self, identity: bytes) -> Reason | None:
        """Return the reason of a dead letter; None if there is none with this identity."""
        row = self._connection.execute("SELECT reason FROM dead_letters WHERE identity = ?", (identity,)).fetchone()
        return None if row is None else row[0]

    def event(self, identity: bytes) -> bytes | None:
        """Return the event of a dead letter; None if there is none with this identity."""
        row = self._connection.execute("SELECT event FROM dead_letters WHERE identity = ?", (identity,)).fetchone()
        return None if row is None else row[0]

    def has_named(self, name: bytes) -> bool:
        """Return whether there is a dead letter with a name."""
        query = "SELECT 1 FROM dead_letters WHERE name = ? LIMIT 1"
        return self._connection.execute(query, (name,)).fetchone() is not None

    def delete_named(self, names: Collection[bytes]) -> None:
        """Delete the dead letters with these names."""
        if not self._connection.execute("SELECT 1 FROM dead_letters WHERE name IS NOT NULL LIMIT 1").fetchone():
            return
        self._connection.executemany("DELETE FROM dead_letters WHERE name = ?", [(name,) for name in names])

    def delete_reread(self, reread: RereadText) -> None:
        """Delete the dead letters that hold only the beginning of a text."""
        self._connection.execute(
            "DELETE FROM dead_letters WHERE group_id BETWEEN :first AND :last AND account = :account AND path = :path"
            " AND (path <> '' OR source = :source) AND place = :place AND unit = :unit"
            " AND event = substr(:text, 1, length(event))",
            {
                "first": _UNREADABLE[0],
                "last": _UNREADABLE[1],
                "account": reread.account,
                "path": reread.path,
                "source": reread.origin.source,
                "place": reread.origin.place,
                "unit": reread.origin.unit,
                "text": reread.text,
            },
        )

    def take(self, ids: Collection[int]) -> Mapping[int, bytes]:
        """Delete dead letters, and return the identity of each that was there."""
        query = "DELETE FROM dead_letters WHERE id = ? RETURNING identity"
        with overwriting(self._connection):
            return {number: row[0] for number in ids for row in self._connection.execute(query, (number,)).fetchall()}

    def bytes(self) -> int:
        """Return the sizes of all dead letters together."""
        return int(self._connection.execute("SELECT coalesce(sum(size), 0) FROM dead_letters").fetchone()[0])

    def oldest(self, most: int) -> Iterator[tuple[int, float, int]]:
        """Yield ID, moment and size of up to so many dead letters, the oldest first."""
        yield from self._connection.execute("SELECT id, at, size FROM dead_letters ORDER BY id LIMIT ?", (most,))

    def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        """Return dead letters by reason and message (without request IDs), the largest group first."""
        condition, values = _condition(chosen)
        rows = self._connection.execute(
            # As bytes: SQLite's module raises an error for text that is damaged.
            "SELECT cast(reason AS BLOB), cast(message AS BLOB), cast(request_id AS BLOB),"  # noqa: S608 - a constant condition
            " ids, first_at, last_at FROM ("
            " SELECT count(*) AS letters, min(at) AS first_at, max(at) AS last_at, max(id) AS newest,"
            " json_group_array(id) AS ids"
            f" FROM dead_letters WHERE {condition} GROUP BY group_id)"
            " JOIN dead_letters ON id = newest ORDER BY letters DESC, newest DESC",
            values,
        )
        return [
            DeadLetterGroup(
                cast("Reason", _text(reason)),
                common_message(_text(message), _text(request_id)),
                sorted(_read_ids(ids)),
                *moments,
            )
            for reason, message, request_id, ids, *moments in rows
        ]

    def ids(self, chosen: DeadLetterFilter) -> list[int]:
        """Return the IDs of dead letters, the oldest first."""
        condition, values = _condition(chosen)
        query = f"SELECT id FROM dead_letters WHERE {condition} ORDER BY id"  # noqa: S608 - a constant condition
        return [number for (number,) in self._connection.execute(query, values)]

    def read(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        """Return dead letters, the oldest first."""
        ordered = sorted(set(ids))
        return [
            letter
            for start in range(0, len(ordered), _PAGE)
            for letter in read_letters(self._connection, ordered[start : start + _PAGE])
        ]

    def all(self) -> Iterator[KeptDeadLetter]:
        """Yield all dead letters, the oldest first."""
        ids = self.ids(DeadLetterFilter())
        for start in range(0, len(ids), _PAGE):
            yield from read_letters(self._connection, ids[start : start + _PAGE])

    def counts(self) -> Mapping[Reason, int]:
        """Return how many dead letters there are, by reason."""
        query = "SELECT count(*) FROM dead_letters WHERE group_id BETWEEN ? AND ?"
        counts = {
            reason: self._connection.execute(query, groups_with(reason)).fetchone()[0] for reason in sorted(REASONS)
        }
        return {reason: count for reason, count in counts.items() if count}


def _text(column: bytes | None) -> str:
    """Return a text that may be damaged."""
    return (column or b"").decode("utf-8", "backslashreplace")


def _condition(chosen: DeadLetterFilter) -> tuple[str, tuple[Any, ...]]:
    """Return the condition of a filter in SQL, and its values."""
    terms: list[tuple[str, tuple[Any, ...]]] = []
    if chosen.ids is not None:
        terms.append(("id IN (SELECT value FROM json_each(?))", (_to_json([*chosen.ids]).decode(),)))
    if chosen.reason is not None:
        terms.append(("group_id BETWEEN ? AND ?", groups_with(chosen.reason)))
    if chosen.since is not None:
        terms.append(("at >= ?", (chosen.since,)))
    return " AND ".join(["1", *(term for term, _ in terms)]), tuple(value for _, used in terms for value in used)
