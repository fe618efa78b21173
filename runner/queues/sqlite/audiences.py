"""Audiences: a row for each, and one for each member, in the order in which a sync reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..contract import Audience

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ..contract import Membership

TABLES = """
CREATE TABLE audiences (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    about BLOB NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE memberships (audience INTEGER NOT NULL, member BLOB NOT NULL, value BLOB, sync INTEGER NOT NULL,
    change INTEGER NOT NULL, PRIMARY KEY (audience, member)) WITHOUT ROWID;
CREATE INDEX memberships_left ON memberships (audience) WHERE value IS NULL;
"""
"""New in format 8."""

_NUMBER = "(SELECT number FROM audiences WHERE id = ?)"
_PAGE = f"""
SELECT member, value, sync, change FROM memberships WHERE audience = {_NUMBER} AND member > ? ORDER BY member LIMIT ?
"""  # noqa: S608 - constants
_MEMBER = f"SELECT member, value, sync, change FROM memberships WHERE audience = {_NUMBER} AND member = ?"  # noqa: S608
_DELETE_MEMBER = f"DELETE FROM memberships WHERE audience = {_NUMBER} AND member = ?"  # noqa: S608 - a constant, likewise
_PUT = "INSERT OR REPLACE INTO memberships VALUES (?, ?, ?, ?, ?)"
_DELETE = """
DELETE FROM memberships WHERE (audience, member) IN (
    SELECT audience, member FROM memberships WHERE audience = {} {} LIMIT ?
)
"""
_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Audience).decode


class AudienceTable:
    """The tables of audiences and memberships."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> list[Audience]:
        """Return all audiences."""
        return [_read(about) for (about,) in self._connection.execute("SELECT about FROM audiences")]

    def find(self, account: str, name: str) -> Audience | None:
        """Return an audience by its name; None if there is none."""
        found = self._one("SELECT about FROM audiences WHERE account = ? AND name = ?", account, name)
        return None if found is None or found.is_removed else found

    def by_id(self, audience: str) -> Audience | None:
        """Return an audience by its ID; None if there is none."""
        return self._one("SELECT about FROM audiences WHERE id = ?", audience)

    def store(self, audience: Audience) -> None:
        """Store an audience, in the place of one with the same ID."""
        self._connection.execute(
            "INSERT INTO audiences (id, account, name, about) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name, about = excluded.about",
            (audience.id, audience.account, audience.name, _write(audience)),
        )

    def delete(self, audience: str) -> None:
        """Delete an audience that has no memberships any more."""
        self._connection.execute("DELETE FROM audiences WHERE id = ?", (audience,))

    def memberships(self, audience: str, after: bytes, most: int) -> Sequence[Membership]:
        """Return at most `most` memberships whose member comes after one."""
        return self._connection.execute(_PAGE, (audience, after, most)).fetchall()

    def put_memberships(self, audience: str, memberships: Sequence[Membership]) -> None:
        """Store memberships, in the place of those of the same members."""
        (number,) = self._connection.execute(f"SELECT {_NUMBER}", (audience,)).fetchone()
        self._connection.executemany(_PUT, [(number, *row) for row in memberships])

    def delete_memberships(self, audience: str, most: int, *, only_left: bool) -> int:
        """Delete at most `most` memberships, with `only_left` of those who left; return how many there were."""
        statement = _DELETE.format(_NUMBER, "AND value IS NULL" if only_left else "")
        return self._connection.execute(statement, (audience, most)).rowcount

    def membership(self, audience: str, member: bytes) -> Membership | None:
        """Return the membership of one member; None if there is none."""
        row: Membership | None = self._connection.execute(_MEMBER, (audience, member)).fetchone()
        return row

    def delete_member(self, audience: str, member: bytes) -> None:
        """Delete the membership of one member."""
        self._connection.execute(_DELETE_MEMBER, (audience, member))

    def _one(self, query: str, *values: str) -> Audience | None:
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else _read(row[0])
