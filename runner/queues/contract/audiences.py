"""Audiences: who was last said to be a member, and how far their syncs came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

AudienceKind = Literal["audience", "trait"]
"""What Engage calls the class of a computation: an audience, or a computed trait."""

HOLD_SECONDS = 60.0
"""How long a sync holds its audience unless it puts something or renews the hold."""

Membership: TypeAlias = tuple[bytes, bytes | None, int, int]
"""What was last sent for a member: their ID, the value as JSON (None: they left), the sync, and its change.

A tuple without names, since there may be ten million of them.
"""


class Movement(msgspec.Struct, frozen=True):
    """How many members a sync has seen enter, leave, and get another value."""

    entered: int = 0
    left: int = 0
    changed: int = 0

    def plus(self, other: Movement) -> Movement:
        """Return the sum of both."""
        return Movement(self.entered + other.entered, self.left + other.left, self.changed + other.changed)


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """An audience or a computed trait. Moments are seconds since 1970.

    `key` is the trait that is sent; `id` and `space` are random, made with the audience. `sync` is the number of the
    sync under way, or else of the next one. `under_way` counts what it has put; `begun_at` is None if none is under
    way. `latest` counts what the latest complete one put, which ended at `completed_at`. `owner` holds the audience
    until `held_until`. One that `is_removed` has no name any more, and its memberships are being deleted.
    """

    account: str
    name: str
    kind: AudienceKind
    key: str
    id: str
    space: str
    created_at: float
    sync: int = 1
    members: int = 0
    begun_at: float | None = None
    under_way: Movement = Movement()
    completed_at: float | None = None
    latest: Movement = Movement()
    owner: str | None = None
    held_until: float = 0.0
    is_removed: bool = False


class Hold(NamedTuple):
    """An audience that a sync holds: its ID, and the name of the owner."""

    audience: str
    owner: str


class MembershipPut(NamedTuple):
    """The part of a put that changes memberships. It is refused if the hold was lost.

    `memberships` replace those of the same members.
    """

    hold: Hold
    memberships: Sequence[Membership]
    movement: Movement


class AudienceHeldError(Exception):
    """Another sync holds the audience, or has taken it over. The message says so."""


class AudienceNameError(Exception):
    """There is no audience of a name, or there is one already, or its key is taken. The message says which."""


class Audiences(Protocol):
    """The audiences of a queue."""

    async def all(self) -> list[Audience]:
        """Return all audiences, sorted by account and name."""

    async def find(self, account: str, name: str) -> Audience | None:
        """Return an audience by its name; None if there is none."""

    async def hold(self, audience: Audience, *, create: bool) -> tuple[Audience, Hold]:
        """Hold an audience, for one sync at a time; return it as it is stored.

        Account and name of `audience` say which. If there is none and `create` is set, it is stored as it is, except
        that it shares the space of the first audience of its account. Raises AudienceHeldError, and AudienceNameError
        if its kind or key is another.
        """

    async def renew(self, hold: Hold) -> None:
        """Extend a hold by HOLD_SECONDS from now. Raises AudienceHeldError if it was lost."""

    async def release(self, hold: Hold) -> None:
        """End a hold. An audience for which nothing was ever sent is deleted."""

    async def memberships(self, audience: str, after: bytes, most: int) -> Sequence[Membership]:
        """Return at most `most` memberships whose member comes after one, in the order of the bytes of their IDs."""

    async def complete(self, hold: Hold) -> Audience:
        """Complete the sync under way and end the hold: the next one has the next number. Raises AudienceHeldError."""

    async def rename(self, account: str, name: str, new: str) -> Audience:
        """Give an audience another name. Raises AudienceNameError, and AudienceHeldError during a sync."""

    async def remove(self, account: str, name: str, hold: Hold | None = None) -> Audience:
        """Delete an audience with its memberships; return what it was. Nothing is sent.

        Raises AudienceNameError, and AudienceHeldError if another than `hold` holds it.
        """
