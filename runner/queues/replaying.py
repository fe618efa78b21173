"""The dead letters of a queue, and the operation behind their replay."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import msgspec

from .accepting import repeated, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from .contract import (
        DeadLetterFilter,
        DeadLetterGroup,
        KeptDeadLetter,
        ReplayBatch,
        Replayed,
        State,
        Token,
    )
    from .engine import Engine, Tables

_BEFORE: Mapping[State, Replayed] = {"queued": "queued before", "delivered": "delivered before"}


class EngineDeadLetters:
    """The dead letters in an engine."""

    def __init__(self, engine: Engine, now: Callable[[], float]) -> None:
        self._engine = engine
        self._now = now

    async def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        """Return dead letters grouped by reason and message (without request IDs), the largest group first."""
        return await self._engine.read(lambda tables: tables.groups(chosen))

    async def ids(self, chosen: DeadLetterFilter) -> list[int]:
        """Return the IDs of dead letters, the oldest first."""
        return await self._engine.read(lambda tables: tables.dead_letter_ids(chosen))

    async def read(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        """Return dead letters by ID, the oldest first. IDs that do not exist are left out."""
        return await self._engine.read(lambda tables: tables.read_dead_letters(ids))

    async def replay(self, batches: Sequence[ReplayBatch], token: Token) -> Mapping[Replayed, int]:
        """Queue the events of dead letters and delete these, all or nothing. Raises QueueFullError.

        An event that is queued or delivered under the same ID is not queued again.
        """
        return await self._engine.write(lambda tables: replay(tables, batches, token, tables.moment(self._now())))

    async def discard(self, chosen: DeadLetterFilter) -> int:
        """Delete dead letters and forget the IDs of their events; return how many there were."""

        def discard(tables: Tables) -> int:
            taken = tables.take_dead_letters(tables.dead_letter_ids(chosen))
            tables.forget(set(taken.values()))
            return len(taken)

        return await self._engine.write(discard)


def replay(tables: Tables, batches: Sequence[ReplayBatch], token: Token, now: float) -> Mapping[Replayed, int]:
    """Queue the events of the dead letters that are still there, and delete these."""
    if (before := repeated(tables, token)) is not None:
        return cast("dict[Replayed, int]", msgspec.msgpack.decode(before))
    taken = tables.take_dead_letters({number for batch in batches for number in batch.ids})
    # Their events may be queued again, so they must not be known by these letters.
    tables.forget(set(taken.values()))
    replayed: Counter[Replayed] = Counter()
    for batch in batches:
        replayed += _replay_batch(tables, batch, taken, token.run, now)
    tables.note_put(token, msgspec.msgpack.encode(dict(replayed)), now)
    return replayed


def _replay_batch(
    tables: Tables, batch: ReplayBatch, taken: Mapping[int, Hashable], run: int, now: float
) -> Counter[Replayed]:
    queued = batch.queued
    replayed: Counter[Replayed] = Counter()
    names = tables.names(queued.account, queued.batch.idempotency_keys)
    known = tables.known(queued.account, {name for name in names if name is not None})
    new: list[int] = []
    seen: set[Hashable] = set()
    dead: set[Hashable] = set()
    for position, (number, name) in enumerate(zip(batch.ids, names, strict=True)):
        if number not in taken:
            replayed["gone"] += 1
            continue
        if name is not None:
            key = queued.batch.idempotency_keys[position] or ""
            state: State | None = None
            if name in seen:
                state = "queued"
            elif name in known:
                state = state_of(tables, queued.account, key, name, known[name])
            if state in _BEFORE:
                replayed[_BEFORE[cast("State", state)]] += 1
                continue
            seen.add(name)
            if state is not None:
                dead.add(tables.name_identity(queued.account, name))
        new.append(position)
    if dead:
        tables.forget(dead)
    # An event is in one place only: if it has another dead letter, that ends with this replay too.
    tables.delete_named(queued.account, seen)
    if new:
        part = queued if len(new) == len(names) else queued.part(new)
        tables.add_batch(part, [names[position] for position in new], run, now)
        replayed["queued"] = len(new)
    return replayed
