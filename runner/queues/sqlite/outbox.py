"""The outbox as a queue: put, lease and settle, each safe on disk when it returns."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Literal, Self, cast

from ...sources.files import STANDARD_INPUT_NAME
from ..contract import Fate, Lease, Leases, QueueFullError
from .duplicates import Duplicates, state_of
from .fresh_batches import FreshBatches
from .lanes import count_settled, note_pause, note_stop, pauses_of, waiting_in
from .letters import forget_beginnings, put_letter
from .owner import is_leased, own_name
from .positions import find_position, put_position
from .records import body, lease_of, read_marks, size_of
from .schema import BUSY_SECONDS, connect
from .seen_ids import SeenIds, hashes_of, letter_identity
from .settling import settle
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from ....definitions import AnswerError
    from ...delivery.clock import Clock
    from ...delivery.dead_letter_file import LetterFile
    from ...delivery.replay import Again
    from ..contract import Acceptance, Letter, Outcome, Position, QueuedBatch, Reason, Settlement, State, Waiting
    from .duplicates import Duplicate

Replayed = Literal["queued", "queued before", "delivered before", "gone"]
"""What became of an event of a dead letter that is replayed; it is gone when another process has replayed it."""

_BEFORE: dict[State | None, Replayed] = {"queued": "queued before", "delivered": "delivered before"}

LEASE_SECONDS = 60.0
"""How long a lease lasts when its process does not renew it."""

_RENEWALS = 3
_RENEW_AGAIN_SECONDS = 1.0
_MOST_LOOKED_AT = 64
"""So many free batches of a lane are looked at for some to lease."""


class Outbox:
    """A durable queue in one file, which several processes may share. Use it in an `async with`.

    Dead letters are written to `letters` too. Nothing is accepted while more than `limit_bytes` of events and
    payloads are queued; what becomes of the accepted is always written. Another program may have the file to itself
    for `busy_seconds` before that is an error. Raises OutboxError when the file cannot be used.
    """

    is_durable = True

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        letters: LetterFile | None = None,
        limit_bytes: int | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self._clock = clock
        self._letters = letters
        self._run = secrets.randbits(62)
        self._owner = own_name()
        self._seen = SeenIds()
        self._limit_bytes = limit_bytes
        self._fresh = FreshBatches()
        self._marks: dict[int, frozenset[int]] = {}
        self._store = Store(lambda: connect(path, busy_seconds=busy_seconds), self._forget)
        self._renewing: asyncio.Task[None] | None = None
        self._leased: set[int] = set()
        self._earlier: Counter[Outcome] = Counter()
        self._duplicates = Duplicates()

    async def __aenter__(self) -> Self:
        """Begin to renew leases."""
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give back what is still leased, and close the file."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing
        if self._leased:
            # Where there is no room to write it down, the end of this process frees them.
            with contextlib.suppress(QueueFullError):
                await self._store.run(self._release_all)
        self._store.close()

    async def put(self, acceptance: Acceptance) -> list[int]:
        """Accept batches, dead letters and how far a source was read, all or nothing. Raises QueueFullError.

        Tells how many events of each batch were put.
        """
        duplicates = await self._store.run(lambda connection: self._accept(connection, acceptance))
        self._copy(acceptance.letters)
        for some in duplicates:
            self._duplicates.add(some)
        return [len(queued) - len(some) for queued, some in zip(acceptance.batches, duplicates, strict=True)]

    async def replay(self, replays: Sequence[Again]) -> Counter[Replayed]:
        """Queue dead letters again, all or nothing; one may come to several events. Raises QueueFullError.

        What is queued or delivered under the same id is not queued again. None of them is a dead letter any more.
        """
        return await self._store.run(lambda connection: self._replay(connection, replays))

    async def lease(self, most: Mapping[str, int]) -> Leases:
        """Lease up to so many batches of each lane that are due, oldest first; none of a lane that must pause."""
        leases = await self._store.run(lambda connection: self._take(connection, most))
        self._leased.update(lease.id for lease in leases.batches)
        return leases

    async def settle(self, settlement: Settlement) -> None:
        """Note what became of a leased batch."""
        earlier = await self._store.run(lambda connection: self._settle(connection, settlement))
        self._earlier.update(earlier)
        self._leased.discard(settlement.lease.id)
        self._copy(settlement.dead.values())

    async def waiting(self, lanes: Sequence[str]) -> Waiting:
        """Tell what there is in some lanes that is not settled."""
        return await self._store.read(lambda connection: waiting_in(connection, lanes))

    async def position(self, key: str) -> Position | None:
        """Tell how far a source has been accepted; None when it is not known."""
        return await self._store.read(lambda connection: find_position(connection, key))

    async def note_stop(self, account: str, action: str, error: str | None) -> None:
        """Note why a lane has stopped, or (None) that it goes on."""
        await self._store.run(lambda connection: note_stop(connection, account, action, error, self._now()))

    async def note_pause(self, account: str, action: str, until: float) -> None:
        """Note until when (seconds since 1970) nothing may be sent in a lane. Raises QueueFullError."""
        await self._store.run(lambda connection: note_pause(connection, account, action, until))

    async def leave(self, error: AnswerError | None) -> None:
        """Keep what is not settled, which needs nothing."""

    async def fate(self) -> Fate:
        """Tell what has become of what this run put."""
        return await self._store.read(self._fate)

    def _copy(self, letters: Iterable[Letter]) -> None:
        if self._letters is not None:
            for letter in letters:
                self._letters.write(letter)

    # What follows runs in the thread of the store, within a transaction.

    def _forget(self) -> None:
        """Forget what was remembered of transactions: the last of them came to nothing."""
        self._seen.forget()
        self._fresh.forget()
        self._marks.clear()

    def _accept(self, connection: sqlite3.Connection, acceptance: Acceptance) -> list[list[Duplicate]]:
        """Write what is accepted; give the duplicates of each batch."""
        self._check_limit(connection, acceptance)
        duplicates = [self._put_batch(connection, queued) for queued in acceptance.batches]
        for reread in acceptance.reread:
            forget_beginnings(connection, reread)
        for letter in acceptance.letters:
            run = self._run if letter.source == STANDARD_INPUT_NAME else 0
            told = (letter.account, letter.source, run, letter.line, letter.subscription or "", letter.reason)
            put_letter(connection, letter, letter_identity(*told, letter.event or b""), self._run, self._now())
        for position in acceptance.positions:
            put_position(connection, position)
        return duplicates

    def _check_limit(self, connection: sqlite3.Connection, acceptance: Acceptance) -> None:
        """Raise QueueFullError when more would be queued than is allowed; a single batch is never too large."""
        if self._limit_bytes is None or not acceptance.batches:
            return
        held: int = connection.execute("SELECT coalesce(sum(bytes), 0) FROM batches").fetchone()[0]
        more = sum(map(size_of, acceptance.batches))
        if held + more > self._limit_bytes and (held or len(acceptance.batches) > 1):
            raise QueueFullError(f"{held:,} bytes are queued, and no more than {self._limit_bytes:,} may be")

    def _put_batch(self, connection: sqlite3.Connection, queued: QueuedBatch) -> list[Duplicate]:
        """Queue what is not known yet; give the rest."""
        duplicates: list[Duplicate] = []
        names = hashes_of(queued)
        known = self._seen.known(connection, [name for name in names if name is not None])
        first: dict[bytes, int] = {}
        fresh = []
        again: list[str] = []
        for position, name in enumerate(names):
            key = queued.batch.idempotency_keys[position] or ""
            if name is not None and name in known:
                state = state_of(connection, name, known[name], key)
                duplicates.append((state, queued.account, key, known[name]))
            elif name is not None and first.setdefault(name, position) != position:
                again.append(key)
            else:
                fresh.append(position)
        if not fresh:
            return duplicates
        kept = queued if len(fresh) == len(queued) else queued.part(fresh)
        number = self._insert(connection, kept, [name for name in names if name is not None and name in first])
        return [*duplicates, *(("queued", queued.account, key, number) for key in again)]

    def _replay(self, connection: sqlite3.Connection, replays: Sequence[Again]) -> Counter[Replayed]:
        letters: dict[int, bytes] = {}
        for number in {number for again in replays for number in again.numbers}:
            query = "DELETE FROM letters WHERE id = ? RETURNING identity"
            letters.update((number, identity) for (identity,) in connection.execute(query, (number,)).fetchall())
        replayed: Counter[Replayed] = Counter()
        queued: set[bytes] = set()
        for again in replays:
            replayed += self._replay_batch(connection, again, letters, queued)
        return replayed

    def _replay_batch(
        self, connection: sqlite3.Connection, again: Again, letters: Mapping[int, bytes], queued: set[bytes]
    ) -> Counter[Replayed]:
        """Queue the events of letters that are there; `queued` names those that this replay has queued by now."""
        replayed: Counter[Replayed] = Counter()
        names = hashes_of(again.queued)
        known = self._seen.known(connection, [name for name in names if name is not None])
        dead = set(letters.values())
        fresh: dict[int, bytes | None] = {}
        for position, (number, name) in enumerate(zip(again.numbers, names, strict=True)):
            state: State | None = None
            if name in queued:
                state = "queued"
            elif name is not None and name in known and name not in dead:
                key = again.queued.batch.idempotency_keys[position] or ""
                state = state_of(connection, name, known[name], key)
            if number not in letters:
                replayed["gone"] += 1
            elif state in _BEFORE:
                replayed[_BEFORE[state]] += 1
            else:
                fresh[position] = name
                queued.update([name] if name is not None else [])
        if fresh:
            # A usage event is in one place: no other letter is kept under the same id.
            connection.executemany(
                "DELETE FROM letters WHERE identity = ?", [(name,) for name in fresh.values() if name]
            )
            kept = again.queued if len(fresh) == len(names) else again.queued.part([*fresh])
            self._insert(connection, kept, [name for name in fresh.values() if name is not None])
            replayed["queued"] = len(fresh)
        return replayed

    def _insert(self, connection: sqlite3.Connection, queued: QueuedBatch, names: Sequence[bytes]) -> int:
        now, size = self._now(), size_of(queued)
        number = connection.execute(
            "INSERT INTO batches (lane, account, action, run, events, bytes, accepted_at, due)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (queued.lane, queued.account, queued.batch.action, self._run, len(queued), size, now, now),
        ).lastrowid
        assert number is not None  # noqa: S101 - an insertion has made a row
        connection.execute(
            "INSERT INTO bodies (batch, orders, about, payloads, events) VALUES (?, ?, ?, ?, ?)",
            (number, *body(queued)),
        )
        self._seen.add(connection, number, names)
        self._fresh.add(number, queued, size)
        return number

    def _take(self, connection: sqlite3.Connection, most: Mapping[str, int]) -> Leases:
        now = self._now()
        pauses = pauses_of(connection, now)
        known, self._marks = self._marks, {}
        taken = [
            number
            for lane, count in most.items()
            if lane not in pauses
            for number in itertools.islice(self._takeable(connection, lane, now, known), count)
        ]
        leases = [self._lease(connection, number, now) for number in taken]
        return Leases(leases, {lane: seconds for lane, seconds in pauses.items() if lane in most})

    def _takeable(
        self, connection: sqlite3.Connection, lane: str, now: float, known: Mapping[int, frozenset[int]]
    ) -> Iterator[int]:
        """Find the batches of a lane that may be leased.

        None that shares an order key with one of them is leased by another process, or must wait before it. What this
        process has leased is no obstacle: who leases several sends them in order.
        """
        rows = connection.execute(
            "SELECT id, owner, leased_until, due, orders FROM batches JOIN bodies ON batch = id"
            " WHERE lane = ? AND (owner IS NULL AND due <= ? OR owner <> ?) ORDER BY id",
            (lane, now, self._owner),
        )
        busy: set[int] = set()
        free = []
        for number, owner, leased_until, due, orders in rows:
            marks = self._marks[number] = known.get(number) or read_marks(orders)
            if is_leased(owner, leased_until, now):
                busy |= marks
            elif due <= now:
                free.append((number, marks))
                if len(free) == _MOST_LOOKED_AT:
                    break
        rows.close()
        for number, marks in free:
            if busy.isdisjoint(marks):
                yield number
            else:
                busy |= marks

    def _lease(self, connection: sqlite3.Connection, number: int, now: float) -> Lease:
        ((attempts, accepted_at, events),) = connection.execute(
            "UPDATE batches SET owner = ?, leased_until = ? WHERE id = ? RETURNING attempts, accepted_at, events",
            (self._owner, now + LEASE_SECONDS, number),
        ).fetchall()
        fresh = self._fresh.take(number)
        if fresh is not None and events == len(fresh):
            return Lease(number, fresh, attempts, accepted_at, self._marks[number])
        return lease_of(
            connection.execute(
                "SELECT id, account, action, attempts, accepted_at, orders, about, payloads, bodies.events"
                " FROM batches JOIN bodies ON batch = id WHERE id = ?",
                (number,),
            ).fetchone()
        )

    def _settle(self, connection: sqlite3.Connection, settlement: Settlement) -> Counter[Outcome]:
        """Write what became of a batch; tell what that was for events of another run."""
        row = connection.execute("SELECT owner, run FROM batches WHERE id = ?", (settlement.lease.id,)).fetchone()
        if row is None or row[0] != self._owner:
            return Counter()  # the lease has expired, and another process has the batch
        now, run = self._now(), row[1]
        outcomes = settle(connection, settlement, run, now)
        count_settled(connection, settlement, now)
        return Counter() if run == self._run else outcomes

    def _fate(self, connection: sqlite3.Connection) -> Fate:
        queued = connection.execute(
            "SELECT coalesce(sum(events), 0) FROM batches WHERE run = ?", (self._run,)
        ).fetchone()[0]
        outcomes: dict[Outcome, int] = dict(
            connection.execute("SELECT outcome, events FROM outcomes WHERE run = ?", (self._run,)).fetchall()
        )
        delivered = outcomes.pop("delivered", 0)
        states = self._duplicates.states(connection, self._seen)
        return Fate(delivered, cast("Mapping[Reason, int]", outcomes), queued, states, self._earlier)

    def _release_all(self, connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE batches SET owner = NULL, leased_until = NULL WHERE owner = ?", (self._owner,))
        self._leased.clear()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _renew(self) -> None:
        wait = LEASE_SECONDS / _RENEWALS
        while True:
            await self._clock.sleep(wait)
            wait = LEASE_SECONDS / _RENEWALS
            if self._leased:
                try:
                    await self._store.run(self._renew_all)
                except (QueueFullError, sqlite3.Error):
                    wait = _RENEW_AGAIN_SECONDS

    def _renew_all(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE batches SET leased_until = ? WHERE owner = ?", (self._now() + LEASE_SECONDS, self._owner)
        )
