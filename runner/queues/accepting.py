"""The operation behind `put`: what is new is queued, what is known is counted, and nothing is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .audiences import check_hold, put_memberships
from .contents import OTHER_CONTENT, TOO_OLD, BatchContents
from .contract import CheckpointMovedError, Conflict, Duplicate, PutResult
from .keeping import Sources, add_dead_letters, delete_old
from .rules import all_new, check_limit, is_same_event, sort_events

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from .contract import Put, QueuedBatch, State, Token
    from .engine import Tables
    from .keeping import Retention

_NO_POSITIONS: AbstractSet[int] = frozenset()
_write_result = msgspec.msgpack.Encoder().encode
_read_result = msgspec.msgpack.Decoder(tuple[list[int], list[Duplicate], int, list[Conflict]]).decode


def repeated(tables: Tables, token: Token) -> bytes | None:
    """Return the result of a put that was made before under the same token. Raises ValueError for an older token."""
    last = tables.last_put(token.run)
    if last is None or last[0] < token.number:
        return None
    number, result = last
    if number > token.number:
        raise ValueError(f"put {token.number} comes after put {number} of the same run; only the last can be repeated")
    return result


def accept(
    tables: Tables, put: Put, *, now: float, limit_bytes: int | None, retention: Retention | None
) -> tuple[PutResult, int]:
    """Store everything of a put, and delete what `retention` says; return how many dead letters that were, too.

    Raises QueueFullError, CheckpointMovedError and AudienceHeldError.
    """
    if (before := repeated(tables, put.token)) is not None:
        return PutResult(*_read_result(before)), 0
    _require_expected(tables, put)
    if put.memberships is not None:
        check_hold(tables, put.memberships)
    if limit_bytes is not None and put.batches:
        check_limit(tables.queued_bytes(), put.batches, limit_bytes)
    # First, since it is what a reader that is too late fails at, and what an engine may lock.
    _put_checkpoints(tables, put, now)
    accepted, duplicates, too_old, conflicts = [], list[Duplicate](), 0, list[Conflict]()
    sources = Sources() if put.dead_letters else None
    for number, queued in enumerate(put.batches):
        batch = _Batch(tables, queued, put, now, sources)
        accepted.append(batch.put(duplicates, put.too_old.get(number, _NO_POSITIONS)))
        too_old += batch.too_old
        conflicts += batch.conflicts
    _store_others(tables, put, sources, now)
    result = PutResult(accepted, duplicates, too_old, conflicts)
    tables.note_put(put.token, _write_result((accepted, duplicates, too_old, conflicts)), now)
    if retention is None:
        return result, 0
    tables.prune(ids_before=retention.ids_before, checkpoints_before=retention.checkpoints_before, most=retention.most)
    return result, delete_old(tables, retention)


def _store_others(tables: Tables, put: Put, sources: Sources | None, now: float) -> None:
    """Store what a put has beside batches."""
    for reread in put.reread:
        tables.delete_reread(reread)
    if sources is not None:
        add_dead_letters(tables, put, sources, now)
    for key, value in put.records.items():
        tables.put_record(key, value)
    if put.memberships is not None:
        put_memberships(tables, put.memberships, now)


def _require_expected(tables: Tables, put: Put) -> None:
    """Raise CheckpointMovedError, before anything is stored: an engine in memory cannot take a part back."""
    if not put.expects:
        return
    stored = tables.checkpoints(put.expects.keys())
    for key, state in put.expects.items():
        found = stored.get(key)
        if (None if found is None else found.state) != state:
            raise CheckpointMovedError(key)


def _put_checkpoints(tables: Tables, put: Put, now: float) -> None:
    for checkpoint in put.checkpoints:
        if checkpoint.key not in put.expects:
            tables.put_checkpoint(checkpoint, now)
        elif not tables.replace_checkpoint(checkpoint, put.expects[checkpoint.key], now):
            raise CheckpointMovedError(checkpoint.key)


class _Batch:
    """One batch of a put."""

    def __init__(self, tables: Tables, queued: QueuedBatch, put: Put, now: float, sources: Sources | None) -> None:
        self.too_old = 0
        self.conflicts: list[Conflict] = []
        self._sources = sources
        self._tables = tables
        self._queued = queued
        self._put = put
        self._now = now
        prepared = None if queued.prepared is None else queued.prepared.names
        self._names = tables.names(queued.account, queued.batch.idempotency_keys) if prepared is None else prepared
        self._contents = BatchContents(tables, queued, self._names) if put.compares_contents else None

    def put(self, duplicates: list[Duplicate], too_old: AbstractSet[int]) -> int:
        """Queue the new events that are not too old; return how many. Add those that are known to `duplicates`."""
        tables, queued, names = self._tables, self._queued, self._names
        distinct = set(names)
        distinct.discard(None)
        known = tables.known(queued.account, distinct)
        if not too_old and all_new(names, distinct, known):
            if self._sources is not None:
                self._sources.note(queued, range(len(names)), ())
            self._add(range(len(names)))
            return len(names)
        new, known_at, repeated_at = sort_events(names, known)
        corrected: list[int] = []
        if known_at:
            corrected, known_at, again = self._corrected(known_at, known)
            new, repeated_at = sorted(new + corrected), repeated_at + again
        if self._contents is not None:
            known_at = self._without(self._contents.differ_from(known, known_at), known_at, OTHER_CONTENT)
            repeated_at = self._without(self._contents.differ_within(repeated_at), repeated_at, OTHER_CONTENT)
        duplicates.extend([self._duplicate(position, known[names[position]]) for position in known_at])
        if self._sources is not None:
            self._sources.note(queued, new, known_at)
        if too_old:
            new = self._without_old(new, too_old)
        tables.forget({names[position] for position in corrected if position in new})
        batch = self._add(new) if new else 0
        keys = queued.batch.idempotency_keys
        duplicates.extend([Duplicate("queued", queued.account, keys[at] or "", batch) for at in repeated_at])
        return len(new)

    def _add(self, positions: Sequence[int]) -> int:
        """Queue the events at some positions; return the number of their batch."""
        tables, queued, names = self._tables, self._queued, self._names
        if len(positions) < len(names):
            queued, names = queued.part(positions), [names[position] for position in positions]
        # What is queued is not a dead letter any more.
        tables.delete_named(queued.account, {name for name in names if name is not None})
        batch = tables.add_batch(queued, names, self._put.token.run, self._now)
        if self._contents is not None:
            self._contents.note(batch, positions, self._now)
        return batch

    def _without_old(self, new: list[int], too_old: AbstractSet[int]) -> list[int]:
        """Count the new events that are too old to be sent; return the positions of the others."""
        old = {position for position in new if position in too_old}
        self.too_old = len(old)
        if self._contents is not None:
            return self._without(old, new, TOO_OLD)
        return [position for position in new if position not in old]

    def _corrected(
        self, known_at: Sequence[int], known: Mapping[Hashable, int]
    ) -> tuple[list[int], list[int], list[int]]:
        """Divide events whose ID is known: corrections of dead ones, known ones, and repeated corrections.

        A dead event must not block one with the same ID and other content: somebody has corrected it.
        """
        tables, queued = self._tables, self._queued
        corrected, duplicates, again = [], list[int](), list[int]()
        seen: set[Hashable] = set()
        for position in known_at:
            name, key = self._names[position], queued.batch.idempotency_keys[position] or ""
            if name in seen:
                again.append(position)
                continue
            state = state_of(tables, queued.account, key, name, known[name])
            if state not in {"queued", "delivered"}:
                dead = tables.dead_event(queued.account, name)
                if dead is not None and not is_same_event(dead, queued.batch.events.kept[position]):
                    seen.add(name)
                    corrected.append(position)
                    continue
            duplicates.append(position)
        return corrected, duplicates, again

    def _without(self, rejected: AbstractSet[int], positions: list[int], message: str) -> list[int]:
        """Reject some events, and return the positions of the rest."""
        assert self._contents is not None  # noqa: S101 - only a put that compares contents rejects
        for position in sorted(rejected):
            self.conflicts.append(self._contents.reject(position, message, self._put, self._now))
        return [position for position in positions if position not in rejected]

    def _duplicate(self, position: int, batch: int) -> Duplicate:
        key, name = self._queued.batch.idempotency_keys[position] or "", self._names[position]
        assert name is not None  # noqa: S101 - a known event has a name
        account = self._queued.account
        return Duplicate(state_of(self._tables, account, key, name, batch), account, key, batch)


def state_of(tables: Tables, account: str, key: str, name: Hashable, batch: int) -> State:
    """Return the present state of an event whose ID is known; `batch` brought it."""
    if tables.holds(batch, key):
        return "queued"
    return tables.dead_reason(account, name) or "delivered"


def present_states(tables: Tables, duplicates: Sequence[Duplicate]) -> Mapping[State, int]:
    """Return how many duplicates are in which state now."""
    states: dict[State, int] = {}
    for state, account, key, brought_by, events in duplicates:
        if state == "queued" and not key:
            state = "queued" if tables.holds(brought_by, "") else "delivered"  # noqa: PLW2901
        elif state == "queued":
            (name,) = tables.names(account, [key])
            assert name is not None  # noqa: S101 - it has a key
            batch = tables.known(account, {name}).get(name)
            state = "delivered" if batch is None else state_of(tables, account, key, name, batch)  # noqa: PLW2901
        states[state] = states.get(state, 0) + events
    return states
