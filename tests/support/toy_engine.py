"""The smallest engine that keeps the contract: lists and dicts, as its author would write it for a new store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from kable_destination.runner.queues.contract import (
    DeadLetterGroup,
    ExportedBatch,
    ExportedIds,
    ExportedMemberships,
    ExportedRecord,
    KeptDeadLetter,
    LaneStatus,
    Lease,
    QueueOpenError,
)
from kable_destination.runner.queues.engine import Candidate, Pause
from kable_destination.runner.queues.lane_figures import MINUTES_OF_RATE, lane_error, minute_of
from kable_destination.runner.queues.memory.audiences import MemoryAudiences
from kable_destination.runner.queues.rules import moment_due, pause_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from kable_destination.runner.queues.contract import (
        Checkpoint,
        DeadLetter,
        DeadLetterFilter,
        Exported,
        Lane,
        Outcome,
        QueuedBatch,
        Reason,
        RereadText,
        Settlement,
        Token,
    )
    from kable_destination.runner.queues.engine import EngineOptions, Tables

T = TypeVar("T")


@dataclass
class Row:
    """A batch."""

    queued: QueuedBatch
    run: int
    candidate: Candidate
    attempts: int = 0
    error: str | None = None


class ToyTables:
    """Everything in lists and dicts, searched from end to end."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.ids: dict[Hashable, int] = {}
        self.letters: dict[int, tuple[Hashable, Hashable, KeptDeadLetter]] = {}
        self.statuses: dict[Lane, LaneStatus] = {}
        self.pauses: dict[Lane, Pause] = {}
        self.rates: Counter[tuple[Lane, int]] = Counter()
        self.puts: dict[int, tuple[int, bytes]] = {}
        self.counts: dict[int, Counter[Outcome]] = {}
        self.stored: dict[str, Checkpoint] = {}
        self.moments: dict[Hashable, float] = {}
        self.values: dict[str, bytes] = {}
        self.contents: dict[tuple[int, Hashable], bytes] = {}
        self.last_row = self.last_letter = 0
        # The engine in memory is as simple as one can be.
        self.audiences = MemoryAudiences()

    def salt(self) -> bytes | None:
        """Return None: nobody else prepares batches for this engine."""
        return None

    def moment(self, now: float) -> float:
        """Return the caller's moment: there is no other clock."""
        return now

    def names(self, account: str, keys: Sequence[str | None]) -> Sequence[Hashable | None]:
        return [key and f"{account}\0{key}" for key in keys]

    def known(self, account: str, names: AbstractSet[Hashable]) -> Mapping[Hashable, int]:
        return {name: self.ids[name] for name in names if name in self.ids}

    def holds(self, batch: int, key: str) -> bool:
        return batch in self.rows and key in self.rows[batch].queued.batch.idempotency_keys

    def dead_reason(self, account: str, name: Hashable) -> Reason | None:
        return next((kept.letter.reason for identity, _, kept in self.letters.values() if identity == name), None)

    def dead_event(self, account: str, name: Hashable) -> bytes | None:
        return next((kept.letter.event for identity, _, kept in self.letters.values() if identity == name), None)

    def forget(self, identities: Collection[Hashable]) -> None:
        self.ids = {name: batch for name, batch in self.ids.items() if name not in identities}

    def last_put(self, run: int) -> tuple[int, bytes] | None:
        return self.puts.get(run)

    def note_put(self, token: Token, result: bytes, now: float) -> None:
        self.puts[token.run] = token.number, result

    def queued_bytes(self) -> Mapping[str, int]:
        return self._sums(lambda queued: queued.size)

    def queued_events(self) -> Mapping[str, int]:
        return self._sums(lambda queued: queued.count)

    def _sums(self, of: Callable[[QueuedBatch], int]) -> Mapping[str, int]:
        sums = Counter({lane.account: 0 for lane in self.statuses})
        for row in self.rows.values():
            sums[row.queued.account] += of(row.queued)
        return sums

    def add_batch(self, queued: QueuedBatch, names: Sequence[Hashable | None], run: int, now: float) -> int:
        self.last_row += 1
        self.rows[self.last_row] = Row(queued, run, Candidate(self.last_row, queued.batch.shard, now, now))
        self.ids.update((name, self.last_row) for name in names if name is not None)
        self.moments.update((name, now) for name in names)
        self._lane(queued.lane)
        return self.last_row

    def note_contents(self, batch: int, names: Sequence[Hashable | None], digests: Sequence[bytes], now: float) -> None:
        self.contents.update(((batch, name), digest) for name, digest in zip(names, digests, strict=True))

    def content(self, batch: int, name: Hashable) -> bytes | None:
        return self.contents.get((batch, name))

    def put_checkpoint(self, checkpoint: Checkpoint, now: float) -> None:
        self.stored[checkpoint.key] = checkpoint
        self.moments[checkpoint] = now

    def replace_checkpoint(self, checkpoint: Checkpoint, expected: bytes | None, now: float) -> bool:
        found = self.stored.get(checkpoint.key)
        if is_expected := (None if found is None else found.state) == expected:
            self.put_checkpoint(checkpoint, now)
        return is_expected

    def put_record(self, key: str, value: bytes | None) -> None:
        self.values.pop(key, None)
        if value is not None:
            self.values[key] = value

    def candidates(self, lane: Lane, most: int) -> list[Candidate]:
        found = [row.candidate for row in self.rows.values() if row.queued.lane == lane]
        heads = {candidate.shard: candidate for candidate in reversed(found) if candidate.shard is not None}
        others = [candidate for candidate in found if candidate.shard is None]
        free = sorted((candidate.due, candidate) for candidate in others if candidate.owner is None)
        owned = [candidate for candidate in others if candidate.owner is not None]
        return [*heads.values(), *(candidate for _, candidate in free[:most]), *owned]

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        self._own(lambda row: row.candidate.id in ids, owner, until)
        rows = [self.rows[number] for number in ids]
        return [Lease(row.candidate.id, row.queued, row.attempts, row.candidate.accepted_at, row.run) for row in rows]

    def renew(self, owner: str, until: float) -> None:
        self._own(lambda row: row.candidate.owner == owner, owner, until)

    def correct(self, lane: Lane, now: float, *, leases: float, longest: float) -> None:
        for row in self._rows_of(lane):
            _, _, accepted_at, due, _, leased_until, wait = row.candidate
            row.candidate = row.candidate._replace(
                accepted_at=min(accepted_at, now),
                due=now if due > longest else min(due, now + wait),
                leased_until=min(leased_until, leases),
            )

    def make_due(self, lane: Lane, now: float) -> int:
        later = [row for row in self._rows_of(lane) if row.candidate.due > now]
        for row in later:
            row.candidate = row.candidate._replace(due=now)
        return sum(row.queued.count for row in later)

    def _rows_of(self, lane: Lane) -> list[Row]:
        return [row for row in self.rows.values() if row.queued.lane == lane]

    def release(self, owner: str) -> None:
        self._own(lambda row: row.candidate.owner == owner, None, 0)

    def pause(self, lane: Lane) -> Pause:
        return self.pauses.get(lane, Pause())

    def set_pause(self, lane: Lane, pause: Pause) -> None:
        self.pauses[lane] = pause
        self._lane(lane)

    def depth(self, lane: Lane) -> tuple[int, int]:
        sizes = [row.queued.count for row in self.rows.values() if row.queued.lane == lane]
        return len(sizes), sum(sizes)

    def mark(self, lane: Lane, now: float, stopped: str | None) -> None:
        changes = {} if stopped is None else {"error": stopped, "error_at": now}
        self._lane(lane, stopped=stopped is not None, **changes)

    def owner_of(self, batch: int) -> str | None:
        return self.rows[batch].candidate.owner if batch in self.rows else None

    def settle(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        row, lane = self.rows[settlement.lease.id], settlement.lease.queued.lane
        row.queued = row.queued.part(rest)
        row.attempts += settlement.attempts
        row.error = None if settlement.error is None else settlement.error.message
        if settlement.due > row.candidate.due:
            wait = max(0, settlement.due - now)
            row.candidate = row.candidate._replace(due=settlement.due, wait=wait)
        row.candidate = row.candidate._replace(owner=None, leased_until=0)
        if not rest:
            del self.rows[settlement.lease.id]
        if delivered := len(settlement.delivered):
            self._lane(lane, delivered=self._lane(lane).delivered + delivered, delivered_at=now, stopped=False)
            self.rates[lane, minute_of(now)] += delivered
        if error := lane_error(settlement):
            self._lane(lane, error=error, error_at=now)

    def batches_after(self, number: int, most: int) -> list[Candidate]:
        return [row.candidate for key, row in sorted(self.rows.items()) if key > number][:most]

    def read_batch(self, number: int) -> QueuedBatch | None:
        return self.rows[number].queued

    def keep_events(self, number: int, queued: QueuedBatch, rest: Sequence[int]) -> None:
        row = self.rows[number]
        row.queued, row.candidate = queued.part(rest), row.candidate._replace(owner=None, leased_until=0)
        if not rest:
            del self.rows[number]

    def count(self, run: int, outcomes: Mapping[Outcome, int]) -> None:
        self.counts.setdefault(run, Counter()).update(outcomes)

    def add_dead_letter(
        self, letter: DeadLetter, identity: Hashable, name: Hashable | None, run: int, now: float
    ) -> bool:
        if any(identity == other for other, *_ in self.letters.values()):
            return False
        self.last_letter += 1
        named = None if name is None else (letter.account, name)
        self.letters[self.last_letter] = identity, named, KeptDeadLetter(self.last_letter, now, letter)
        return True

    def identity(self, *parts: str | bytes | int) -> Hashable:
        return parts

    def name_identity(self, account: str, name: Hashable) -> Hashable:
        return name

    def delete_reread(self, reread: RereadText) -> None:
        for number, (*_, kept) in [*self.letters.items()]:
            letter = kept.letter
            is_there = (letter.account, letter.path) == (reread.account, reread.path)
            is_there &= letter.origin[1:] == reread.origin[1:]
            is_there &= bool(reread.path) or letter.origin == reread.origin
            if letter.reason == "unreadable" and is_there and reread.text.startswith(letter.event or b""):
                del self.letters[number]

    def take_dead_letters(self, ids: Collection[int]) -> Mapping[int, Hashable]:
        return {number: self.letters.pop(number)[0] for number in [*ids] if number in self.letters}

    def has_named(self, account: str, name: Hashable) -> bool:
        return any(named == (account, name) for _, named, _ in self.letters.values())

    def delete_named(self, account: str, names: Collection[Hashable]) -> None:
        gone = {(account, name) for name in names}
        self.letters = {number: item for number, item in self.letters.items() if item[1] not in gone}

    def dead_letter_bytes(self) -> int:
        return sum(kept.letter.size for *_, kept in self.letters.values())

    def oldest_dead_letters(self, most: int) -> list[tuple[int, float, int]]:
        return [(number, kept.at, kept.letter.size) for number, (*_, kept) in self.letters.items()][:most]

    def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        groups: dict[tuple[Reason, str], list[KeptDeadLetter]] = {}
        for kept in self.read_dead_letters(self.dead_letter_ids(chosen)):
            message = kept.letter.message.replace(f" (request id {kept.letter.request_id})", "")
            groups.setdefault((kept.letter.reason, message), []).append(kept)
        return sorted(
            (
                DeadLetterGroup(*key, [kept.id for kept in some], some[0].at, some[-1].at)
                for key, some in groups.items()
            ),
            key=lambda group: (-group.count, -group.ids[-1]),
        )

    def dead_letter_ids(self, chosen: DeadLetterFilter) -> list[int]:
        return [
            number
            for number, (*_, kept) in self.letters.items()
            if (chosen.ids is None or number in chosen.ids)
            and chosen.reason in (None, kept.letter.reason)
            and kept.at >= (chosen.since or 0)
        ]

    def read_dead_letters(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        return [self.letters[number][2] for number in sorted(ids) if number in self.letters]

    def checkpoints(self, keys: Collection[str]) -> Mapping[str, Checkpoint]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def records(self, prefix: str) -> Mapping[str, bytes]:
        return {key: value for key, value in self.values.items() if key.startswith(prefix)}

    def outcomes(self, run: int) -> tuple[Mapping[Outcome, int], int]:
        return self.counts.get(run, Counter()), sum(row.queued.count for row in self.rows.values() if row.run == run)

    def lanes(self, now: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        return [self._status(lane, now, is_held) for lane in sorted(self.statuses)]

    def dead_counts(self) -> Mapping[Reason, int]:
        return Counter(kept.letter.reason for *_, kept in self.letters.values())

    def known_ids(self) -> int:
        return len(self.ids)

    def prune(self, *, ids_before: float, checkpoints_before: float, most: int) -> None:
        self.forget([name for name in self.ids if self.moments[name] < ids_before][:most])
        for key, checkpoint in [*self.stored.items()]:
            if checkpoint.is_end and self.moments[checkpoint] < checkpoints_before:
                del self.stored[key]

    def _own(self, is_meant: Callable[[Row], bool], owner: str | None, until: float) -> None:
        for row in self.rows.values():
            if is_meant(row):
                row.candidate = row.candidate._replace(owner=owner, leased_until=until)

    def _lane(self, lane: Lane, **changes: Any) -> LaneStatus:
        status = self.statuses[lane] = replace(self.statuses.get(lane, LaneStatus(*lane)), **changes)
        return status

    def _status(self, lane: Lane, now: float, is_held: Callable[[Candidate], bool]) -> LaneStatus:
        status, rows = self._lane(lane), [row for row in self.rows.values() if row.queued.lane == lane]
        free = [row for row in rows if not is_held(row.candidate)]
        seconds = pause_left(self.pauses.get(lane, Pause()), now)
        pause = now + seconds if seconds else 0
        first_minute = minute_of(now) - MINUTES_OF_RATE
        rate = sum(events for (of, minute), events in self.rates.items() if of == lane and minute > first_minute)
        return replace(
            status,
            queued=sum(row.queued.count for row in rows),
            leased=sum(row.queued.count for row in rows) - sum(row.queued.count for row in free),
            batches=len(rows),
            next_due=min((max(moment_due(row.candidate, now), pause) for row in free), default=None),
            oldest_at=min((row.candidate.accepted_at for row in rows), default=None),
            per_minute=rate / MINUTES_OF_RATE,
            paused_until=pause or None,
        )


class ToyEngine:
    """Runs operations on its tables."""

    is_durable = True

    def __init__(self) -> None:
        self.tables = ToyTables()

    async def write(self, operation: Callable[[Tables], T]) -> T:
        return operation(self.tables)

    async def read(self, operation: Callable[[Tables], T]) -> T:
        return operation(self.tables)

    async def export(self, now: float, is_held: Callable[[Candidate], bool]) -> AsyncIterator[Exported]:
        tables = self.tables
        batches = [
            ExportedBatch(row.queued, row.run, row.attempts, row.candidate.accepted_at, row.candidate.due, row.error)
            for row in tables.rows.values()
        ]
        letters = [kept for *_, kept in tables.letters.values()]
        records = [ExportedRecord(*item) for item in tables.values.items()]
        ids = [ExportedIds([str(name).encode()], 0) for name in tables.ids]
        audiences = tables.audiences
        members = [ExportedMemberships(each, audiences.memberships(each.id, b"", 1_000)) for each in audiences.all()]
        everything: list[Exported] = [*members, *tables.lanes(now, is_held), *batches, *letters, *records, *ids]
        for item in [*everything, *tables.stored.values()]:
            yield item

    def size(self) -> int:
        return 0

    async def close(self) -> None:
        pass


PLACES: dict[str, ToyEngine] = {}


def open_toy(location: str, options: EngineOptions, /) -> ToyEngine:
    """Open what is at a place of this process; one named "missing" never is."""
    if "missing" in location:
        raise QueueOpenError(f"nothing is at {location}, as it is written in {unquote(location)}")
    return PLACES.setdefault(location, ToyEngine())
