"""A sync: the list is compared with what was sent, checked, and what differs is sent and remembered."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..queues.contract import HOLD_SECONDS, AudienceHeldError
from .changes import Change, ChangeFile
from .comparing import STATE_PAGE, compare, number_of
from .guards import check_list, check_removed
from .sending import ChangeSender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ...definitions import Destination
    from ..delivery.clock import Clock
    from ..delivery.planned_puts import PlannedPuts
    from ..queues.contract import Audience, Audiences, Hold, Membership
    from .members_read import SortedMembers
    from .sending import Sent

_RENEWALS = 3
"""How often a hold is renewed before it would end."""


@dataclass(slots=True)
class Comparison:
    """What a list changes of an audience: in `changes`; how many members stay as they are; and how many there were."""

    changes: ChangeFile
    unchanged: int
    before: int


async def compared(
    members: SortedMembers,
    audience: Audience | None,
    audiences: Audiences,
    changes: ChangeFile,
    *,
    most_removed: float,
) -> Comparison:
    """Compare a list with what was sent for an audience (None: nothing was).

    Raises MembersError if the list cannot be used, or if more than `most_removed` percent would leave.
    """
    check_list(members, most_removed=most_removed)

    async def page(after: bytes, most: int) -> Sequence[Membership]:
        return [] if audience is None else await audiences.memberships(audience.id, after, most)

    unchanged = await compare(members.blocks(), page, 0 if audience is None else audience.sync, changes)
    members.check_repeats()
    before = 0 if audience is None else audience.members
    check_removed(changes.movement, before, most_removed=most_removed)
    return Comparison(changes, unchanged, before)


@contextlib.asynccontextmanager
async def held(
    audiences: Audiences, wanted: Audience, clock: Clock, *, create: bool = True
) -> AsyncIterator[tuple[Audience, Hold]]:
    """Hold an audience for as long as the block lasts. Raises AudienceHeldError and AudienceNameError."""
    audience, hold = await audiences.hold(wanted, create=create)
    renewing = asyncio.create_task(_renew(audiences, hold, clock))
    try:
        yield audience, hold
    finally:
        renewing.cancel()
        await audiences.release(hold)


async def _renew(audiences: Audiences, hold: Hold, clock: Clock) -> None:
    """Renew a hold again and again: a comparison, or a wait for the destination, may take longer than it lasts."""
    # If it was lost, the next put says so.
    with contextlib.suppress(AudienceHeldError):
        while True:
            await clock.sleep(HOLD_SECONDS / _RENEWALS)
            await audiences.renew(hold)


class Sync:
    """Sends what differs, under a hold. `sent` says what was put."""

    def __init__(
        self,
        destination: Destination,
        audiences: Audiences,
        audience: Audience,
        hold: Hold,
        *,
        batch_size: int | None,
        clock: Clock,
    ) -> None:
        self._audiences = audiences
        self._hold = hold
        self._audience = audience
        self._sender = ChangeSender(destination, audience, hold, batch_size=batch_size, now=clock.now())

    @property
    def sent(self) -> Sent:
        """What was put so far."""
        return self._sender.sent

    async def send(self, changes: ChangeFile, puts: PlannedPuts) -> None:
        """Send what a comparison found, and complete the sync if the delivery took all of it."""
        await self._sender.send(_each(changes), puts)
        if self.sent.is_complete:
            await self._audiences.complete(self._hold)

    async def send_removal(self, puts: PlannedPuts) -> None:
        """Send that all members leave, and remove the audience if every event was accepted."""
        await self._sender.send(self._everybody(), puts)
        if self.sent.is_complete and not self.sent.refused:
            await self._audiences.remove(self._audience.account, self._audience.name, self._hold)

    async def _everybody(self) -> AsyncIterator[list[Change]]:
        last, sync = b"", self._audience.sync
        while rows := await self._audiences.memberships(self._audience.id, last, STATE_PAGE):
            yield [Change(row[0], None, row[1], number_of(row, sync)) for row in rows if row[1] is not None]
            last = rows[-1][0]


async def _each(changes: ChangeFile) -> AsyncIterator[list[Change]]:
    for page in changes.pages():
        yield page
