"""The engine in memory, for runs that keep nothing: its contents end with the process."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from ..contract import Checkpoint, ExportedBatch, ExportedIds, ExportedMemberships, ExportedRecord
from ..recent_ids import RecentIds
from .audiences import MemoryAudiences
from .batches import MemoryBatches
from .dead_letters import MemoryDeadLetters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..contract import Exported, LaneStatus, Outcome, QueuedBatch, Reason, Settlement, Token
    from ..engine import Candidate, EngineOptions, Tables

T = TypeVar("T")

_MOST_CONTENTS = 10_000
"""Of how many batches the contents of events are remembered."""


class MemoryTables(MemoryBatches, MemoryDeadLetters):
    """Everything, in dicts.

    An operation that raises is not undone: those of `EngineQueue` raise before they write.
    """

    def __init__(self) -> None:
        MemoryBatches.__init__(self)
        MemoryDeadLetters.__init__(self)
        self.audiences = MemoryAudiences()
        self._ids: dict[str, RecentIds] = {}
        self._puts: dict[int, tuple[int, bytes]] = {}
        self._checkpoints: dict[str, tuple[Checkpoint, float]] = {}
        self._records: dict[str, bytes] = {}
        self._outcomes: dict[int, Counter[Outcome]] = {}
        self._contents: dict[int, dict[Hashable, bytes]] = {}

    def moment(self, now: float) -> float:
        """Return the caller's moment: there is no other clock."""
        return now

    # IDs

    def salt(self) -> bytes | None:
        """Return None: an ID is its own name."""
        return None

    def names(self, account: str, keys: Sequence[str | None]) -> Sequence[Hashable | None]:  # noqa: ARG002
        """Return the IDs themselves."""
        return keys

    def known(self, account: str, names: AbstractSet[Hashable]) -> Mapping[Hashable, int]:
        """Return the names that are known, each with the batch that brought it."""
        return self._of(account).find_all(names)

    def holds(self, batch: int, key: str) -> bool:
        """Return whether a batch is still queued and holds the event with this ID, or any event (no ID)."""
        held = self._held.get(batch)
        return held is not None and (not key or key in held.queued.batch.idempotency_keys)

    def dead_reason(self, account: str, name: Hashable) -> Reason | None:
        """Return why the event with this name is a dead letter; None if it is none."""
        found = self._of(account).find(name)
        return None if found is None or isinstance(found, int) else found

    def forget(self, identities: Collection[Hashable]) -> None:
        """Forget the IDs of the events whose dead letters have these identities."""
        for identity in identities:
            if isinstance(identity, tuple) and identity[0] == "name":
                _, account, name = identity
                self._of(account).forget(name)

    def _of(self, account: str) -> RecentIds:
        ids = self._ids.get(account)
        if ids is None:
            ids = self._ids[account] = RecentIds()
        return ids

    # Puts

    def last_put(self, run: int) -> tuple[int, bytes] | None:
        """Return the number and the result of the last put of a run."""
        return self._puts.get(run)

    def note_put(self, token: Token, result: bytes, now: float) -> None:  # noqa: ARG002
        """Store the number and the result of the last put of a run."""
        self._puts[token.run] = token.number, result

    def add_batch(self, queued: QueuedBatch, names: Sequence[Hashable | None], run: int, now: float) -> int:
        """Queue a batch, due now, remember its names, and return its ID."""
        number = self.hold(queued, run, now)
        self._of(queued.account).add(names, number)
        return number

    def note_contents(
        self,
        batch: int,
        names: Sequence[Hashable | None],
        digests: Sequence[bytes],
        now: float,  # noqa: ARG002
    ) -> None:
        """Remember the contents of the latest batches."""
        self._contents[batch] = {name: digest for name, digest in zip(names, digests, strict=True) if name is not None}
        if len(self._contents) > _MOST_CONTENTS:
            del self._contents[next(iter(self._contents))]

    def content(self, batch: int, name: Hashable) -> bytes | None:
        """Return the digest of the event with this name that a batch has brought; None if it is not remembered."""
        return self._contents.get(batch, {}).get(name)

    def put_checkpoint(self, checkpoint: Checkpoint, now: float) -> None:
        """Store how far a source was accepted."""
        self._checkpoints[checkpoint.key] = checkpoint, now

    def replace_checkpoint(self, checkpoint: Checkpoint, expected: bytes | None, now: float) -> bool:
        """Store a checkpoint only if the stored state is `expected`; return whether it was."""
        found = self.checkpoints([checkpoint.key]).get(checkpoint.key)
        if (None if found is None else found.state) != expected:
            return False
        self.put_checkpoint(checkpoint, now)
        return True

    def put_record(self, key: str, value: bytes | None) -> None:
        """Store a record, or delete it (None)."""
        if value is None:
            self._records.pop(key, None)
        else:
            self._records[key] = value

    # Settlements

    def settle(self, settlement: Settlement, rest: Sequence[int], now: float) -> None:
        """Free a batch, keep only the positions in `rest` (delete it if there are none), and count for its lane."""
        queued = settlement.lease.queued
        if settlement.dead:
            ids, keys = self._of(queued.account), queued.batch.idempotency_keys
            for position, letter in settlement.dead.items():
                if (key := keys[position]) is not None:
                    ids.mark_dead(key, letter.reason)
        self.free(settlement, rest, now)

    def count(self, run: int, outcomes: Mapping[Outcome, int]) -> None:
        """Add to the outcomes of a run."""
        counted = self._outcomes.setdefault(run, Counter())
        for outcome, events in outcomes.items():
            counted[outcome] += events

    # Reports

    def checkpoints(self, keys: Collection[str]) -> Mapping[str, Checkpoint]:
        """Return how far sources were accepted, by their keys."""
        return {key: self._checkpoints[key][0] for key in keys if key in self._checkpoints}

    def records(self, prefix: str) -> Mapping[str, bytes]:
        """Return the records whose key begins with a prefix."""
        return {key: value for key, value in sorted(self._records.items()) if key.startswith(prefix)}

    def outcomes(self, run: int) -> tuple[Mapping[Outcome, int], int]:
        """Return the outcomes of a run, and how many of its events are still queued."""
        queued = sum([held.queued.count for held in self._held.values() if held.run == run])
        return self._outcomes.get(run, Counter()), queued

    def known_ids(self) -> int:
        """Return how many IDs are known."""
        return sum(map(len, self._ids.values()))

    # Retention

    def prune(self, *, ids_before: float, checkpoints_before: float, most: int) -> None:
        """Delete nothing: there are never more than the latest IDs."""

    def everything(self, lanes: Sequence[LaneStatus]) -> Iterator[Exported]:
        """Return what an export yields."""
        yield from lanes
        for held in self._held.values():
            error = held.error
            about = (None, None, None) if error is None else (error.message, error.status_code, error.request_id)
            yield ExportedBatch(held.queued, held.run, held.attempts, held.accepted_at, held.due, *about)
        yield from self.read_dead_letters(self.all_dead_letters())
        for checkpoint, _ in self._checkpoints.values():
            yield checkpoint
        for key, value in self._records.items():
            yield ExportedRecord(key, value)
        for audience in self.audiences.all():
            yield ExportedMemberships(audience, self.audiences.memberships(audience.id, b"", sys.maxsize))
        for account, ids in self._ids.items():
            yield ExportedIds([f"{account}\0{name}".encode("utf-8", "surrogatepass") for name in ids.all()], 0.0)


class MemoryEngine:
    """Runs operations at once, on dicts."""

    is_durable = False

    def __init__(self) -> None:
        self._tables = MemoryTables()

    async def write(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation."""
        return operation(self._tables)

    async def read(self, operation: Callable[[Tables], T]) -> T:
        """Run an operation."""
        return operation(self._tables)

    async def export(self, now: float, is_held: Callable[[Candidate], bool]) -> AsyncIterator[Exported]:
        """Yield everything."""
        for item in list(self._tables.everything(self._tables.lanes(now, is_held))):
            yield item

    def size(self) -> int:
        """Return 0: nothing is on disk."""
        return 0

    async def close(self) -> None:
        """Keep nothing open."""


def open_memory(location: str, options: EngineOptions, /) -> MemoryEngine:  # noqa: ARG001 - the signature of OpenEngine
    """Open a new engine in memory, whatever the location says."""
    return MemoryEngine()
