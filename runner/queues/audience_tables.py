"""What an engine stores of audiences. The rules are `audiences.py`'s, the same for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Audience, Membership


class AudienceTables(Protocol):
    """The tables of audiences, within the transaction of an operation."""

    def all(self) -> list[Audience]:
        """Return all audiences, also those that are removed, in any order."""

    def find(self, account: str, name: str) -> Audience | None:
        """Return an audience by its name; None if there is none. One that is removed is not found."""

    def by_id(self, audience: str) -> Audience | None:
        """Return an audience by its ID; None if there is none."""

    def store(self, audience: Audience) -> None:
        """Store an audience, in the place of one with the same ID."""

    def delete(self, audience: str) -> None:
        """Delete an audience that has no memberships any more."""

    def memberships(self, audience: str, after: bytes, most: int) -> Sequence[Membership]:
        """Return at most `most` memberships whose member comes after one, in the order of their bytes."""

    def put_memberships(self, audience: str, memberships: Sequence[Membership]) -> None:
        """Store memberships, in the place of those of the same members."""

    def delete_memberships(self, audience: str, most: int, *, only_left: bool) -> int:
        """Delete at most `most` memberships, with `only_left` of those who left; return how many there were."""

    def membership(self, audience: str, member: bytes) -> Membership | None:
        """Return the membership of one member; None if there is none."""

    def delete_member(self, audience: str, member: bytes) -> None:
        """Delete the membership of one member."""
