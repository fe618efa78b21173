"""Which dead letters a request is about: their IDs, or a group of them, some at a time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from ...queues.contract import DeadLetterFilter
from ...queues.contract import Reason as LetterReason
from .messages import Asked, PageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...queues.contract import DeadLetterGroup, DeadLetters

REASONS: tuple[str, ...] = get_args(LetterReason)

MOST_AT_ONCE = 500
"""One request changes no more dead letters; the page asks again for the rest."""

LARGEST_ID = 2**63 - 1
_KEY_BYTES = 8


class AskedLetters(Asked, frozen=True, kw_only=True):
    """Which dead letters: some by their IDs, or those of a group.

    `upTo` is the newest of the group that the person has seen: no later one is changed. `after` continues where the
    request before has ended.
    """

    ids: list[int] = msgspec.field(default_factory=list)
    group: str = ""
    up_to: int = 0
    after: int = 0


class Selected(NamedTuple):
    """The IDs that a request is about, in ascending order, and the last of them if there are more after it."""

    ids: Sequence[int]
    next: int | None


def group_key(group: DeadLetterGroup) -> str:
    """Return what names a group in requests: a hash, since its message may be long."""
    text = f"{group.reason}\0{group.message}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).hexdigest()


async def ids_of_group(letters: DeadLetters, key: str) -> list[int]:
    """Return the IDs of a group, in ascending order; none if it is empty by now."""
    groups = await letters.groups(DeadLetterFilter())
    return [number for group in groups if group_key(group) == key for number in group.ids]


async def selected(letters: DeadLetters, asked: AskedLetters) -> Selected:
    """Return which dead letters a request is about. Raises PageError."""
    if bool(asked.ids) == bool(asked.group):
        raise PageError(400, "invalid_request", "Name dead letters by ids, or a group, and not both.")
    if asked.ids:
        ids = sorted(set(asked.ids))
        if len(ids) > MOST_AT_ONCE:
            raise PageError(400, "too_many", f"At most {MOST_AT_ONCE:,} dead letters can be changed at once.")
        check_ids(ids)
        return Selected(ids, None)
    check_ids([asked.up_to])
    found = sorted(number for number in await ids_of_group(letters, asked.group) if asked.after < number <= asked.up_to)
    some = found[:MOST_AT_ONCE]
    return Selected(some, some[-1] if len(found) > len(some) else None)


def check_ids(ids: Sequence[int]) -> None:
    """Raise PageError for a number that no dead letter has."""
    if any(not 0 < number <= LARGEST_ID for number in ids):
        raise PageError(400, "invalid_request", f"The ID of a dead letter is a number from 1 to {LARGEST_ID}.")
