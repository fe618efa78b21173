"""The tables of an outbox, as the operations of a queue see them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast

from ..contract import LONGEST_PAUSE_SECONDS
from ..stored.hashes import Hasher, identity_of
from ..stored.named_letters import NamedLetters
from .audiences import AudienceTable
from .batches import BatchTable
from .dead_letters import DeadLetterTable
from .known_ids import KnownIds
from .lanes import LaneTable
from .notes import NoteTables
from .owners import Owners
from .schema import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..contract import Lane, LaneStatus, Lease, QueuedBatch, Reason
    from ..engine import Candidate
    from .days import Days
    from .statements import Statements


class PostgresTables(NamedLetters):
    """Everything that operations do to one connection. Names and identities are hashes of 16 bytes.

    `server_now` returns the server's moment; None: moments are those of the callers, whose clocks are moved by hand.
    """

    def __init__(
        self, database: Statements, salt: bytes, days: Days, server_now: Callable[[], float] | None = None
    ) -> None:
        self._salt = salt
        self._server_now = server_now
        self._hasher = Hasher(salt)
        self._now = 0.0
        self._writes = True
        slot = secrets.randbelow(SLOTS)
        self._ids = KnownIds(database, days, slot)
        self._owners = Owners(database)
        self._lanes = LaneTable(database, self._owners, slot)
        self._batches = BatchTable(database, self._lanes, self._owners)
        self._dead_letters: DeadLetterTable = DeadLetterTable(database, slot)
        self._notes = NoteTables(database, slot)
        self.audiences = AudienceTable(database)
        # What concerns a single table is that table's own method.
        self.checkpoints = self._notes.checkpoints
        self.correct = self._batches.correct
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
        self.replace_checkpoint = self._notes.replace_checkpoint
        self.queued_bytes = self._lanes.bytes
        self.queued_events = self._lanes.events
        self.read_batch = self._batches.read
        self.read_dead_letters = self._dead_letters.read
        self.records = self._notes.records
        self.release = self._batches.release
        self.renew = self._batches.renew
        self.set_pause = self._lanes.set_pause
        self.settle = self._batches.settle
        self.take_dead_letters = self._dead_letters.take

    def begin(self, *, writes: bool) -> None:
        """Another transaction has begun."""
        self._writes = writes
        self._lanes.begin()
        self._dead_letters.begin()
        self._batches.begin(writes=writes)
        self.audiences.begin(writes=writes)

    def committed(self) -> None:
        """What the transaction has done is certain."""
        self._lanes.committed()
        self._batches.committed()

    def reset(self) -> None:
        """Forget what was remembered of transactions: the last of them was rolled back."""
        self._owners.reset()
        self._lanes.reset()
        self._batches.reset()

    def expired_before(self) -> int | None:
        """Return the day before which IDs have expired, once after each time that this was found out."""
        day, self._ids.expired_before = self._ids.expired_before, None
        return day

    def salt(self) -> bytes:
        """Return what the IDs of this outbox are hashed with."""
        return self._salt

    def moment(self, now: float) -> float:
        """Return the server's moment, which all machines share."""
        self._now = now if self._server_now is None else self._server_now()
        return self._now

    def names(self, account: str, keys: Sequence[str | None]) -> Sequence[bytes | None]:
        """Return the name of each ID."""
        return self._hasher.names_of(account, keys)

    def known(self, account: str, names: AbstractSet[Hashable]) -> Mapping[Hashable, int]:  # noqa: ARG002 - a name holds it
        """Return the names that are known, each with the batch that brought it last."""
        found = self._ids.known(cast("AbstractSet[bytes]", names), self._now)
        if found:
            self._batches.look_at({*found.values()})
            self._dead_letters.look_at(found.keys())
        return cast("Mapping[Hashable, int]", found)

    def dead_reason(self, account: str, name: Hashable) -> Reason | None:  # noqa: ARG002 - likewise
        """Return why the event with this name is a dead letter; None if it is none."""
        return self._dead_letters.reason(cast("bytes", name))

    def forget(self, identities: Collection[Hashable]) -> None:
        """Forget the IDs of the events whose dead letters have these identities."""
        self._ids.forget(cast("Collection[bytes]", identities))

    def add_batch(self, queued: QueuedBatch, names: Sequence[Hashable | None], run: int, now: float) -> int:
        """Queue a batch, due now, remember its names, and return its ID."""
        number = self._batches.add(queued, run, now)
        self._ids.add(number, cast("Sequence[bytes | None]", names), run, now)
        return number

    def note_contents(
        self,
        batch: int,
        names: Sequence[Hashable | None],
        digests: Sequence[bytes],
        now: float,
    ) -> None:
        """Remember a digest of the content of each event that a batch has brought."""
        self._ids.note_contents(batch, cast("Sequence[bytes | None]", names), digests, now)

    def content(self, batch: int, name: Hashable) -> bytes | None:
        """Return the digest of the event with this name that a batch has brought; None if it is not remembered."""
        return self._ids.content(batch, cast("bytes", name))

    def candidates(self, lane: Lane, most: int) -> list[Candidate]:
        """Return what is needed to choose from a lane."""
        return self._batches.candidates(lane, most, self._now)

    def take(self, ids: Sequence[int], owner: str, until: float) -> list[Lease]:
        """Lease batches. One that is damaged is set aside, and a dead letter names it."""
        leases = self._batches.take(ids, owner, until)
        for damaged in self._batches.damaged:
            letter = damaged.letter(self._lanes.lane(damaged.lane))
            self._dead_letters.add(letter, identity_of("damaged", damaged.id), None, damaged.run, until)
            self.count(damaged.run, {"unreadable": damaged.events})
        self._batches.damaged.clear()
        return leases

    def batches_after(self, number: int, most: int) -> list[Candidate]:
        """Return up to so many queued batches whose ID is greater than a number, by their IDs."""
        return self._batches.after(number, most, locks=self._writes)

    def lanes(self, now: float, is_held: Callable[[Candidate], bool]) -> list[LaneStatus]:
        """Return the state of every lane that was ever used, sorted."""
        return self._lanes.statuses(now, now + LONGEST_PAUSE_SECONDS, is_held)

    def prune(self, *, ids_before: float, checkpoints_before: float, most: int) -> None:
        """Delete IDs and runs from before a moment, and finished checkpoints from before another."""
        self._ids.prune(ids_before)
        self._owners.prune(ids_before)
        self._notes.prune(runs_before=ids_before, checkpoints_before=checkpoints_before, most=most)
