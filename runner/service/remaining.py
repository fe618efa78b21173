"""What the queue holds for accounts that nobody sends for yet: from before a restart, or put by another process."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..delivery.delivery import account_of
from ..delivery.waiting import jittered
from ..queues.contract import QueueFullError, QueueOpenError

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator

    from ...definitions import Destination
    from ..configuration.service_configuration import ServiceConfiguration
    from ..delivery.clock import Clock
    from ..queues.contract import Queue
    from .accounts import ServedAccount, ServedAccounts
    from .stored_credentials import StoredCredentials

_SECONDS = 1.0
"""About how often to look."""


class Remaining:
    """Looks at the queue about once a second, and has every account that it knows credentials of delivered."""

    def __init__(
        self,
        queue: Queue,
        accounts: ServedAccounts,
        configuration: ServiceConfiguration,
        stored: StoredCredentials,
        *,
        clock: Clock,
        randomness: random.Random,
    ) -> None:
        self._queue = queue
        self._accounts = accounts
        self._stored = stored
        self._clock = clock
        self._randomness = randomness
        self.use(configuration)

    def use(self, configuration: ServiceConfiguration) -> None:
        """Use the accounts of another configuration from now on."""
        self._configured = {account_of(found): found for found in configuration.accounts.values()}
        self._allows_live = configuration.delivery.live

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look at the queue for as long as the block lasts."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _watch(self) -> None:
        while True:
            began = self._clock.monotonic()
            # An outbox that is locked, or away, or cannot be used, is asked again.
            with contextlib.suppress(QueueFullError, QueueOpenError):
                await self.look()
            # A queue with very many lanes takes its time, and it is not all that there is to do.
            took = self._clock.monotonic() - began
            await self._clock.sleep(jittered(max(_SECONDS, 10 * took), self._randomness))

    async def look(self) -> None:
        """Have everything delivered that is queued."""
        waiting = [account for account, events in (await self._queue.queued()).items() if events]
        if not waiting:
            return
        await self._stored.refresh()
        for name in waiting:
            account = self._accounts.get(name)
            if account is None and (destination := self._destination(name)) is not None:
                account = self._accounts.serve(destination)
            if account is not None and account.delivery is not None:
                self._renew(account)
                account.delivery.look_again()

    def _renew(self, account: ServedAccount) -> None:
        """Let an account send with the key that another process has stored since."""
        if account.name in self._configured or not self._stored.has_other_key(account.destination):
            return
        destination = self._stored.destination(account.name)
        if destination is not None:
            account.use(destination)

    def _destination(self, name: str) -> Destination | None:
        """Return with which credentials an account is sent to; None if they are not known, or not allowed."""
        destination = self._configured.get(name) or self._stored.destination(name)
        if destination is None or (destination.is_live and not self._allows_live):
            return None
        return destination
