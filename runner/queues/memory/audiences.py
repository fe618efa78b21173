"""Audiences in memory."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contract import Audience, Membership


class MemoryAudiences:
    """Audiences in dicts. The order of members is made when it is asked for."""

    def __init__(self) -> None:
        self._audiences: dict[str, Audience] = {}
        self._members: dict[str, dict[bytes, Membership]] = {}
        self._sorted: dict[str, list[bytes]] = {}

    def all(self) -> list[Audience]:
        """Return all audiences."""
        return [*self._audiences.values()]

    def find(self, account: str, name: str) -> Audience | None:
        """Return an audience by its name; None if there is none."""
        for audience in self._audiences.values():
            if (audience.account, audience.name) == (account, name) and not audience.is_removed:
                return audience
        return None

    def by_id(self, audience: str) -> Audience | None:
        """Return an audience by its ID; None if there is none."""
        return self._audiences.get(audience)

    def store(self, audience: Audience) -> None:
        """Store an audience, in the place of one with the same ID."""
        self._audiences[audience.id] = audience

    def delete(self, audience: str) -> None:
        """Delete an audience."""
        self._audiences.pop(audience, None)
        self._members.pop(audience, None)
        self._sorted.pop(audience, None)

    def memberships(self, audience: str, after: bytes, most: int) -> Sequence[Membership]:
        """Return at most `most` memberships whose member comes after one."""
        members = self._members.get(audience, {})
        order = self._sorted.get(audience)
        if order is None:
            order = self._sorted[audience] = sorted(members)
        start = bisect_right(order, after)
        return [members[member] for member in order[start : start + most]]

    def put_memberships(self, audience: str, memberships: Sequence[Membership]) -> None:
        """Store memberships, in the place of those of the same members."""
        self._sorted.pop(audience, None)
        self._members.setdefault(audience, {}).update({row[0]: row for row in memberships})

    def delete_memberships(self, audience: str, most: int, *, only_left: bool) -> int:
        """Delete at most `most` memberships; return how many there were."""
        self._sorted.pop(audience, None)
        members = self._members.get(audience, {})
        chosen = [member for member, row in members.items() if row[1] is None or not only_left][:most]
        for member in chosen:
            del members[member]
        return len(chosen)

    def membership(self, audience: str, member: bytes) -> Membership | None:
        """Return the membership of one member; None if there is none."""
        return self._members.get(audience, {}).get(member)

    def delete_member(self, audience: str, member: bytes) -> None:
        """Delete the membership of one member."""
        self._sorted.pop(audience, None)
        self._members.get(audience, {}).pop(member, None)
