"""The accounts that the service takes events for. Each accepts, and is delivered, by itself."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

from ..delivery.acceptor import Acceptor
from ..delivery.account_delivery import AccountDelivery, end_all
from ..delivery.delivery import account_of
from ..delivery.fullness import Fullness
from ..queues.contract import QueueFullError, Token
from .answers import BusyError
from .rate import Rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...definitions import Destination, StoppedError
    from ..delivery.clock import Clock
    from ..delivery.delivery import Rules
    from ..delivery.notices import Observer
    from ..delivery.receipt import Receipt
    from ..queues.contract import Lane, Queue
    from ..sources.contract import Chunk
    from ..transports.contract import Transport
    from .publishing import Publisher

_MOST_EVENTS = 1_000
"""No more events are planned together: planning them takes some 20 ms, in which nobody else is answered."""

_MOST_ACCEPTORS = 16
"""How many different settings of one account are kept compiled."""


class Waiting:
    """What waits to be stored, of all accounts together. `full` is why the queue refused the latest of it."""

    def __init__(self, most_bytes: float) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self.full: str | None = None


class ServedAccount:
    """An account that events come for. `delivery` sends them; None where another process does.

    `waiting` counts the bytes of all accounts. No more than `most_waiting` events of this one wait to be stored. With a
    `publisher`, events are published and not queued.
    """

    def __init__(
        self,
        destination: Destination,
        queue: Queue,
        rules: Rules,
        *,
        delivery: AccountDelivery | None,
        clock: Clock,
        notify: Observer,
        waiting: Waiting,
        most_waiting: int,
        rate: Rate,
        publisher: Publisher | None = None,
    ) -> None:
        self._publisher = publisher
        self._rate = rate
        self.name = account_of(destination)
        self.destination = destination
        self.delivery = delivery
        self._queue = queue
        self._rules = rules
        self._clock = clock
        self._notify = notify
        self._waiting = waiting
        self._most_waiting = most_waiting
        self._waiting_events = 0
        # By the fingerprint of the settings: senders of one account may map events in different ways.
        self._acceptors: OrderedDict[str, Acceptor] = OrderedDict()
        self._in_use: dict[Acceptor, int] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def waiting_events(self) -> int:
        """How many events wait to be stored."""
        return self._waiting_events

    @property
    def stopped(self) -> StoppedError | None:
        """Why nothing is sent at the moment; None if it is, or if another process sends."""
        return None if self.delivery is None else self.delivery.stopped

    async def accept(self, chunk: Chunk, destination: Destination | None = None) -> Receipt:
        """Accept a chunk; return its receipt once its events are on disk.

        `destination` says how to map them, if not as this account does. Raises BusyError if too much waits or if the
        queue is full; then nothing of the chunk was accepted.
        """
        size = chunk.size + sum([len(text.text) for text in chunk.unreadable])
        if self._waiting_events and self._waiting_events + chunk.count > self._most_waiting:
            raise BusyError(f"{self._waiting_events:,} events of this account wait to be stored")
        if self._waiting.bytes and self._waiting.bytes + size > self._waiting.most_bytes:
            raise BusyError("too many events wait to be stored")
        if wait := self._rate.wait(chunk.count):
            raise BusyError("this account sends more events than eventsPerSecond", retry_after=math.ceil(wait))
        self._waiting_events += chunk.count
        self._waiting.bytes += size
        try:
            receipt = await self._stored(chunk, destination or self.destination)
        except (QueueFullError, BusyError) as error:
            self._waiting.full = str(error)
            raise BusyError(str(error)) from None
        else:
            self._waiting.full = None
            return receipt
        finally:
            self._waiting_events -= chunk.count
            self._waiting.bytes -= size

    async def _stored(self, chunk: Chunk, destination: Destination) -> Receipt:
        """Return the receipt of a chunk that is queued or published. Raises QueueFullError and BusyError."""
        if self._publisher is not None:
            return await self._publisher.publish(chunk, destination, self.name)
        key, acceptor = self._acceptor(destination)
        self._in_use[acceptor] = self._in_use.get(acceptor, 0) + 1
        try:
            return await acceptor.accept(chunk)
        except QueueFullError:
            raise
        except Exception:
            # It accepts nothing more after a failure; the next request gets another one.
            if self._acceptors.get(key) is acceptor:
                del self._acceptors[key]
            raise
        finally:
            self._in_use[acceptor] -= 1
            if not self._in_use[acceptor]:
                del self._in_use[acceptor]

    def use(self, destination: Destination) -> None:
        """Send with other credentials from now on."""
        self.destination = destination
        if self.delivery is not None:
            self.delivery.use(destination)

    async def close(self) -> None:
        """Finish what was accepted."""
        for acceptor in [*self._acceptors.values(), *self._in_use]:
            await acceptor.close()
        if self._closing:
            await asyncio.wait(self._closing)

    def _acceptor(self, destination: Destination) -> tuple[str, Acceptor]:
        key = destination.fingerprint
        if (found := self._acceptors.get(key)) is None:
            found = self._acceptors[key] = self._new_acceptor(destination, compares_contents=True)
            if len(self._acceptors) > _MOST_ACCEPTORS:
                _, oldest = self._acceptors.popitem(last=False)
                # It has a task of its own, which would wait for ever.
                closing = asyncio.create_task(oldest.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
        self._acceptors.move_to_end(key)
        return key, found

    def new_acceptor(self) -> Acceptor:
        """Return an acceptor for a source: it maps events as this account does."""
        return self._new_acceptor(self.destination, compares_contents=False)

    def _new_acceptor(self, destination: Destination, *, compares_contents: bool) -> Acceptor:
        rules, run = self._rules, secrets.randbits(62)
        numbers = iter(range(1, 1 << 62))
        return Acceptor(
            destination,
            self._queue,
            account=self.name,
            token=lambda: Token(run, next(numbers)),
            clock=self._clock,
            notify=self._notify,
            fullness=Fullness(self._notify),
            put=self._wake,
            batch_size=rules.batch_size,
            keep_days=rules.keep_days,
            allow_old=rules.allow_old,
            counts_nobodies=rules.counts_nobodies,
            keeps_requests=False,
            most_events=_MOST_EVENTS,
            compares_contents=compares_contents,
        )

    def _wake(self, lane: Lane, events: int) -> None:
        if self.delivery is not None:
            self.delivery.put(lane, events)


class ServedAccounts:
    """All accounts that events come for, by their names in the queue.

    Without a `transport` another process sends. Nothing is sent for live accounts unless `allows_live`, also not what
    the queue holds.
    """

    def __init__(
        self,
        queue: Queue,
        transport: Transport | None,
        rules: Rules,
        *,
        clock: Clock,
        notify: Observer,
        most_waiting_events: int,
        most_waiting_bytes: float,
        allows_live: bool,
        events_per_second: float | None = None,
        publisher: Publisher | None = None,
    ) -> None:
        self._publisher = publisher
        self._allows_live = allows_live
        self._ending: set[asyncio.Task[None]] = set()
        self._events_per_second = events_per_second
        self._queue = queue
        self._transport = transport
        self._rules = rules
        self._clock = clock
        self._notify = notify
        self.waiting = Waiting(most_waiting_bytes)
        self._most_waiting_events = most_waiting_events
        self._by_name: dict[str, ServedAccount] = {}
        self._deliveries: list[tuple[AccountDelivery, asyncio.Task[None]]] = []

    def __iter__(self) -> Iterator[ServedAccount]:
        """Iterate over the accounts."""
        return iter([*self._by_name.values()])

    def get(self, name: str) -> ServedAccount | None:
        """Return the account of this name in the queue; None if it is not served yet."""
        return self._by_name.get(name)

    def serve(self, destination: Destination) -> ServedAccount:
        """Return the account of a destination; begin to serve it with these credentials if it is a new one."""
        name = account_of(destination)
        if (found := self._by_name.get(name)) is None:
            found = self._by_name[name] = ServedAccount(
                destination,
                self._queue,
                self._rules,
                delivery=self._begin_delivery(destination),
                clock=self._clock,
                notify=self._notify,
                waiting=self.waiting,
                most_waiting=self._most_waiting_events,
                rate=Rate(self._clock, self._events_per_second),
                publisher=self._publisher,
            )
        return found

    def name(self, accounts: Mapping[str, Destination]) -> None:
        """Publish events under the names that the configuration gives to their accounts."""
        if self._publisher is not None:
            self._publisher.use(accounts)

    def allow_live(self, *, allows_live: bool) -> None:
        """Begin or end to send for the live accounts, as a person has just allowed or forbidden."""
        self._allows_live = allows_live
        for account in self:
            if account.delivery is None:
                account.delivery = self._begin_delivery(account.destination)
            elif account.destination.is_live and not allows_live:
                ending = asyncio.create_task(account.delivery.end())
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
                account.delivery = None

    def renew(self, destination: Destination) -> None:
        """Let the account of a destination use these settings from now on, if it is served; what stopped it resumes."""
        if (account := self._by_name.get(account_of(destination))) is not None:
            account.use(destination)

    async def close(self) -> None:
        """Finish what was accepted, then end all deliveries: what is not sent stays in the queue."""
        await asyncio.gather(*(account.close() for account in self))
        await end_all(self._deliveries)

    def _begin_delivery(self, destination: Destination) -> AccountDelivery | None:
        if self._transport is None or (destination.is_live and not self._allows_live):
            return None
        delivery = AccountDelivery(
            destination, self._queue, self._transport, self._rules, clock=self._clock, notify=self._notify
        )
        self._deliveries.append((delivery, asyncio.create_task(delivery.run())))
        return delivery
