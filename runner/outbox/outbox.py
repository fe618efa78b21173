"""The outbox as a queue: put, lease and settle, each safe on disk when it returns."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, cast

import msgspec

from ..patience import LONGEST_OBEYED
from ..queue import Fate, Lease, Leases, Position, QueueFullError, Waiting, lane_name
from ..sources import STANDARD_INPUT_NAME
from .fresh_batches import FreshBatches
from .owner import is_leased, own_name
from .records import body, holds, lease_of, read_marks, size_of
from .schema import BUSY_SECONDS, LETTER_COLUMNS, LETTER_MARKS, connect
from .seen_ids import SeenIds, hashes_of, key_name, letter_identity
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from ...definitions import AnswerError
    from ..clock import Clock
    from ..letter_file import LetterFile
    from ..queue import Acceptance, Letter, Outcome, QueuedBatch, Reason, Reread, Settlement, State
    from ..replay import Again

_Duplicate: TypeAlias = "tuple[State, str, str, int]"
"""A usage event that was there already: where, its account and key, and the batch that brought it."""

Replayed = Literal["queued", "queued before", "delivered before", "gone"]
"""What became of an event of a dead letter that is replayed; it is gone when another process has replayed it."""

_BEFORE: dict[State | None, Replayed] = {"queued": "queued before", "delivered": "delivered before"}

LEASE_SECONDS = 60.0
"""How long a lease lasts when its process does not renew it."""

_RENEWALS = 3
_RENEW_AGAIN_SECONDS = 1.0
_MOST_LOOKED_AT = 64
"""So many free batches of a lane are looked at for some to lease."""

_MOST_PENDING = 10_000
_SECONDS_A_MINUTE = 60
_MINUTES_KEPT = 120
_to_json = msgspec.json.Encoder().encode


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
        self._states: Counter[State] = Counter()
        self._pending: list[tuple[str, str]] = []
        self._pending_in: Counter[int] = Counter()

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
            self._count_duplicates(some)
        return [len(queued) - len(some) for queued, some in zip(acceptance.batches, duplicates, strict=True)]

    def _count_duplicates(self, duplicates: Iterable[_Duplicate]) -> None:
        for state, account, key, batch in duplicates:
            if state != "queued":
                self._states[state] += 1
            elif len(self._pending) < _MOST_PENDING:
                self._pending.append((account, key))
            else:
                self._pending_in[batch] += 1

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
        return await self._store.read(lambda connection: self._waiting(connection, lanes))

    async def position(self, key: str) -> Position | None:
        """Tell how far a source has been accepted; None when it is not known."""
        return await self._store.read(lambda connection: _find_position(connection, key))

    async def note_stop(self, account: str, action: str, error: str | None) -> None:
        """Note why a lane has stopped, or (None) that it goes on."""
        await self._store.run(lambda connection: self._note_stop(connection, account, action, error))

    async def note_pause(self, account: str, action: str, until: float) -> None:
        """Note until when (seconds since 1970) nothing may be sent in a lane. Raises QueueFullError."""
        await self._store.run(lambda connection: _note_pause(connection, account, action, until))

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

    def _accept(self, connection: sqlite3.Connection, acceptance: Acceptance) -> list[list[_Duplicate]]:
        """Write what is accepted; give the duplicates of each batch."""
        self._check_limit(connection, acceptance)
        duplicates = [self._put_batch(connection, queued) for queued in acceptance.batches]
        for reread in acceptance.reread:
            _forget_beginnings(connection, reread)
        for letter in acceptance.letters:
            run = self._run if letter.source == STANDARD_INPUT_NAME else 0
            told = (letter.account, letter.source, run, letter.line, letter.subscription or "", letter.reason)
            self._put_letter(connection, letter, letter_identity(*told, letter.event or b""), self._run)
        for position in acceptance.positions:
            _put_position(connection, position)
        return duplicates

    def _check_limit(self, connection: sqlite3.Connection, acceptance: Acceptance) -> None:
        """Raise QueueFullError when more would be queued than is allowed; a single batch is never too large."""
        if self._limit_bytes is None or not acceptance.batches:
            return
        held: int = connection.execute("SELECT coalesce(sum(bytes), 0) FROM batches").fetchone()[0]
        more = sum(map(size_of, acceptance.batches))
        if held + more > self._limit_bytes and (held or len(acceptance.batches) > 1):
            raise QueueFullError(f"{held:,} bytes are queued, and no more than {self._limit_bytes:,} may be")

    def _put_batch(self, connection: sqlite3.Connection, queued: QueuedBatch) -> list[_Duplicate]:
        """Queue what is not known yet; give the rest."""
        duplicates: list[_Duplicate] = []
        names = hashes_of(queued)
        known = self._seen.known(connection, [name for name in names if name is not None])
        first: dict[bytes, int] = {}
        fresh = []
        again: list[str] = []
        for position, name in enumerate(names):
            key = queued.batch.idempotency_keys[position] or ""
            if name is not None and name in known:
                state = self._state(connection, name, known[name], key)
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
                state = self._state(connection, name, known[name], key)
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

    def _state(self, connection: sqlite3.Connection, name: bytes, batch: int, key: str) -> State:
        """Tell where a usage event is whose id is known."""
        row = connection.execute("SELECT about FROM bodies WHERE batch = ?", (batch,)).fetchone()
        if row is not None and holds(row[0], key):
            return "queued"
        letter = connection.execute("SELECT reason FROM letters WHERE identity = ?", (name,)).fetchone()
        state: State = "delivered" if letter is None else letter[0]
        return state

    def _put_letter(self, connection: sqlite3.Connection, letter: Letter, identity: bytes, run: int) -> None:
        connection.execute(
            f"INSERT OR IGNORE INTO letters ({LETTER_COLUMNS}) VALUES ({LETTER_MARKS})",  # noqa: S608 - constants
            (
                identity,
                run,
                self._now(),
                letter.reason,
                letter.message,
                letter.source,
                letter.line,
                letter.account,
                letter.action,
                letter.subscription,
                letter.key,
                letter.event,
                letter.payload,
                _to_json([[problem.place, problem.message] for problem in letter.problems]).decode(),
                letter.status_code,
                letter.request_id,
            ),
        )

    def _take(self, connection: sqlite3.Connection, most: Mapping[str, int]) -> Leases:
        now = self._now()
        pauses = _pauses(connection, now)
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
        lease, queued = settlement.lease, settlement.lease.queued
        row = connection.execute("SELECT owner, run FROM batches WHERE id = ?", (lease.id,)).fetchone()
        if row is None or row[0] != self._owner:
            return Counter()  # the lease has expired, and another process has the batch
        names = hashes_of(queued) if settlement.dead else []
        for position, letter in settlement.dead.items():
            self._put_letter(connection, letter, names[position] or letter_identity(lease.id, position), row[1])
        gone = {*settlement.delivered, *settlement.dead}
        rest = [position for position in range(len(queued)) if position not in gone]
        if not rest:
            connection.execute("DELETE FROM batches WHERE id = ?", (lease.id,))
            connection.execute("DELETE FROM bodies WHERE batch = ?", (lease.id,))
        else:
            self._keep_rest(connection, settlement, rest)
        self._count(connection, settlement)
        outcomes: Counter[Outcome] = Counter(letter.reason for letter in settlement.dead.values())
        outcomes["delivered"] += len(settlement.delivered)
        connection.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events",
            [(row[1], outcome, events) for outcome, events in outcomes.items()],
        )
        return Counter() if row[1] == self._run else outcomes

    def _keep_rest(self, connection: sqlite3.Connection, settlement: Settlement, rest: Sequence[int]) -> None:
        lease = settlement.lease
        if len(rest) < len(lease.queued):
            part = lease.queued.part(rest)
            _, about, payloads, events = body(part)
            connection.execute(
                "UPDATE bodies SET payloads = ?, events = ?, about = ? WHERE batch = ?",
                (payloads, events, about, lease.id),
            )
            connection.execute(
                "UPDATE batches SET events = ?, bytes = ? WHERE id = ?", (len(part), size_of(part), lease.id)
            )
        connection.execute(
            "UPDATE batches SET owner = NULL, leased_until = NULL, attempts = attempts + ?, due = max(due, ?),"
            " error = ? WHERE id = ?",
            (settlement.attempts, settlement.due, _message(settlement), lease.id),
        )

    def _count(self, connection: sqlite3.Connection, settlement: Settlement) -> None:
        """Keep what `status` tells."""
        queued = settlement.lease.queued
        now, delivered = self._now(), len(settlement.delivered)
        _insert_lane(connection, queued.lane, queued.account, queued.batch.action)
        if delivered:
            connection.execute(
                "UPDATE lanes SET delivered = delivered + ?, delivered_at = ?, stopped = 0 WHERE lane = ?",
                (delivered, now, queued.lane),
            )
            minute = int(now // _SECONDS_A_MINUTE)
            connection.execute(
                "INSERT INTO rates VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered",
                (queued.lane, minute, delivered),
            )
            connection.execute("DELETE FROM rates WHERE minute < ?", (minute - _MINUTES_KEPT,))
        error = _message(settlement) or next((letter.message for letter in settlement.dead.values()), None)
        if error:
            connection.execute("UPDATE lanes SET error = ?, error_at = ? WHERE lane = ?", (error, now, queued.lane))

    def _note_stop(self, connection: sqlite3.Connection, account: str, action: str, error: str | None) -> None:
        lane = lane_name(account, action)
        _insert_lane(connection, lane, account, action)
        if error is None:
            connection.execute("UPDATE lanes SET stopped = 0 WHERE lane = ?", (lane,))
        else:
            values = (error, self._now(), lane)
            connection.execute("UPDATE lanes SET stopped = 1, error = ?, error_at = ? WHERE lane = ?", values)

    def _waiting(self, connection: sqlite3.Connection, lanes: Sequence[str]) -> Waiting:
        marks = ",".join("?" * len(lanes))
        batches, events, leased, next_due = connection.execute(
            "SELECT count(*), coalesce(sum(events), 0), count(owner),"  # noqa: S608 - marks
            " min(CASE WHEN owner IS NULL THEN max(due, coalesce(paused_until, 0)) END)"
            f" FROM batches LEFT JOIN lanes USING (lane) WHERE lane IN ({marks})",
            tuple(lanes),
        ).fetchone()
        return Waiting(batches, events, leased, next_due)

    def _fate(self, connection: sqlite3.Connection) -> Fate:
        queued = connection.execute(
            "SELECT coalesce(sum(events), 0) FROM batches WHERE run = ?", (self._run,)
        ).fetchone()[0]
        outcomes: dict[Outcome, int] = dict(
            connection.execute("SELECT outcome, events FROM outcomes WHERE run = ?", (self._run,)).fetchall()
        )
        delivered = outcomes.pop("delivered", 0)
        states = self._states.copy()
        for account, key in self._pending:
            name = key_name(account, key)
            batch = self._seen.known(connection, [name]).get(name)
            states["delivered" if batch is None else self._state(connection, name, batch, key)] += 1
        for batch, count in self._pending_in.items():
            is_queued = connection.execute("SELECT 1 FROM batches WHERE id = ?", (batch,)).fetchone() is not None
            states["queued" if is_queued else "delivered"] += count
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


def _message(settlement: Settlement) -> str | None:
    return None if settlement.error is None else settlement.error.message


def _insert_lane(connection: sqlite3.Connection, lane: str, account: str, action: str) -> None:
    connection.execute(
        "INSERT INTO lanes (lane, account, action) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (lane, account, action)
    )


def _note_pause(connection: sqlite3.Connection, account: str, action: str, until: float) -> None:
    lane = lane_name(account, action)
    _insert_lane(connection, lane, account, action)
    connection.execute("UPDATE lanes SET paused_until = max(paused_until, ?) WHERE lane = ?", (until, lane))


def _pauses(connection: sqlite3.Connection, now: float) -> dict[str, float]:
    """Tell for how many seconds nothing may be sent in the lanes that must pause."""
    rows = connection.execute("SELECT lane, paused_until FROM lanes WHERE paused_until > ?", (now,)).fetchall()
    pauses = {lane: until - now for lane, until in rows}
    if pauses and max(pauses.values()) > LONGEST_OBEYED:
        # The clock was set back. The pause must end all the same, so it is written anew.
        longest = now + LONGEST_OBEYED
        connection.execute("UPDATE lanes SET paused_until = ? WHERE paused_until > ?", (longest, longest))
    return {lane: min(seconds, LONGEST_OBEYED) for lane, seconds in pauses.items()}


def _forget_beginnings(connection: sqlite3.Connection, reread: Reread) -> None:
    """Forget the unreadable letters of what was the beginning of a text by then."""
    connection.execute(
        "DELETE FROM letters WHERE reason = 'unreadable' AND account = ? AND source = ? AND line = ?"
        " AND event = substr(?, 1, length(event))",
        (reread.account, reread.source, reread.line, reread.text),
    )


def _find_position(connection: sqlite3.Connection, key: str) -> Position | None:
    row = connection.execute("SELECT name, line, size, digest, is_end FROM positions WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    name, line, size, digest, is_end = row
    return Position(key, name, line, size, digest, bool(is_end))


def _put_position(connection: sqlite3.Connection, position: Position) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)",
        (position.key, position.name, position.line, position.size, position.digest, position.is_end),
    )
