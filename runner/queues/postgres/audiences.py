"""Audiences: a row for each, and one for each member, in the order in which a sync reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ..contract import Audience
from .statements import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contract import Membership
    from .statements import Statements, Values

_ALL = "SELECT about FROM audiences"
_NUMBER = "(SELECT number FROM audiences WHERE id = %(id)s)"
_STORE = """
INSERT INTO audiences (id, account, name, about) VALUES (%s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name, about = excluded.about
"""
_PAGE = f"""
SELECT member, value, sync, change FROM memberships
WHERE audience = {_NUMBER} AND member > %(after)s ORDER BY member LIMIT %(most)s
"""  # noqa: S608 - constants
_MEMBER = f"""
SELECT member, value, sync, change FROM memberships WHERE audience = {_NUMBER} AND member = %(member)s
"""  # noqa: S608 - likewise
_PUT = f"""
INSERT INTO memberships (audience, member, value, sync, change)
SELECT {_NUMBER}, member, value, sync, change
FROM unnest(%(members)s::bytea[], %(values)s::bytea[], %(syncs)s::bigint[], %(changes)s::bigint[])
    AS put(member, value, sync, change)
ON CONFLICT (audience, member) DO UPDATE SET value = excluded.value, sync = excluded.sync, change = excluded.change
"""  # noqa: S608 - likewise
_DELETE = """
DELETE FROM memberships WHERE audience = {number} AND member IN (
    SELECT member FROM memberships WHERE audience = {number} {condition} LIMIT %(most)s
)
"""
_DELETE_ALL = _DELETE.format(number=_NUMBER, condition="")
_DELETE_LEFT = _DELETE.format(number=_NUMBER, condition="AND value IS NULL")
_DELETE_MEMBER = f"DELETE FROM memberships WHERE audience = {_NUMBER} AND member = %(member)s"  # noqa: S608 - likewise

_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Audience).decode


class AudienceTable:
    """The tables of audiences and memberships."""

    def __init__(self, database: Statements) -> None:
        self._database = database
        self._writes = False

    def begin(self, *, writes: bool) -> None:
        """Another transaction has begun."""
        self._writes = writes

    def all(self) -> list[Audience]:
        """Return all audiences."""
        return [_read(about) for (about,) in self._database.rows(_ALL)]

    def find(self, account: str, name: str) -> Audience | None:
        """Return an audience by its name; None if there is none."""
        if self._writes:
            # Who asks for a name will hold, make or rename an audience: one process does so at a time.
            self._database.script("LOCK TABLE audiences IN SHARE ROW EXCLUSIVE MODE")
        found = self._one(f"{_ALL} WHERE account = %s AND name = %s", (encoded(account), encoded(name)))
        return None if found is None or found.is_removed else found

    def by_id(self, audience: str) -> Audience | None:
        """Return an audience by its ID; None if there is none."""
        # Its hold is looked at, and must be the same when this transaction commits.
        return self._one(f"{_ALL} WHERE id = %s{' FOR UPDATE' if self._writes else ''}", (encoded(audience),))

    def store(self, audience: Audience) -> None:
        """Store an audience, in the place of one with the same ID."""
        keys = (encoded(audience.id), encoded(audience.account), encoded(audience.name))
        self._database.run(_STORE, (*keys, _write(audience)))

    def delete(self, audience: str) -> None:
        """Delete an audience that has no memberships any more."""
        self._database.run("DELETE FROM audiences WHERE id = %s", (encoded(audience),))

    def memberships(self, audience: str, after: bytes, most: int) -> Sequence[Membership]:
        """Return at most `most` memberships whose member comes after one."""
        values = {"id": encoded(audience), "after": after, "most": most}
        return self._database.rows(_PAGE, values)

    def put_memberships(self, audience: str, memberships: Sequence[Membership]) -> None:
        """Store memberships, in the place of those of the same members."""
        members, values, syncs, changes = (list(column) for column in zip(*memberships, strict=True))
        arrays: dict[str, Any] = {"members": members, "values": values, "syncs": syncs, "changes": changes}
        self._database.run(_PUT, {"id": encoded(audience), **arrays})

    def delete_memberships(self, audience: str, most: int, *, only_left: bool) -> int:
        """Delete at most `most` memberships, with `only_left` of those who left; return how many there were."""
        return self._database.run(_DELETE_LEFT if only_left else _DELETE_ALL, {"id": encoded(audience), "most": most})

    def membership(self, audience: str, member: bytes) -> Membership | None:
        """Return the membership of one member; None if there is none."""
        return self._database.row(_MEMBER, {"id": encoded(audience), "member": member})

    def delete_member(self, audience: str, member: bytes) -> None:
        """Delete the membership of one member."""
        self._database.run(_DELETE_MEMBER, {"id": encoded(audience), "member": member})

    def _one(self, query: str, values: Values) -> Audience | None:
        row = self._database.row(query, values)
        return None if row is None else _read(row[0])
