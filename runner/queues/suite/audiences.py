"""Tests of audiences: one sync at a time, memberships that change with the events, and numbers of complete syncs."""

from __future__ import annotations

from typing import Any

import pytest

from ..contract import (
    HOLD_SECONDS,
    Audience,
    AudienceHeldError,
    AudienceNameError,
    Erasure,
    ExportedMemberships,
    Hold,
    MembershipPut,
    Movement,
    Put,
)
from .opened import Opened, Tested, batch, keys_of, with_queue


def audience(name: str = "Big spenders", **changes: Any) -> Audience:
    """Return an audience that is to be made."""
    key = name.casefold().replace(" ", "_")
    told: dict[str, Any] = {"account": "account", "name": name, "kind": "audience", "key": key, "id": f"aud_{name}"}
    return Audience(**{**told, "space": f"spa_{name}", "created_at": 0.0, **changes})


def entering(hold: Hold, *members: bytes, sync: int = 1) -> MembershipPut:
    """Return the change by which some members enter."""
    return MembershipPut(hold, [(member, b"true", sync, 0) for member in members], Movement(entered=len(members)))


class AudienceTests(Tested):
    """What a queue promises of audiences."""

    @with_queue
    async def test_memberships_are_put_with_the_events_and_read_in_the_order_of_their_bytes(
        self, opened: Opened
    ) -> None:
        members = [b"B", b"a", "Ö".encode(), b"b" * 900, "𐍈".encode(), b"0"]
        stored, hold = await opened.queue.audiences.hold(audience(), create=True)
        await opened.put(batch("e"), memberships=entering(hold, *members))
        read, last = list[bytes](), b""
        while page := await opened.queue.audiences.memberships(stored.id, last, 2):
            assert all(row[1:] == (b"true", 1, 0) for row in page)
            read += [row[0] for row in page]
            last = read[-1]
        assert read == sorted(members)
        assert keys_of([await opened.one()]) == ["e"]
        (found,) = await opened.queue.audiences.all()
        assert (found.members, found.under_way, found.sync) == (6, Movement(entered=6), 1)

    @with_queue
    async def test_nothing_is_put_if_the_hold_was_lost(self, opened: Opened) -> None:
        _, hold = await opened.queue.audiences.hold(audience(), create=True)
        await opened.put(memberships=entering(hold, b"a"))
        await opened.queue.audiences.release(hold)
        for put in (entering(hold, b"b"), entering(hold._replace(audience="aud_none"), b"b")):
            with pytest.raises(AudienceHeldError):
                await opened.put(batch("e"), records={"r": b"1"}, memberships=put)
        assert [row[0] for row in await opened.queue.audiences.memberships(hold.audience, b"", 9)] == [b"a"]
        assert (await opened.lease(), await opened.queue.records("r")) == ([], {})

    @with_queue
    async def test_one_sync_at_a_time_holds_an_audience(self, opened: Opened) -> None:
        audiences = opened.queue.audiences
        _, hold = await audiences.hold(audience(), create=True)
        await opened.put(memberships=entering(hold, b"a"))
        for attempt in (
            audiences.hold(audience(), create=True),
            audiences.rename("account", "Big spenders", "New"),
            audiences.remove("account", "Big spenders"),
        ):
            with pytest.raises(AudienceHeldError, match="is running"):
                await attempt
        opened.clock.moment += HOLD_SECONDS - 1
        await audiences.renew(hold)
        opened.clock.moment += HOLD_SECONDS - 1
        with pytest.raises(AudienceHeldError):
            await audiences.hold(audience(), create=True)
        opened.clock.moment += 2
        _, second = await audiences.hold(audience(), create=True)
        for lost in (audiences.renew(hold), audiences.complete(hold), opened.put(memberships=entering(hold, b"b"))):
            with pytest.raises(AudienceHeldError, match="has taken over"):
                await lost
        await audiences.release(hold)
        await audiences.renew(second)

    @with_queue
    async def test_a_repeated_put_changes_memberships_once(self, opened: Opened) -> None:
        _, hold = await opened.queue.audiences.hold(audience(), create=True)
        put = Put(opened.token(), [batch("e")], memberships=entering(hold, b"a"))
        assert await opened.queue.put(put) == await opened.queue.put(put)
        (found,) = await opened.queue.audiences.all()
        assert found.members == 1

    @with_queue
    async def test_the_number_of_the_sync_advances_when_it_completes(self, opened: Opened) -> None:
        audiences = opened.queue.audiences
        _, hold = await audiences.hold(audience(), create=True)
        gone = MembershipPut(hold, [(b"a", None, 1, 1)], Movement(left=1))
        await opened.put(memberships=entering(hold, b"a", b"b"))
        await opened.put(memberships=gone)
        await audiences.release(hold)
        again, hold = await audiences.hold(audience(), create=True)
        assert (again.sync, again.members, again.under_way) == (1, 1, Movement(2, 1))
        assert [row[:2] for row in await audiences.memberships(again.id, b"", 9)] == [(b"a", None), (b"b", b"true")]
        opened.clock.moment += 5
        done = await audiences.complete(hold)
        assert (done.sync, done.latest, done.under_way, done.completed_at) == (
            2, Movement(2, 1), Movement(), opened.clock.moment,
        )  # fmt: skip
        # Who has left is forgotten once the sync is complete.
        assert [row[0] for row in await audiences.memberships(again.id, b"", 9)] == [b"b"]
        assert await audiences.find("account", "Big spenders") == done

    @with_queue
    async def test_an_audience_that_never_sent_anything_is_not_kept(self, opened: Opened) -> None:
        audiences = opened.queue.audiences
        first, hold = await audiences.hold(audience(), create=True)
        await audiences.release(hold)
        assert await audiences.all() == []
        with pytest.raises(AudienceNameError, match="there is none yet"):
            await audiences.hold(audience(), create=False)
        second, _ = await audiences.hold(audience("Other"), create=True)
        assert first.space == second.space == "spa_Big spenders"

    @with_queue
    async def test_names_and_keys_are_unique_in_an_account(self, opened: Opened) -> None:
        audiences = opened.queue.audiences
        _, hold = await audiences.hold(audience("One"), create=True)
        await opened.put(memberships=entering(hold, b"a"))
        await audiences.complete(hold)
        await audiences.hold(audience("One", account="other", id="aud_2"), create=True)
        with pytest.raises(AudienceNameError, match="sends one already"):
            await audiences.hold(audience("Two", key="one"), create=True)
        with pytest.raises(AudienceNameError, match="its key cannot be changed"):
            await audiences.hold(audience("One", key="two"), create=True)
        with pytest.raises(AudienceNameError, match="there is no audience 'Two'; there are 'One'"):
            await audiences.rename("account", "Two", "Three")
        with pytest.raises(AudienceNameError, match="already"):
            await audiences.rename("account", "One", "One")
        renamed = await audiences.rename("account", "One", "Two")
        assert (renamed.name, renamed.key, renamed.id, renamed.members) == ("Two", "one", "aud_One", 1)
        assert [each.name for each in await audiences.all()] == ["Two", "One"]

    @with_queue
    async def test_a_removed_audience_is_gone_with_its_memberships(self, opened: Opened) -> None:
        audiences = opened.queue.audiences
        _, hold = await audiences.hold(audience(), create=True)
        await opened.put(memberships=entering(hold, *[b"%d" % number for number in range(300)]))
        removed = await audiences.remove("account", "Big spenders", hold)
        assert (removed.name, removed.members) == ("Big spenders", 300)
        assert (await audiences.all(), await audiences.memberships(removed.id, b"", 9)) == ([], [])
        new, _ = await audiences.hold(audience(id="aud_new"), create=True)
        assert (new.id, new.members) == ("aud_new", 0)

    @with_queue
    async def test_erasing_a_customer_deletes_their_memberships(self, opened: Opened) -> None:
        _, hold = await opened.queue.audiences.hold(audience(), create=True)
        await opened.put(memberships=entering(hold, b"a", b"ab", b"b"))
        assert (await opened.queue.erase(Erasure("ab"), dry_run=True)).memberships == 1
        assert (await opened.queue.erase(Erasure("ab"))).memberships == 1
        assert (await opened.queue.erase(Erasure("ab"))).memberships == 0
        (found,) = await opened.queue.audiences.all()
        assert found.members == 2
        assert [row[0] for row in await opened.queue.audiences.memberships(found.id, b"", 9)] == [b"a", b"b"]

    @with_queue
    async def test_an_export_has_the_audiences(self, opened: Opened) -> None:
        stored, hold = await opened.queue.audiences.hold(audience(), create=True)
        await opened.put(memberships=entering(hold, b"a", b"b"))
        found = [item async for item in opened.queue.export() if isinstance(item, ExportedMemberships)]
        assert {item.audience.id for item in found} == {stored.id}
        assert [row[0] for item in found for row in item.memberships] == [b"a", b"b"]
