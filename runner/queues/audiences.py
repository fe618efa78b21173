"""The rules of audiences: who holds one, what a put changes, when a sync is complete."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .contract import HOLD_SECONDS, AudienceHeldError, AudienceNameError, Hold, Movement
from .owner import has_ended, own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .contract import Audience, Membership, MembershipPut
    from .engine import Engine, Tables

T = TypeVar("T")

_DELETED_AT_ONCE = 20_000
"""How many memberships one transaction deletes: nobody waits for long."""

_SPACES = "audience space\0"
"""Before the account: the key of the record with its space."""


class EngineAudiences:
    """The audiences of a queue on top of an engine."""

    def __init__(self, engine: Engine, now: Callable[[], float]) -> None:
        self._engine = engine
        self._now = now

    async def all(self) -> list[Audience]:
        """Return all audiences, sorted by account and name."""

        def operation(tables: Tables) -> list[Audience]:
            found = [audience for audience in tables.audiences.all() if not audience.is_removed]
            return sorted(found, key=lambda audience: (audience.account, audience.name))

        return await self._engine.read(operation)

    async def find(self, account: str, name: str) -> Audience | None:
        """Return an audience by its name; None if there is none."""
        return await self._engine.read(lambda tables: tables.audiences.find(account, name))

    async def hold(self, audience: Audience, *, create: bool) -> tuple[Audience, Hold]:
        """Hold an audience, for one sync at a time. Raises AudienceHeldError and AudienceNameError."""
        hold = partial(_hold, wanted=audience, create=create, owner=own_name())
        return await self._engine.write(self._at_moment(hold))

    async def renew(self, hold: Hold) -> None:
        """Extend a hold. Raises AudienceHeldError if it was lost."""
        await self._engine.write(self._at_moment(partial(_renew, hold=hold)))

    async def release(self, hold: Hold) -> None:
        """End a hold. An audience for which nothing was ever sent is deleted."""
        await self._engine.write(partial(_release, hold=hold))

    async def memberships(self, audience: str, after: bytes, most: int) -> Sequence[Membership]:
        """Return at most `most` memberships whose member comes after one."""
        return await self._engine.read(lambda tables: tables.audiences.memberships(audience, after, most))

    async def complete(self, hold: Hold) -> Audience:
        """Complete the sync under way and end the hold. Raises AudienceHeldError."""
        audience = await self._engine.write(self._at_moment(partial(_complete, hold=hold)))
        # Once the number has changed, nobody asks any more how often a member has left in this sync.
        await self._delete_memberships(audience.id, only_left=True)
        await self._finish_removals()
        return audience

    async def rename(self, account: str, name: str, new: str) -> Audience:
        """Give an audience another name. Raises AudienceNameError and AudienceHeldError."""
        return await self._engine.write(self._at_moment(partial(_rename, account=account, name=name, new=new)))

    async def remove(self, account: str, name: str, hold: Hold | None = None) -> Audience:
        """Delete an audience with its memberships. Raises AudienceNameError and AudienceHeldError."""
        audience = await self._engine.write(self._at_moment(partial(_remove, account=account, name=name, hold=hold)))
        await self._finish_removals()
        return audience

    def _at_moment(self, operation: Callable[..., T]) -> Callable[[Tables], T]:
        """Return an operation that is given the moment of the engine, which all machines share."""
        now = self._now()
        return lambda tables: operation(tables, now=tables.moment(now))

    async def _finish_removals(self) -> None:
        """Delete the memberships of audiences that are removed, also where an earlier process was killed meanwhile."""
        for audience in await self._engine.read(lambda tables: tables.audiences.all()):
            if audience.is_removed:
                await self._delete_memberships(audience.id, only_left=False)
                await self._engine.write(lambda tables, number=audience.id: tables.audiences.delete(number))  # type: ignore[misc]  # the default binds it

    async def _delete_memberships(self, audience: str, *, only_left: bool) -> None:
        def operation(tables: Tables) -> int:
            return tables.audiences.delete_memberships(audience, _DELETED_AT_ONCE, only_left=only_left)

        while await self._engine.write(operation) == _DELETED_AT_ONCE:
            pass


def check_hold(tables: Tables, put: MembershipPut) -> None:
    """Raise AudienceHeldError if the hold of a put was lost; nothing may have been written before."""
    _held(tables, put.hold)


def put_memberships(tables: Tables, put: MembershipPut, now: float) -> None:
    """Store what a put changes, and extend its hold."""
    audience = _held(tables, put.hold)
    tables.audiences.put_memberships(audience.id, put.memberships)
    _change(
        tables,
        audience,
        members=audience.members + put.movement.entered - put.movement.left,
        under_way=audience.under_way.plus(put.movement),
        held_until=now + HOLD_SECONDS,
    )


def erase_member(tables: Tables, customer: str, *, dry_run: bool) -> int:
    """Delete the memberships of a customer in all audiences, or in a dry run count them; return how many there were."""
    member, found = customer.encode("utf-8", "surrogatepass"), 0
    for audience in tables.audiences.all():
        row = tables.audiences.membership(audience.id, member)
        if row is None:
            continue
        is_member = row[1] is not None
        found += is_member
        if not dry_run:
            tables.audiences.delete_member(audience.id, member)
            _change(tables, audience, members=audience.members - is_member)
    return found


def _hold(tables: Tables, *, wanted: Audience, create: bool, owner: str, now: float) -> tuple[Audience, Hold]:
    audience = tables.audiences.find(wanted.account, wanted.name)
    if audience is None:
        if not create:
            raise AudienceNameError(_unknown(tables, wanted.account, wanted.name))
        _require_free_key(tables, wanted)
        audience = msgspec.structs.replace(wanted, space=_space(tables, wanted))
    elif (audience.kind, audience.key) != (wanted.kind, wanted.key):
        raise AudienceNameError(
            f"the {_kind(audience)} {audience.name!r} sends {audience.key}, and its key cannot be changed; "
            "remove it first, or use another name"
        )
    _require_free(audience, now)
    audience = _change(tables, audience, owner=owner, held_until=now + HOLD_SECONDS, begun_at=audience.begun_at or now)
    return audience, Hold(audience.id, owner)


def _renew(tables: Tables, *, hold: Hold, now: float) -> None:
    _change(tables, _held(tables, hold), held_until=now + HOLD_SECONDS)


def _release(tables: Tables, hold: Hold) -> None:
    audience = tables.audiences.by_id(hold.audience)
    if audience is None or audience.owner != hold.owner:
        return
    has_sent = audience.under_way != Movement()
    if audience.sync == 1 and not has_sent:
        tables.audiences.delete(audience.id)
        return
    _change(tables, audience, owner=None, held_until=0.0, begun_at=audience.begun_at if has_sent else None)


def _complete(tables: Tables, *, hold: Hold, now: float) -> Audience:
    audience = _held(tables, hold)
    return _change(
        tables,
        audience,
        sync=audience.sync + 1,
        begun_at=None,
        under_way=Movement(),
        completed_at=now,
        latest=audience.under_way,
        owner=None,
        held_until=0.0,
    )


def _rename(tables: Tables, *, account: str, name: str, new: str, now: float) -> Audience:
    audience = _named(tables, account, name)
    if tables.audiences.find(account, new) is not None:
        raise AudienceNameError(f"there is an audience {new!r} already; remove that first, or use another name")
    _require_free(audience, now)
    return _change(tables, audience, name=new)


def _remove(tables: Tables, *, account: str, name: str, hold: Hold | None, now: float) -> Audience:
    audience = _named(tables, account, name)
    if hold is None:
        _require_free(audience, now)
    else:
        _held(tables, hold)
    _change(tables, audience, name=audience.id, is_removed=True, owner=None)
    return audience


def _named(tables: Tables, account: str, name: str) -> Audience:
    audience = tables.audiences.find(account, name)
    if audience is None:
        raise AudienceNameError(_unknown(tables, account, name))
    return audience


def _unknown(tables: Tables, account: str, name: str) -> str:
    names = sorted(each.name for each in tables.audiences.all() if each.account == account and not each.is_removed)
    known = f"there are {', '.join(map(repr, names))}" if names else "there is none yet; sync makes one"
    return f"there is no audience {name!r}; {known}"


def _held(tables: Tables, hold: Hold) -> Audience:
    """Return the audience of a hold. Raises AudienceHeldError if it was lost."""
    audience = tables.audiences.by_id(hold.audience)
    if audience is None or audience.is_removed:
        raise AudienceHeldError("the audience was removed meanwhile")
    if audience.owner != hold.owner:
        raise AudienceHeldError(f"another sync of the {_kind(audience)} {audience.name!r} has taken over")
    return audience


def _require_free(audience: Audience, now: float) -> None:
    # A clock that was ahead must not hold the audience for longer than any sync does.
    is_held = audience.owner is not None and now <= audience.held_until <= now + HOLD_SECONDS
    if is_held and not has_ended(audience.owner or ""):
        raise AudienceHeldError(
            f"a sync of the {_kind(audience)} {audience.name!r} is running; wait until it has ended"
        )


def _require_free_key(tables: Tables, wanted: Audience) -> None:
    for audience in tables.audiences.all():
        if (audience.account, audience.key) == (wanted.account, wanted.key) and not audience.is_removed:
            raise AudienceNameError(
                f"the {_kind(audience)} {audience.name!r} sends {audience.key} already, so nobody could tell them "
                "apart; use another name, or --key"
            )


def _kind(audience: Audience) -> str:
    return "audience" if audience.kind == "audience" else "computed trait"


def _space(tables: Tables, audience: Audience) -> str:
    """Return the space of an account, which all its audiences share: that of the first of them."""
    key = _SPACES + audience.account
    found = tables.records(key).get(key)
    if found is None:
        found = audience.space.encode()
        tables.put_record(key, found)
    return found.decode()


def _change(tables: Tables, audience: Audience, **changes: Any) -> Audience:
    changed = msgspec.structs.replace(audience, **changes)
    tables.audiences.store(changed)
    return changed
