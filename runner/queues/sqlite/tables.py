"""The tables of an outbox, as the operations of a queue see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..stored.hashes import Hasher, identity_of
from ..stored.named_letters import NamedLetters
from .audiences import AudienceTable
from .batches import BatchTable
from .contents import ContentTable
from .dead_letters import DeadLetterTable
from .known_ids import KnownIds
from .lanes import LaneTable
from .notes import NoteTables

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Hashable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..contract import (
        Lease,
        QueuedBatch,
        Reason,
    )


class SqliteTables(NamedLetters):
    """Everything that operations do to one connection. Names and identities are hashes of 16 bytes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.audiences = AudienceTable(connection)
        self._hasher: Hasher | None = None
        self._ids = KnownIds(connection)
        self._lanes = LaneTable(connection)
        self._batches = BatchTable(connection, self._lanes)
        self._contents = ContentTable(connection)
        self._dead_letters: DeadLetterTable = DeadLetterTable(connection)
        self._notes = NoteTables(connection)
        # What concerns a single table is that table's own method.
        self.begin = self._ids.begin
        self.batches_after = self._batches.after
        self.candidates = self._batches.candidates
        self.correct = self._batches.correct
        self.checkpoints = self._notes.checkpoints
        self.count = self._notes.count
        self.dead_counts = self._dead_letters.counts
        self.dead_letter_bytes = self._dead_letters.bytes
        self.dead_letter_ids = self._dead_letters.ids
        self.delete_reread = self._dead_letters.delete_reread
        self.depth = self._lanes.depth
        self.groups = self._dead_letters.groups
        self.holds = self._batches.holds
        self.keep_events = self._batches.keep_events
        self.known_ids = self._ids.count
        self.lanes = self._lanes.statuses
        self.last_put = self._notes.last_put
        self.make_due = self._batches.make_due
        self.mark = self._lanes.mark
        self.note_put = self._notes.put
        self.oldest_dead_letters = self._dead_letters.oldest
        self.outcomes = self._notes.outcomes
        self.owner_of = self._batches.owner_of
        self.pause = self._lanes.pause
        self.put_checkpoint = self._notes.put_checkpoint
        self.put_record = self._notes.put_record
        self.queued_bytes = self._lanes.bytes
        self.queued_events = self._lanes.events
        self.read_batch = self._batches.read
        self.read_dead_letters = self._dead_letters.read
        self.records = self._notes.records
        self.replace_checkpoint = self._notes.replace_checkpoint
        self.release = self._batches.release
        self.renew = self._batches.renew
        self.set_pause = self._lanes.set_pause
        self.salt = self._ids.salt
        self.settle = self._batches.settle
        self.take_dead_letters = self._dead_letters.take

    def reset(self) -> None:
        """Forget what was remembered of transactions: the last of them was rolled back."""
        self._ids.reset()
        self._lanes.reset()
        self._batches.reset()

    def moment(self, now: float) -> float:
        """Return the caller's moment: there is no other clock."""
        return now

    def names(self, account: str, keys: Sequence[str | None]) -> Sequence[bytes | None]:
        """Return the name of each ID."""
        if self._hasher is None:
            self._hasher = Hasher(self.salt())
        return self._hasher.names_of(account, keys)

    def known(self, account: str, names: AbstractSet[Hashable]) -> Mapping[Hashable, int]:  # noqa: ARG002 - a name holds it
        """Return the names that are known, each with the batch that brought it last."""
        return cast("Mapping[Hashable, int]", self._ids.known(cast("AbstractSet[bytes]", names)))

    def dead_reason(self, account: str, name: Hashable) -> Reason | None:  # noqa: ARG002 - likewise
        """Return why the event with this name is a dead letter; None if it is none."""
        return self._dead_letters.reason(cast("bytes", name))

    def forget(self, identities: Collection[Hashable]) -> None:
        """Forget the IDs of the events whose dead letters have these identities."""
        self._ids.forget(cast("Collection[bytes]", identities))

    def add_batch(self, queued: QueuedBatch, names: Sequence[Hashable | None], run: int, now: float) -> int:
        """Queue a batch, due now, remember its names, and return its ID."""
        number = self._batches.add(queued, run, now)
        self._ids.add(number, cast("Sequence[bytes | None]", names), now)
        return number

    def note_contents(self, batch: int, names: Sequence[Hashable | None], digests: Sequence[bytes], now: float) -> None:
        """Remember a digest of the content of each event that a batch has brought."""
        self._contents.note(batch, cast("Sequence[bytes | None]", names), digests, now)

    def content(self, batch: int, name: Hashable) -> bytes | None:
        """Return the digest of the event with this name that a batch has brought; None if it is not remembered."""
        return self._contents.of(batch, cast("bytes", name))

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches. One that is damaged is set aside, and a dead letter names it."""
        leases = self._batches.take(ids, owner, until)
        for damaged in self._batches.damaged:
            letter = damaged.letter(self._lanes.lane(damaged.lane))
            self._dead_letters.add(letter, identity_of("damaged", damaged.id), None, damaged.run, until)
            self.count(damaged.run, {"unreadable": damaged.events})
        self._batches.damaged.clear()
        return leases

    def prune(self, *, ids_before: float, checkpoints_before: float, most: int) -> None:
        """Delete IDs and runs from before a moment, and finished checkpoints from before another."""
        self._ids.prune(ids_before, most)
        self._contents.prune(ids_before, most)
        self._notes.prune(runs_before=ids_before, checkpoints_before=checkpoints_before, most=most)
